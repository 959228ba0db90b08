#include "signatures/fingerprint/site_key.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "core/check.h"
#include "core/descriptor.h"

namespace weir::signatures {
namespace {

constexpr size_t kDigits = 64;

Error error(const std::string& path, std::string message) { return {std::move(message), path}; }

int digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<SiteKey> SiteKey::load(const std::string& path) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (fd.get() < 0) {
    return error(path, std::string("site key cannot be read: ") + std::strerror(errno));
  }
  struct stat about {};
  if (::fstat(fd.get(), &about) != 0 || !S_ISREG(about.st_mode)) {
    return error(path, "site key is not a regular file");
  }
  if ((about.st_mode & 077) != 0) {
    return error(path, "site key is open to others; run chmod 600 on it");
  }
  char text[kDigits + 2];
  const ssize_t got = ::read(fd.get(), text, sizeof(text));
  std::string_view digits(text, got > 0 ? static_cast<size_t>(got) : 0);
  if (digits.size() == kDigits + 1 && digits.back() == '\n') digits.remove_suffix(1);
  if (digits.size() != kDigits) {
    return error(path, "site key holds something other than 64 hexadecimal digits");
  }
  SiteKey key;
  for (size_t i = 0; i < key.bytes.size(); ++i) {
    const int high = digit(digits[2 * i]);
    const int low = digit(digits[2 * i + 1]);
    if (high < 0 || low < 0) {
      return error(path, "site key holds something other than 64 hexadecimal digits");
    }
    key.bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return key;
}

Status SiteKey::create(const std::string& path) {
  SiteKey key;
  WEIR_CHECK(::getrandom(key.bytes.data(), key.bytes.size(), 0) ==
             static_cast<ssize_t>(key.bytes.size()));
  const Descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (fd.get() < 0) {
    return error(path, std::string("site key cannot be made: ") + std::strerror(errno));
  }
  const std::string text = to_hex(key.bytes) + "\n";
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::fsync(fd.get()) != 0) {
    const std::string reason = std::strerror(errno);
    ::unlink(path.c_str());
    return error(path, "site key cannot be written: " + reason);
  }
  return ok_status();
}

HashKey SiteKey::derive(uint64_t label) const noexcept {
  HashKey left;
  HashKey right;
  std::memcpy(left.words.data(), bytes.data(), 16);
  std::memcpy(right.words.data(), bytes.data() + 16, 16);
  HashKey out;
  for (size_t i = 0; i < 2; ++i) {
    const std::array<uint64_t, 2> message{label, i};
    std::array<uint8_t, sizeof(message)> raw{};
    std::memcpy(raw.data(), message.data(), raw.size());
    out.words[i] = siphash(left, raw) ^ mix64(siphash(right, raw));
  }
  return out;
}

}  // namespace weir::signatures
