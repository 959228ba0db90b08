// See literal_set.h. The kept form is: magic, format, matcher version, literal count, length of the
// database, the database as the matcher serialises it, checksum of all that. Integers big-endian.
#include "signatures/literal_set.h"

#include <hs/hs.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "core/byte_reader.h"
#include "core/hash.h"

namespace weir::signatures {

namespace {

constexpr uint32_t kMagic = 0x574c4954;  // "WLIT"
constexpr uint32_t kFormat = 1;
// A checksum against damage, not against forgery; the index that holds a set is keyed by itself.
constexpr HashKey kChecksumKey{{0x77656972206c6974ULL, 0x6572616c20736574ULL}};
constexpr size_t kMaxVersionBytes = 128;

Error error(std::string message) { return Error{std::move(message), {}, 0, 0}; }

void put(std::vector<uint8_t>& out, uint64_t value, size_t bytes) {
  for (size_t i = bytes; i-- > 0;) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

}  // namespace

Result<LiteralSet> LiteralSet::compile(std::span<const Literal> literals) {
  if (literals.empty()) return error("a literal set needs at least one literal");
  if (literals.size() > kMaxLiterals) {
    return error("too many literals: " + std::to_string(literals.size()) + ", at most " +
                 std::to_string(kMaxLiterals));
  }
  std::vector<const char*> expressions;
  std::vector<size_t> lengths;
  std::vector<unsigned int> flags(literals.size(), 0);
  std::vector<unsigned int> ids;
  for (const Literal& literal : literals) {
    if (literal.bytes.size() < kMinBytes || literal.bytes.size() > kMaxBytes) {
      return error("literal " + std::to_string(literal.id) + " has " +
                   std::to_string(literal.bytes.size()) + " bytes, expected " +
                   std::to_string(kMinBytes) + " to " + std::to_string(kMaxBytes));
    }
    expressions.push_back(literal.bytes.data());
    lengths.push_back(literal.bytes.size());
    ids.push_back(literal.id);
  }
  hs_database_t* database = nullptr;
  hs_compile_error_t* problem = nullptr;
  const hs_error_t status = hs_compile_lit_multi(
      expressions.data(), flags.data(), ids.data(), lengths.data(),
      static_cast<unsigned int>(literals.size()), HS_MODE_STREAM, nullptr, &database, &problem);
  if (status != HS_SUCCESS) {
    std::string message = "literals do not compile";
    if (problem != nullptr) {
      message += std::string(": ") + problem->message;
      if (problem->expression >= 0 && static_cast<size_t>(problem->expression) < ids.size()) {
        message +=
            " (literal " + std::to_string(ids[static_cast<size_t>(problem->expression)]) + ")";
      }
      hs_free_compile_error(problem);
    }
    return error(std::move(message));
  }
  return LiteralSet(PatternDatabase(database), literals.size());
}

Result<std::vector<uint8_t>> LiteralSet::serialise() const {
  char* raw = nullptr;
  size_t length = 0;
  if (hs_serialize_database(database_.get(), &raw, &length) != HS_SUCCESS) {
    return error("the literal database cannot be written out");
  }
  const std::unique_ptr<char, void (*)(void*)> owned(raw, std::free);
  const ByteSpan body = as_bytes({raw, length});
  const std::string version = matcher_version();
  std::vector<uint8_t> out;
  out.reserve(length + version.size() + 64);
  put(out, kMagic, 4);
  put(out, kFormat, 4);
  put(out, version.size(), 4);
  for (const char c : version) out.push_back(static_cast<uint8_t>(c));
  put(out, count_, 4);
  put(out, length, 8);
  out.insert(out.end(), body.begin(), body.end());
  put(out, siphash(kChecksumKey, out), 8);
  return out;
}

Result<LiteralSet> LiteralSet::deserialise(ByteSpan bytes) {
  ByteReader reader(bytes);
  if (reader.u32() != kMagic || !reader.ok()) return error("not a literal set");
  if (const uint32_t format = reader.u32(); format != kFormat) {
    return error("literal set of format " + std::to_string(format) + ", expected " +
                 std::to_string(kFormat));
  }
  const uint32_t version_bytes = reader.u32();
  if (version_bytes > kMaxVersionBytes) return error("literal set is damaged: version");
  const std::string_view version = as_chars(reader.take(version_bytes));
  if (!reader.ok()) return error("literal set is cut short");
  if (version != matcher_version()) {
    return error("literal set was made by " + std::string(version) + ", this is " +
                 matcher_version());
  }
  const uint32_t count = reader.u32();
  const uint64_t length = reader.u64();
  const ByteSpan body = reader.take(length);
  const size_t checked = reader.position();
  const uint64_t checksum = reader.u64();
  if (!reader.ok()) return error("literal set is cut short");
  if (!reader.empty()) return error("literal set is longer than it says");
  if (siphash(kChecksumKey, bytes.first(checked)) != checksum) {
    return error("literal set is damaged: checksum");
  }
  if (count == 0 || count > kMaxLiterals) return error("literal set is damaged: count");
  hs_database_t* database = nullptr;
  const hs_error_t status = hs_deserialize_database(as_chars(body).data(), body.size(), &database);
  if (status == HS_DB_PLATFORM_ERROR) {
    return error("literal set was compiled for another processor");
  }
  if (status != HS_SUCCESS) {
    return error("literal set is refused by the matcher (code " + std::to_string(status) + ")");
  }
  return LiteralSet(PatternDatabase(database), count);
}

}  // namespace weir::signatures
