#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes the undefined operands of its own vector functions for uninitialised.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#include "signatures/fingerprint/line_filter.h"

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "signatures/fingerprint/common_words.h"

namespace weir::signatures {
namespace {

constexpr size_t kSlack = 160;  // zeros behind the text: whole blocks and phrases are read

bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }

uint64_t load64(const char* at) noexcept {
  uint64_t out = 0;
  std::memcpy(&out, at, sizeof(out));
  return out;
}

// One bit for each of 64 bytes.
struct Classes {
  uint64_t lower = 0;
  uint64_t upper = 0;
  uint64_t blank = 0;  // space and \t..\r
  uint64_t newline = 0;
};

// Puts the 64 bytes at `at` there in small letters.
Classes classify(char* at) noexcept {
  Classes out;
#if defined(__SSSE3__)
  for (unsigned i = 0; i < 4; ++i) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + size_t{16} * i));
    // Signed comparison after a shift of the range to the least values.
    const auto in_range = [&v](char first, char count) {
      const __m128i moved = _mm_sub_epi8(v, _mm_set1_epi8(static_cast<char>(first - 128)));
      return _mm_cmplt_epi8(moved, _mm_set1_epi8(static_cast<char>(count - 128)));
    };
    const __m128i upper = in_range('A', 26);
    const __m128i blank = _mm_or_si128(in_range('\t', 5), _mm_cmpeq_epi8(v, _mm_set1_epi8(' ')));
    const auto bits = [i](__m128i mask) {
      return uint64_t{static_cast<uint32_t>(_mm_movemask_epi8(mask))} << (16 * i);
    };
    out.lower |= bits(in_range('a', 26));
    out.upper |= bits(upper);
    out.blank |= bits(blank);
    out.newline |= bits(_mm_cmpeq_epi8(v, _mm_set1_epi8('\n')));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(at + size_t{16} * i),
                     _mm_or_si128(v, _mm_and_si128(upper, _mm_set1_epi8(0x20))));
  }
#else
  for (unsigned i = 0; i < 64; ++i) {
    const char c = at[i];
    const uint64_t bit = uint64_t{1} << i;
    out.lower |= is_lower(c) ? bit : 0;
    out.upper |= is_upper(c) ? bit : 0;
    out.blank |= c == ' ' || (c >= '\t' && c <= '\r') ? bit : 0;
    out.newline |= c == '\n' ? bit : 0;
    if (is_upper(c)) at[i] = static_cast<char>(c + 32);
  }
#endif
  return out;
}

// The common words in a hash table: every word of every line is looked up.
class CommonWords {
 public:
  static constexpr size_t kLongest = 24;
  CommonWords() {
    for (const std::string_view word : kCommonWords) {
      std::array<char, 2 * kLongest> padded{};
      std::memcpy(padded.data(), word.data(), std::min(word.size(), kLongest));
      const Key key = make(padded.data(), word.size());
      const uint64_t mixed = mix(key);
      size_t at = slot(mixed);
      while (tags_[at] != 0) at = (at + 1) % kSlots;
      tags_[at] = tag(mixed);
      keys_[at] = key;
    }
  }
  // `word` in small letters; 24 bytes can be read there.
  [[nodiscard]] bool holds(const char* word, size_t size) const noexcept {
    if (size > kLongest) return false;
    const Key key = make(word, size);
    const uint64_t mixed = mix(key);
    const uint8_t wanted = tag(mixed);
    for (size_t at = slot(mixed); tags_[at] != 0; at = (at + 1) % kSlots) {
      if (tags_[at] == wanted && keys_[at].a == key.a && keys_[at].b == key.b &&
          keys_[at].c == key.c) {
        return true;
      }
    }
    return false;
  }

