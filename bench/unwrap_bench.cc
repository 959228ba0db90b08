// Unwrapping: from a request body to text, into a sink that only counts. Bytes are those of the
// body as sent, and of the decoded body where it is coded.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "inspect/unwrap/unwrapper.h"
#include "tests/inspect/unwrap/compress.h"

namespace {

using weir::as_bytes;
using weir::ByteSpan;

// Counts and sums, so that a wrong byte shows; touches one byte in 64.
class SumSink final : public weir::inspect::TextSink {
 public:
  void on_piece(const weir::inspect::PieceStart&) noexcept override { ++pieces; }
  void on_text(ByteSpan text) noexcept override {
    for (size_t i = (64 - bytes % 64) % 64; i < text.size(); i += 64) sum = sum * 31 + text[i];
    bytes += text.size();
  }
  void on_piece_end(weir::inspect::EndReason) noexcept override {}
  uint64_t pieces = 0;
  uint64_t bytes = 0;
  uint64_t sum = 0;
};

// Something like source code: lines of 10 to 70 bytes, indented, a few quotes.
std::string code(size_t bytes) {
  static const char* const kWords[] = {"return", "value",    "const", "std::vector<int>",
                                       "if",     "index",    "=",     "(a",
                                       "b)",     "\"name\"", "for",   "+ 1;"};
  std::mt19937 random(3);
  std::string out;
  while (out.size() < bytes) {
    out.append(random() % 4 * 2, ' ');
    for (size_t i = 1 + random() % 9; i > 0; --i) {
      out += kWords[random() % std::size(kWords)];
      out += ' ';
    }
    out += '\n';
  }
  out.resize(bytes);
  out.back() = '\n';
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out;
}

std::string chat(std::string_view text) {
  return R"({"model":"m","messages":[{"role":"user","content":")" + escaped(text) + R"("}]})";
}

// `pieces` and the text are what one body must give.
void run(benchmark::State& state, const std::string& body, const char* type, const char* encoding,
         const std::string& text, uint64_t pieces, size_t counted_bytes) {
  SumSink expected;
  expected.on_text(as_bytes(text));
  const weir::Limits limits;
  weir::inspect::UnwrapCounters counters;
  weir::inspect::Unwrapper unwrapper(limits, counters);
  for (auto _ : state) {
    SumSink sink;
    unwrapper.begin({"http/body", type, encoding}, sink);
    // As packets bring it.
    for (size_t at = 0; at < body.size(); at += 1448) {
      unwrapper.on_data(as_bytes(std::string_view(body).substr(at, 1448)), at);
    }
    unwrapper.end(weir::inspect::EndReason::kComplete);
    if (sink.bytes != expected.bytes || sink.sum != expected.sum || sink.pieces != pieces) {
      state.SkipWithError("wrong text");
      return;
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * counted_bytes));
}

const std::string& text_of(size_t bytes) {
  static const std::string text = code(100'000);
  static const std::string small = code(60);
  return bytes > 1000 ? text : small;
}

void plain_json(benchmark::State& state) {
  const std::string body = chat(text_of(100'000));
  run(state, body, "application/json", "", "muser" + text_of(100'000), 3, body.size());
}

// Few escapes: prose, minified code.
void long_lines_json(benchmark::State& state) {
  std::string text;
  while (text.size() < 100'000) text += std::string(2000, 'x') + " words\n";
  const std::string body = chat(text);
  run(state, body, "application/json", "", "muser" + text, 3, body.size());
}

// Many short strings: what telemetry and tool lists look like.
void short_strings_json(benchmark::State& state) {
  std::string body = "[";
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    body += std::string(i > 0 ? "," : "") + R"({"name":"item )" + std::to_string(i) +
            R"(","kind":"function","n":12,"text":")" + escaped(text_of(60)) + "\"}";
    text += "item " + std::to_string(i) + "function" + text_of(60);
  }
  body += "]";
  run(state, body, "application/json", "", text, 3000, body.size());
}

void nested_json(benchmark::State& state) {
  const std::string inner = R"({"command":"write","text":")" + escaped(text_of(100'000)) + "\"}";
  const std::string body = R"({"arguments":")" + escaped(inner) + "\"}";
  run(state, body, "application/json", "", "write" + text_of(100'000), 2, body.size());
}

void plain_text(benchmark::State& state) {
  run(state, text_of(100'000), "text/plain", "", text_of(100'000), 1, text_of(100'000).size());
}

void gzip_json(benchmark::State& state) {
  const std::string body = chat(text_of(100'000));
  run(state, weir::test::gzipped(body), "application/json", "gzip", "muser" + text_of(100'000), 3,
      body.size());
}

void zstd_json(benchmark::State& state) {
  const std::string body = chat(text_of(100'000));
  run(state, weir::test::zstd_compressed(body), "application/json", "zstd",
      "muser" + text_of(100'000), 3, body.size());
}

void brotli_json(benchmark::State& state) {
  const std::string body = chat(text_of(100'000));
  run(state, weir::test::brotli_compressed(body), "application/json", "br",
      "muser" + text_of(100'000), 3, body.size());
}

void multipart(benchmark::State& state) {
  const std::string body =
      "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.cc\"\r\n\r\n" +
      text_of(100'000) + "\r\n--B--\r\n";
  run(state, body, "multipart/form-data; boundary=B", "", text_of(100'000), 1, body.size());
}

void base64_json(benchmark::State& state) {
  const std::string body = R"({"file":")" + weir::test::base64_encoded(text_of(100'000)) + R"("})";
  run(state, body, "application/json", "", text_of(100'000), 1, body.size());
}

void form(benchmark::State& state) {
  std::string body = "code=";
  for (const char c : text_of(100'000)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const char* digits = "0123456789ABCDEF";
    if (plain) {
      body += c;
    } else {
      body += c == ' ' ? std::string("+") : std::string{'%', digits[c >> 4], digits[c & 15]};
    }
  }
  run(state, body, "application/x-www-form-urlencoded", "", text_of(100'000), 1, body.size());
}

BENCHMARK(plain_json);
BENCHMARK(long_lines_json);
BENCHMARK(short_strings_json);
BENCHMARK(nested_json);
BENCHMARK(plain_text);
BENCHMARK(gzip_json);
BENCHMARK(zstd_json);
BENCHMARK(brotli_json);
BENCHMARK(multipart);
BENCHMARK(base64_json);
BENCHMARK(form);

}  // namespace
