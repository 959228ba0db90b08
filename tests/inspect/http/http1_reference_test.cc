// The decoder against a slow, obvious parser over generated valid sequences of requests, cut at
// random.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "inspect/http/http1_decoder.h"
#include "tests/inspect/http/decode.h"

namespace weir::inspect {
namespace {

using test::Turn;

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  std::string sequence() {
    std::string out;
    const size_t count = 1 + pick(5);
    for (size_t i = 0; i < count; ++i) out += request();
    return out;
  }
  // Pieces of random size.
  std::vector<Turn> cut(const std::string& text) {
    std::vector<Turn> turns;
    const size_t most = 1 + pick(200);
    for (size_t at = 0; at < text.size();) {
      const size_t size = std::min(text.size() - at, 1 + pick(most));
      turns.push_back(test::up(text.substr(at, size)));
      at += size;
    }
    return turns;
  }

 private:
  size_t pick(size_t below) { return random_() % below; }
  std::string word(size_t most) {
    static constexpr std::string_view kLetters = "abcXYZ019-_./";
    std::string out;
    const size_t size = 1 + pick(most);
    for (size_t i = 0; i < size; ++i) out += kLetters[pick(kLetters.size())];
    return out;
  }
  std::string name() {
    static constexpr std::string_view kLetters = "abcXYZ-";
    std::string out = "X";
    const size_t size = pick(12);
    for (size_t i = 0; i < size; ++i) out += kLetters[pick(kLetters.size())];
    return out;
  }
  // Any bytes at all.
  std::string bytes(size_t most) {
    std::string out(pick(most), '\0');
    for (char& c : out) c = static_cast<char>(random_());
    return out;
  }
  std::string eol() { return pick(5) == 0 ? "\n" : "\r\n"; }

  std::string request() {
    static constexpr const char* kMethods[] = {"GET", "POST", "PUT", "DELETE", "PATCH", "MKCOL"};
    std::string out;
    if (pick(8) == 0) out += eol();
    out += kMethods[pick(6)];
    out += " /" + word(40) + (pick(10) == 0 ? " HTTP/1.0" : " HTTP/1.1") + eol();
    if (pick(8) != 0) out += (pick(2) == 0 ? "Host: " : "host:") + word(20) + eol();
    for (size_t i = pick(6); i > 0; --i) {
      out += name() + ":" + (pick(2) == 0 ? " " : "") + word(60) + eol();
    }
    std::string body;
    switch (pick(3)) {
      case 0:
        break;
      case 1: {
        body = bytes(3000);
        out += "Content-Length: " + std::to_string(body.size()) + eol();
        break;
      }
      default: {
        out += "Transfer-Encoding: chunked" + eol();
        for (size_t i = pick(5); i > 0; --i) {
          const std::string chunk = "c" + bytes(800);
          std::ostringstream size;
          size << std::hex << chunk.size();
          body += size.str() + (pick(4) == 0 ? ";x=y" : "") + eol() + chunk + eol();
        }
        body += "0" + eol() + (pick(4) == 0 ? "Trailer: t" + eol() : "") + eol();
      }
    }
    return out + eol() + body;
  }

  std::mt19937_64 random_;
};

std::string take_line(const std::string& text, size_t& at) {
  const size_t end = text.find('\n', at);
  std::string line = text.substr(at, end - at);
  at = end + 1;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

std::string lower_case(std::string text) {
  for (char& c : text) c = lower(c);
  return text;
}

// Valid input only; what a transcript without offsets says of it.
std::string reference(const std::string& text) {
  std::string out;
  size_t at = 0;
  for (uint64_t id = 0; at < text.size(); ++id) {
    std::string line;
    size_t begin = at;
    while (line.empty()) {
      begin = at;
      line = take_line(text, at);
    }
    std::istringstream words(line);
    std::string method;
    std::string target;
    std::string version;
    words >> method >> target >> version;
    std::string fields;
    std::map<std::string, std::string> known;
    while (!(line = take_line(text, at)).empty()) {
      const size_t colon = line.find(':');
      const std::string name = lower_case(line.substr(0, colon));
      std::string value = line.substr(colon + 1);
      while (!value.empty() && value[0] == ' ') value.erase(0, 1);
      fields += "  " + name + "=" + value + "\n";
      known[name] = value;
    }
    out += "request " + std::to_string(id) + " @" + std::to_string(begin) + " [" +
           lower_case(version) + "] " + method + " " + target + " at " + known["host"];
    std::string body;
    if (known.contains("content-length")) {
      out += " length " + known["content-length"];
      const size_t size = std::stoul(known["content-length"]);
      body = text.substr(at, size);
      at += size;
    } else if (known.contains("transfer-encoding")) {
      for (;;) {
        const size_t size = std::stoul(take_line(text, at), nullptr, 16);
        if (size == 0) break;
        body += text.substr(at, size);
        at += size;
        take_line(text, at);
      }
      while (!take_line(text, at).empty()) {
      }
    }
    out += "\n" + fields;
    if (!body.empty()) out += "body " + std::to_string(id) + " " + body + "\n";
    out += "end " + std::to_string(id) + " complete\n";
  }
  return out;
}

TEST(Http1Reference, AgreesOnGeneratedRequests) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Generator generator(seed);
    const std::string text = generator.sequence();
    const std::string expected = reference(text);
    for (int i = 0; i < 3; ++i) {
      const auto run = test::play(generator.cut(text), 0, {}, false, false);
      ASSERT_EQ(run.transcript, expected) << "seed " << seed;
      ASSERT_EQ(run.counters.nameless_requests.get(), 0U);
    }
  }
}

// Without the first bytes of the sequence, every request behind the first head is the same.
TEST(Http1Reference, FindsItsFeetInTheMiddle) {
  for (uint64_t seed = 1000; seed < 1100; ++seed) {
    Generator generator(seed);
    const std::string text = generator.sequence() + "GET /mark HTTP/1.1\r\n\r\n";
    const std::string tail = "GET /mark HTTP/1.1\r\n\r\n";
    for (size_t from = 1; from < text.size(); from += 1 + text.size() / 20) {
      const auto run = test::play(generator.cut(text.substr(from)), 0, {}, true, false);
      if (from > text.size() - tail.size()) continue;
      ASSERT_NE(run.transcript.find("GET /mark at \nend "), std::string::npos)
          << "seed " << seed << " from " << from;
    }
  }
}

}  // namespace
}  // namespace weir::inspect