 private:
  struct Key {
    uint64_t a = 0, b = 0, c = 0;
  };
  static uint64_t first_bytes(uint64_t word, size_t size) noexcept {
    return size >= 8 ? word : word & ((uint64_t{1} << (8 * size)) - 1);
  }
  static Key make(const char* word, size_t size) noexcept {
    Key key;
    key.a = first_bytes(load64(word), size);
    if (size > 8) key.b = first_bytes(load64(word + 8), size - 8);
    if (size > 16) key.c = first_bytes(load64(word + 16), size - 16);
    return key;
  }
  static uint64_t mix(const Key& key) noexcept {
    return (key.a ^ key.b * 0xd6e8feb86659fd93ULL ^ key.c) * 0x9e3779b97f4a7c15ULL;
  }
  static size_t slot(uint64_t mixed) noexcept { return static_cast<size_t>(mixed >> 52); }
  static uint8_t tag(uint64_t mixed) noexcept { return static_cast<uint8_t>(mixed >> 44 | 1); }
  static constexpr size_t kSlots = 4096;
  static_assert(kCommonWords.size() * 2 < kSlots);
  std::array<uint8_t, kSlots> tags_{};  // 0: empty; most words are told apart by these
  std::array<Key, kSlots> keys_{};
};

const CommonWords& common_words() {
  static const CommonWords words;
  return words;
}

// What stands in licences and nowhere else, in comments or not.
constexpr std::array<std::string_view, 21> kPhrases{"redistributions of source",
                                                    "redistributions in binary",
                                                    "redistribution and use in source",
                                                    "warranties of merchantability",
                                                    "implied warranties",
                                                    "implied warranty",
                                                    "permission is hereby granted",
                                                    "substantial portions of the software",
                                                    "in no event shall",
                                                    "apache license, version",
                                                    "gnu general public license",
                                                    "gnu lesser general public",
                                                    "without specific prior written permission",
                                                    "mozilla public license",
                                                    "the software is provided \"as is\"",
                                                    "to permit persons to whom",
                                                    "arising in any way out of the use",
                                                    "strict liability, or tort",
                                                    "procurement of substitute goods",
                                                    "sublicense, and/or sell",
                                                    "furnished to do so, subject to the following"};
// Two of these in one comment make it a licence.
constexpr std::array<std::string_view, 9> kWords{"copyright",  "licens",     "licenc",
                                                 "warrant",    "spdx-",      "redistribut",
                                                 "permission", "merchantab", "all rights reserved"};
constexpr uint32_t kPhraseBit = 1U << kWords.size();

// The first four bytes of a text, to compare before the rest.
constexpr uint32_t first_four(std::string_view text) noexcept {
  uint32_t four = 0;
  for (unsigned i = 0; i < 4; ++i) {
    four |= static_cast<uint32_t>(static_cast<uint8_t>(text[i])) << (8 * i);
  }
  return four;
}
template <size_t N>
constexpr std::array<uint32_t, N> first_fours(const std::array<std::string_view, N>& texts) {
  std::array<uint32_t, N> out{};
  for (size_t i = 0; i < N; ++i) out[i] = first_four(texts[i]);
  return out;
}
constexpr auto kPhraseFours = first_fours(kPhrases);
constexpr auto kWordFours = first_fours(kWords);
uint32_t load_four(const char* at) noexcept {
  uint32_t out;
  std::memcpy(&out, at, sizeof(out));
  return out;
}
// Which places may begin one of those: by their first four bytes, eight groups of texts at a time.
// A group has a bit; for each of the four places, a byte's halves choose the groups that it fits.
constexpr size_t kGateBytes = 4;
struct Gate {
  using Halves = std::array<uint8_t, 16>;
  alignas(16) std::array<Halves, kGateBytes> low{};
  alignas(16) std::array<Halves, kGateBytes> high{};
};
constexpr Gate kGate = [] {
  Gate out{};
  const auto add = [&out](std::string_view text) {
    // Those that begin alike are in one group.
    const auto first = static_cast<uint8_t>(text[0]);
    const auto group = static_cast<uint8_t>(1U << ((first ^ first >> 2) & 7));
    for (size_t i = 0; i < kGateBytes; ++i) {
      const auto c = static_cast<uint8_t>(text[i]);
      out.low[i][c & 15] |= group;
      out.high[i][c >> 4] |= group;
    }
  };
  for (const std::string_view text : kPhrases) add(text);
  for (const std::string_view text : kWords) add(text);
  return out;
}();

#if defined(__SSSE3__)
constexpr bool kHasShuffle = true;
__m128i halves(const Gate::Halves& table) noexcept {
  return _mm_load_si128(reinterpret_cast<const __m128i*>(table.data()));
}
#else
constexpr bool kHasShuffle = false;
#endif

