// A value or an error that names where it arose. Used at start-up and reload; the packet path uses
// enum statuses instead. The member names follow std::expected, which GCC 12 has only in C++23.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

#include "core/check.h"

namespace weir {

struct Error {
  std::string message;  // what is wrong and what was expected; no trailing newline
  std::string file;     // empty when no file is concerned
  int line = 0;         // 1-based; 0 when not known
  int column = 0;       // 1-based; 0 when not known

  // "file:line:column: message", leaving out what is not known.
  [[nodiscard]] std::string to_string() const {
    std::string out = file;
    if (line > 0) out += ":" + std::to_string(line);
    if (line > 0 && column > 0) out += ":" + std::to_string(column);
    if (!out.empty()) out += ": ";
    return out + message;
  }
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }
  T& value() & {
    WEIR_CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    WEIR_CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    WEIR_CHECK(has_value());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  [[nodiscard]] const Error& error() const {
    WEIR_CHECK(!has_value());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

using Status = Result<std::monostate>;
inline Status ok_status() { return std::monostate{}; }

}  // namespace weir
