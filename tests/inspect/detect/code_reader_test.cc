// The code reader, which takes all lines of a block through one step after the other, against what
// its hashes are by definition: line by line, over the whole text.
#include "inspect/detect/code_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "signatures/fingerprint/index_builder.h"
#include "tests/signatures/fingerprint/temp_dir.h"

namespace weir::inspect {
namespace {

using namespace signatures;

// Lines of all kinds: blank, numbered, with quotes, of one word, longer than a line may be.
std::string mixed_lines(unsigned seed, size_t lines) {
  static const std::vector<std::string> kParts{"if (",  "return ", " = ",   "(",        ");",  "\"",
                                               "'",     "`",       "\\",    ", ",       "{",   "}",
                                               "const", "\"abc\"", "'x y'", "\xc3\xa9", "0x1f"};
  std::mt19937 random(seed);
  std::string out;
  for (size_t i = 0; i < lines; ++i) {
    out.append(random() % 9, ' ');
    if (random() % 8 == 0) out += std::to_string(i) + ": ";
    size_t parts = random() % 12;
    if (random() % 40 == 0) parts = 150 + random() % 200;
    for (; parts > 0; --parts) {
      out += kParts[random() % kParts.size()];
      if (random() % 2 == 0) continue;
      for (size_t k = 2 + random() % 9; k > 0; --k) {
        out += static_cast<char>('a' + random() % 26);
      }
    }
    out += random() % 10 == 0 ? "\r\n" : "\n";
  }
  return out;
}

struct Asked {
  uint64_t hash;
  uint32_t text_line;
  HitKind kind;
  size_t size;
  std::string head;
  friend bool operator==(const Asked&, const Asked&) = default;
  friend bool operator<(const Asked& a, const Asked& b) {
    return std::tie(a.hash, a.text_line, a.kind) < std::tie(b.hash, b.text_line, b.kind);
  }
};

struct Expected {
  std::vector<Asked> asked;
  std::vector<TextLine> lines;
};

class Reference {
 public:
  explicit Reference(bool shapes) : shapes_(shapes) {}

  Expected read(const std::string& text) {
    Normaliser normaliser(false);
    normaliser.feed(as_bytes(text), normal_, &shape_);
    normaliser.finish(normal_, &shape_);
    windows(normal_, kAnchorBits, HitKind::kWindow);
    if (shapes_) windows(shape_, kShapeAnchorBits, HitKind::kShape);
    for (uint32_t i = 0; i < normal_.line_ends().size(); ++i) line(i);
    std::sort(out_.asked.begin(), out_.asked.end());
    return out_;
  }

 private:
  static ByteSpan line_of(const NormalText& text, uint32_t i) {
    const size_t begin = i == 0 ? 0 : text.line_ends()[i - 1];
    return text.bytes().subspan(begin, text.line_ends()[i] - begin);
  }
  void ask(uint64_t hash, uint32_t text_line, HitKind kind, size_t size, ByteSpan bytes) {
    std::string head(as_chars(bytes.first(std::min<size_t>(3, size))));
    head.resize(3);
    out_.asked.push_back({hash, text_line, kind, size, head});
  }
  void windows(const NormalText& text, uint32_t bits, HitKind kind) {
    for (size_t at = 0; at + kWindow <= text.size(); ++at) {
      const uint8_t* const here = text.bytes().data() + at;
      if (!fingerprinter_.is_anchor(here, bits)) continue;
      const auto line = std::upper_bound(text.line_ends().begin(), text.line_ends().end(),
                                         static_cast<uint32_t>(at + kWindow / 2)) -
                        text.line_ends().begin();
      ask(kind == HitKind::kWindow ? fingerprinter_.window(here) : fingerprinter_.shape(here),
          static_cast<uint32_t>(line), kind, kWindow, {here, kWindow});
    }
  }
  void line(uint32_t i) {
    const ByteSpan bytes = line_of(normal_, i);
    const LineShape shape = shapes_ ? line_shape(fingerprinter_, line_of(shape_, i)) : LineShape{};
    const size_t tokens = shapes_ ? shape.tokens : bytes.size() / 4;
    TextLine about{kTagUnknown, shape.tag, static_cast<uint8_t>(std::min<size_t>(tokens, 255))};
    if (bytes.size() <= kLineMax) {
      const LineHash whole{fingerprinter_.line(bytes), bytes.size()};
      about.tag = Fingerprinter::tag(bytes.size(), whole.hash);
      own(i, whole, bytes);
      if (makes_couple(couple_, whole)) {
        ask(couple_hash(fingerprinter_, couple_, whole), couple_line_, HitKind::kCouple,
            bytes.size(), bytes);
      }
      if (!bytes.empty()) {
        couple_ = whole;
        couple_line_ = i;
      }
      if (makes_pair(before_, shape)) {
        ask(pair_hash(fingerprinter_, before_, shape), before_line_, HitKind::kPair, bytes.size(),
            bytes);
      }
      if (shape.tokens > 0) {
        before_ = shape;
        before_line_ = i;
      }
    }
    out_.lines.push_back(about);
  }
  void own(uint32_t i, const LineHash& whole, ByteSpan bytes) {
    if (bytes.size() < kLineMin) return;
    ask(whole.hash, i, HitKind::kLine, bytes.size(), bytes);
    MaskedLine masked;
    const size_t size = mask_literals(bytes, masked);
    if (size < kLineMin) return;
    ask(masked_hash(fingerprinter_, ByteSpan(masked).first(size)), i, HitKind::kMasked, size,
        bytes);
  }