// A bit for each of the 64 places from `at` on; reads 67 bytes.
uint64_t may_begin(const char* at) noexcept {
  uint64_t out = 0;
#if defined(__SSSE3__)
  const __m128i nibble = _mm_set1_epi8(15);
  for (size_t step = 0; step < 64; step += 16) {
    __m128i groups = _mm_set1_epi8(-1);
    for (size_t i = 0; i < kGateBytes; ++i) {
      const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + step + i));
      const __m128i low = _mm_shuffle_epi8(halves(kGate.low[i]), _mm_and_si128(v, nibble));
      const __m128i high =
          _mm_shuffle_epi8(halves(kGate.high[i]), _mm_and_si128(_mm_srli_epi16(v, 4), nibble));
      groups = _mm_and_si128(groups, _mm_and_si128(low, high));
    }
    const __m128i none = _mm_cmpeq_epi8(groups, _mm_setzero_si128());
    out |= uint64_t{static_cast<uint32_t>(_mm_movemask_epi8(none)) ^ 0xffffU} << step;
  }
#endif
  for (unsigned place = 0; !kHasShuffle && place < 64; ++place) {
    uint8_t groups = 0xff;
    for (size_t i = 0; i < kGateBytes; ++i) {
      const auto c = static_cast<uint8_t>(at[place + i]);
      groups = static_cast<uint8_t>(groups & kGate.low[i][c & 15] & kGate.high[i][c >> 4]);
    }
    out |= groups != 0 ? uint64_t{1} << place : 0;
  }
  return out;
}

__attribute__((target("avx512f,avx512bw"))) uint64_t may_begin_wide(const char* at) noexcept {
  const __m512i nibble = _mm512_set1_epi8(15);
  __m512i groups = _mm512_set1_epi8(-1);
  for (size_t i = 0; i < kGateBytes; ++i) {
    const __m512i v = _mm512_loadu_si512(at + i);
    const auto* const low_table = reinterpret_cast<const __m128i*>(kGate.low[i].data());
    const auto* const high_table = reinterpret_cast<const __m128i*>(kGate.high[i].data());
    const __m512i low = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_load_si128(low_table)),
                                            _mm512_and_si512(v, nibble));
    const __m512i high = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_load_si128(high_table)),
                                             _mm512_and_si512(_mm512_srli_epi16(v, 4), nibble));
    groups = _mm512_and_si512(groups, _mm512_and_si512(low, high));
  }
  return _mm512_test_epi8_mask(groups, groups);
}

bool has_wide() noexcept {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}
const bool kWide = has_wide();

bool stands_at(const char* at, std::string_view text) noexcept {
  return std::memcmp(at, text.data(), text.size()) == 0;
}

bool begins(std::string_view line, std::string_view with) noexcept {
  return line.substr(0, with.size()) == with;
}

bool is_import(std::string_view line) noexcept {
  if (line.empty()) return false;
  switch (line.front()) {
    case '#':
      return begins(line, "#include") || begins(line, "# include") || begins(line, "#import") ||
             begins(line, "#!/");
    case 'i':
      return begins(line, "import ");
    case 'u':
      return begins(line, "using ") || begins(line, "use ");
    case 'p':
      return begins(line, "package ");
    case 'e':
      return begins(line, "extern crate ");
    case '`':
      return begins(line, "`include");
    case 'f':
      return begins(line, "from ") && line.find(" import") != std::string_view::npos;
    case 'c':
    case 'v':
    case 'l':
      return (begins(line, "const ") || begins(line, "var ") || begins(line, "let ")) &&
             line.find("require(") != std::string_view::npos;
    default:
      return false;
  }
}

// What closes a list of imports that the line opens, as in `import (`; 0 when it opens none.
char import_list(std::string_view line) noexcept {
  if (line.empty() || (line.back() != '(' && line.back() != '{')) return 0;
  if (!begins(line, "import ") && !begins(line, "from ") && !begins(line, "use ") &&
      !begins(line, "pub use ")) {
    return 0;
  }
  return line.back() == '(' ? ')' : '}';
}
constexpr size_t kImportList = 200;  // lines, at most

