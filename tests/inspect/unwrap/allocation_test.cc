// A warm unwrapper does not allocate. (What zlib, zstd and brotli ask of malloc is not seen here.)
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>

#include "inspect/unwrap/unwrapper.h"
#include "tests/inspect/unwrap/compress.h"

namespace {
uint64_t allocations = 0;
}  // namespace

// Not inlined: GCC would take malloc and free for mismatched.
__attribute__((noinline)) void* operator new(size_t size) {
  ++allocations;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}
__attribute__((noinline)) void operator delete(void* memory) noexcept { std::free(memory); }
__attribute__((noinline)) void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace weir::test {
namespace {

class NullSink final : public inspect::TextSink {
 public:
  void on_piece(const inspect::PieceStart&) noexcept override {}
  void on_text(ByteSpan text) noexcept override { bytes += text.size(); }
  void on_piece_end(inspect::EndReason) noexcept override {}
  uint64_t bytes = 0;
};

TEST(UnwrapAllocation, WarmBodiesAllocateNothing) {
  const std::string code =
      "int add(int a, int b) { return a + b; } // and some more of a comment\n";
  std::string json = R"({"messages":[{"role":"user","content":"a\nb"}],"arguments":)"
                     R"("{\"command\":\"x\"}","d":")" +
                     base64_encoded(code + code) + R"(","t":"see )" + base64_encoded(code + code) +
                     "\"}";
  const std::string form = "a=b%20c&f=%7B%22k%22%3A%22v%22%7D";
  const std::string multipart =
      "--B\r\nContent-Disposition: form-data; name=\"file\"; "
      "filename=\"a.py\"\r\n\r\n" +
      code + "\r\n--B--\r\n";
  const struct {
    std::string bytes;
    const char* type;
    const char* encoding;
  } bodies[] = {
      {json, "application/json", ""},
      {gzipped(json), "application/json", "gzip"},
      {zstd_compressed(json), "application/json", "zstd"},
      {form, "application/x-www-form-urlencoded", ""},
      {multipart, "multipart/form-data; boundary=B", ""},
      {code, "text/plain", ""},
  };
  const Limits limits;
  inspect::UnwrapCounters counters;
  inspect::Unwrapper unwrapper(limits, counters);
  NullSink sink;
  uint64_t warm = 0;
  for (int round = 0; round < 4; ++round) {
    if (round == 2) warm = allocations;
    for (const auto& body : bodies) {
      unwrapper.begin({"b", body.type, body.encoding}, sink);
      for (size_t at = 0; at < body.bytes.size(); at += 50) {
        unwrapper.on_data(as_bytes(std::string_view(body.bytes).substr(at, 50)), at);
      }
      unwrapper.end(inspect::EndReason::kComplete);
    }
  }
  EXPECT_GT(sink.bytes, 1000U);
  EXPECT_GT(warm, 0U);
  EXPECT_EQ(allocations - warm, 0U);
}

}  // namespace
}  // namespace weir::test