  bool shapes_;
  Fingerprinter fingerprinter_{test::test_key()};
  NormalText normal_;
  NormalText shape_;
  LineHash couple_;
  uint32_t couple_line_ = 0;
  LineShape before_;
  uint32_t before_line_ = 0;
  Expected out_;
};

class CodeReaderTest : public ::testing::TestWithParam<bool> {};

TEST_P(CodeReaderTest, AsksWhatTheDefinitionAsks) {
  const bool shapes = GetParam();
  const test::TempDir folder;
  const std::string text = mixed_lines(1, 900);
  folder.write("r/a.cc", text);
  IndexBuildOptions options;
  options.repositories = {{"r", folder / "r"}};
  ASSERT_TRUE(build_index(options, test::test_key(), folder / "i.wfi", {}).has_value());
  const auto index = CodeIndex::open(folder / "i.wfi", test::test_key());
  ASSERT_TRUE(index.has_value());
  const IndexProbe probe(**index);
  const Expected all = Reference(shapes).read(text);
  // Of those, what the filter lets pass.
  std::vector<Asked> expected;
  for (const Asked& one : all.asked) {
    std::vector<uint32_t> passed;
    probe.sift({&one.hash, 1}, passed);
    if (!passed.empty()) expected.push_back(one);
  }
  ASSERT_GT(expected.size(), all.asked.size() / 2);

  const Limits limits;
  PatternScratch scratch;
  for (const size_t cut : {size_t{1} << 20, size_t{8192}, size_t{777}, size_t{13}}) {
    CodeCounters counters;
    CriticalSearch critical(probe, limits, scratch, counters);
    CodeReader reader(probe, limits, counters, critical, shapes);
    reader.begin_piece();
    for (size_t at = 0; at < text.size(); at += cut) {
      reader.feed(as_bytes(text).subspan(at, std::min(cut, text.size() - at)), 0);
    }
    reader.end_piece(0);
    std::vector<Asked> asked;
    for (size_t i = 0; i < reader.hashes().size(); ++i) {
      const CodeReader::Origin& from = reader.origins()[i];
      asked.push_back({reader.hashes()[i], from.text_line, from.kind, from.size,
                       std::string(from.head.begin(), from.head.end())});
    }
    std::sort(asked.begin(), asked.end());
    EXPECT_EQ(counters.probes.get(), all.asked.size()) << cut;
    EXPECT_TRUE(asked == expected) << cut;
    ASSERT_GE(reader.lines().size(), all.lines.size());
    for (size_t i = 0; i < all.lines.size(); ++i) {
      ASSERT_EQ(reader.lines()[i].tag, all.lines[i].tag) << i;
      ASSERT_EQ(reader.lines()[i].shape, all.lines[i].shape) << i;
      ASSERT_EQ(reader.lines()[i].tokens, all.lines[i].tokens) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, CodeReaderTest, ::testing::Bool());

}  // namespace
}  // namespace weir::inspect