bool begins_comment(std::string_view line) noexcept {
  if (line.empty()) return false;
  switch (line.front()) {
    case '*':
    case '#':
    case ';':
    case '%':
      return true;
    case '/':
      return line.size() > 1 && (line[1] == '/' || line[1] == '*');
    case '-':
      return line.size() > 1 && line[1] == '-';
    case '<':
      return begins(line, "<!--");
    default:
      return false;
  }
}

std::string_view trimmed(std::string_view line) noexcept {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  size_t begin = 0;
  while (begin < line.size() && is_space(line[begin])) ++begin;
  size_t end = line.size();
  while (end > begin && is_space(line[end - 1])) --end;
  return line.substr(begin, end - begin);
}

// From this part of a name on no word is everyone's: insert_copy_before is made of common words,
// and hardly anyone else has it.
constexpr size_t kManyParts = 3;

// A word that begins at `begin` goes on with the name that the word before it ended in.
bool continues(const char* text, size_t begin, size_t last_end) noexcept {
  return begin == last_end || (begin == last_end + 1 && text[last_end] == '_');
}

}  // namespace

void LineFilter::word(size_t begin, size_t end) {
  parts_ = parts_ > 0 && continues(lower_.data(), begin, last_end_) ? parts_ + 1 : 1;
  last_end_ = end;
  if (end - begin < 3) return;
  if (parts_ < kManyParts && common_words().holds(lower_.data() + begin, end - begin)) return;
  words_.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end)});
}

void LineFilter::map(size_t size) {
  blocks_.clear();
  lines_.clear();
  words_.clear();
  last_end_ = parts_ = 0;
  // A word: capitals, then small letters (split at the next capital after a small letter). It
  // ends where another begins and at what is no letter.
  constexpr size_t kNone = SIZE_MAX;
  size_t open = kNone;
  uint64_t letter_before = 0;
  uint64_t lower_before = 0;
  uint32_t dense = 0;
  uint32_t line_begin = 0;
  for (size_t at = 0; at <= size; at += 64) {
    const Classes c = classify(lower_.data() + at);
    const uint64_t inside = size - at >= 64 ? ~uint64_t{0} : (uint64_t{1} << (size - at)) - 1;
    const uint64_t letters = c.lower | c.upper;
    const uint64_t after_letter = letters << 1 | letter_before;
    const uint64_t begins = letters & (~after_letter | (c.upper & (c.lower << 1 | lower_before)));
    for (uint64_t marks = begins | (~letters & after_letter); marks != 0; marks &= marks - 1) {
      const auto bit = static_cast<unsigned>(__builtin_ctzll(marks));
      // All of it has been put in small letters by now; zeros end the last one.
      if (open != kNone) word(open, at + bit);
      open = (begins >> bit & 1) != 0 ? at + bit : kNone;
    }
    for (uint64_t ends = c.newline & inside; ends != 0; ends &= ends - 1) {
      const auto end = static_cast<uint32_t>(at + static_cast<size_t>(__builtin_ctzll(ends)));
      lines_.push_back({line_begin, end});
      line_begin = end + 1;
    }
    blocks_.push_back({~c.blank & inside, dense});
    dense += static_cast<uint32_t>(__builtin_popcountll(blocks_.back().dense));
    letter_before = letters >> 63;
    lower_before = c.lower >> 63;
  }
  if (line_begin < size) lines_.push_back({line_begin, static_cast<uint32_t>(size)});
}

void LineFilter::find_phrases(size_t size) {
  phrases_.clear();
  for (size_t base = 0; base < size; base += 64) {
    uint64_t may = kWide ? may_begin_wide(lower_.data() + base) : may_begin(lower_.data() + base);
    for (; may != 0; may &= may - 1) {
      const size_t place = base + static_cast<size_t>(__builtin_ctzll(may));
      const char* const at = lower_.data() + place;
      const uint32_t four = load_four(at);
      uint32_t bits = 0;
      for (uint32_t w = 0; w < kWords.size(); ++w) {
        if (kWordFours[w] == four && stands_at(at, kWords[w])) bits |= 1U << w;
      }
      for (size_t p = 0; p < kPhrases.size(); ++p) {
        if (kPhraseFours[p] == four && stands_at(at, kPhrases[p])) bits |= kPhraseBit;
      }
      if (bits != 0) phrases_.push_back({static_cast<uint32_t>(place), bits});
    }
  }
}

