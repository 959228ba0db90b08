#include "bench/lab/prose.h"

#include <array>
#include <cctype>

namespace weir::lab {
namespace {

const std::array<std::string, 96> kWords{
    "amber",   "basket",  "canal",    "dinner",  "engine",   "fabric",  "garden",   "harbour",
    "island",  "jacket",  "kettle",   "ladder",  "marble",   "needle",  "ocean",    "paper",
    "quarter", "river",   "saddle",   "timber",  "umbrella", "valley",  "window",   "yellow",
    "zebra",   "anchor",  "bridge",   "candle",  "diamond",  "evening", "feather",  "glacier",
    "hammer",  "indigo",  "journey",  "kitchen", "lantern",  "meadow",  "notebook", "opera",
    "pebble",  "quilt",   "ribbon",   "silver",  "theatre",  "uniform", "velvet",   "whistle",
    "autumn",  "bottle",  "copper",   "dragon",  "ember",    "forest",  "granite",  "horizon",
    "ivory",   "jungle",  "keyboard", "library", "museum",   "nutmeg",  "oven",     "piano",
    "rabbit",  "station", "tunnel",   "village", "winter",   "acorn",   "balcony",  "carpet",
    "desert",  "elbow",   "flute",    "goblet",  "helmet",   "insect",  "jewel",    "kite",
    "lemon",   "mirror",  "nickel",   "onion",   "pocket",   "rocket",  "sugar",    "tiger",
    "violin",  "wagon",   "almond",   "barrel",  "cotton",   "dolphin", "eagle",    "fountain"};

const std::array<std::string, 24> kVerbs{
    "carries", "follows", "paints",  "remembers", "crosses",  "measures", "visits",  "repairs",
    "borrows", "watches", "prefers", "describes", "explains", "counts",   "gathers", "avoids",
    "finds",   "offers",  "keeps",   "replaces",  "admires",  "opens",    "moves",   "answers"};

const std::array<std::string, 16> kQuestions{
    "How do I write a polite reply to an invitation that mentions the $ and the $?",
    "Give me three ideas for a dinner with $ and $ for eight people.",
    "What is the difference between a $ and a $ in everyday use?",
    "Please shorten this text about the $ to two paragraphs.",
    "Can you explain how quicksort works, with an example about a $?",
    "Plan a weekend trip: one day by the $, one day near the $.",
    "Translate into French: the $ stands beside the $.",
    "Which HTTP status code fits when the $ is busy?",
    "Write a haiku about a $ in the $.",
    "How can I tell in Python whether a list of $ names has duplicates?",
    "What should an agenda for a meeting about the $ contain?",
    "Explain what a hash table is to someone who knows a $.",
    "Suggest a name for a cat that likes the $ and the $.",
    "Why does my spreadsheet show a date instead of $?",
    "What are good warm-up exercises before carrying a $?",
    "Summarise the history of the $ in five sentences."};

const std::array<std::string, 10> kCodeRequests{
    "Why does this sometimes give the wrong result? Please find the mistake.",
    "Add a unit test for this.",
    "Explain what this part does, line by line.",
    "Make this faster without changing what it returns.",
    "Please review this before I commit it.",
    "Rewrite this so that it is easier to read.",
    "The last case fails at night only. What could be the reason?",
    "Document this for new colleagues.",
    "Is there an off-by-one error in here?",
    "Port this to another language, keep the names."};

std::string fill(LabRandom& random, const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '$') {
      out += random_word(random);
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

const std::string& random_word(LabRandom& random) { return random.pick(kWords); }

std::string random_sentence(LabRandom& random) {
  std::string out =
      "The " + random_word(random) + ' ' + random.pick(kVerbs) + " the " + random_word(random);
  if (random.chance(0.6)) out += " near the " + random_word(random);
  if (random.chance(0.4))
    out +=
        " and the " + random_word(random) + ' ' + random.pick(kVerbs) + " a " + random_word(random);
  return out + '.';
}

std::string random_prose(LabRandom& random, size_t bytes) {
  std::string out;
  while (out.size() < bytes) {
    out += random_sentence(random);
    out += random.chance(0.15) ? "\n\n" : " ";
  }
  return out;
}

std::string random_question(LabRandom& random) { return fill(random, random.pick(kQuestions)); }

std::string code_request(LabRandom& random) { return random.pick(kCodeRequests); }

}  // namespace weir::lab