void LineFilter::judge(std::string_view content) {
  constexpr size_t kAround = 3;  // lines before and after a phrase that belong to it
  kinds_.clear();
  // The comment block in progress: where licence words stand in it, and how many.
  bool in_block = false;
  bool starred = false;  // between /* and */
  size_t first_word = 0;
  size_t last_word = 0;
  size_t block_begin = 0;
  unsigned words = 0;
  const auto fill = [this](size_t from, size_t to) {
    std::fill(kinds_.begin() + static_cast<std::ptrdiff_t>(from),
              kinds_.begin() + static_cast<std::ptrdiff_t>(to), LineKind::kLicence);
  };
  const auto end_block = [&] {
    if (in_block && words >= 2) {
      fill(first_word > block_begin + 2 ? first_word - 2 : block_begin,
           std::min(kinds_.size(), last_word + 4));
    }
    in_block = false;
    words = 0;
  };
  size_t next = 0;
  std::vector<size_t> phrases;
  char list_end = 0;  // of the list of imports in progress
  size_t list_lines = 0;
  for (size_t i = 0; i < lines_.size(); ++i) {
    const Word place = lines_[i];
    const std::string_view line = trimmed(content.substr(place.begin, place.end - place.begin));
    const bool comment = starred || begins_comment(line);
    if (comment && !in_block) {
      in_block = true;
      block_begin = i;
    } else if (!comment) {
      end_block();
    }
    uint32_t bits = 0;
    for (; next < phrases_.size() && phrases_[next].at < place.end; ++next) {
      bits |= phrases_[next].bits;
    }
    if ((bits & kPhraseBit) != 0) phrases.push_back(i);
    if (comment) {
      if (const uint32_t here = bits & (kPhraseBit - 1); here != 0) {
        if (words == 0) first_word = i;
        last_word = i;
        words += static_cast<unsigned>(__builtin_popcount(here));
      }
      const size_t open = line.rfind("/*");
      const size_t close = line.rfind("*/");
      if (close != std::string_view::npos && (open == std::string_view::npos || open < close)) {
        starred = false;
      } else if (open != std::string_view::npos) {
        starred = true;
      }
    }
    bool import = !starred && is_import(line);
    if (list_end != 0) {
      import = true;
      const bool ends = line.find(list_end) != std::string_view::npos;
      if (ends || ++list_lines == kImportList) list_end = 0;
    } else if (!comment && (list_end = import_list(line)) != 0) {
      import = true;
      list_lines = 0;
    }
    kinds_.push_back(import ? LineKind::kImport : LineKind::kCode);
  }
  end_block();
  for (const size_t at : phrases) {
    fill(at > kAround ? at - kAround : 0, std::min(kinds_.size(), at + kAround + 1));
  }
}

void LineFilter::read(std::string_view content) {
  lower_.assign(content);
  lower_.append(kSlack, '\0');
  map(content.size());
  find_phrases(content.size());
  judge(content);
}

uint32_t distinctive_letters(std::string_view line) noexcept {
  std::array<char, 2 * CommonWords::kLongest> small{};
  size_t letters = 0;
  size_t parts = 0;
  size_t last_end = 0;
  for (size_t i = 0; i < line.size();) {
    if (!is_lower(line[i]) && !is_upper(line[i])) {
      ++i;
      continue;
    }
    const size_t begin = i;
    bool after_small = false;
    size_t size = 0;
    for (; i < line.size() && (is_lower(line[i]) || (is_upper(line[i]) && !after_small)); ++i) {
      after_small = after_small || is_lower(line[i]);
      if (size < CommonWords::kLongest) small[size++] = static_cast<char>(line[i] | 0x20);
    }
    const size_t length = i - begin;
    parts = continues(line.data(), begin, last_end) && parts > 0 ? parts + 1 : 1;
    last_end = i;
    if (length < 3) continue;
    if (parts >= kManyParts || !common_words().holds(small.data(), length)) letters += length;
  }
  return static_cast<uint32_t>(letters);
}

}  // namespace weir::signatures
