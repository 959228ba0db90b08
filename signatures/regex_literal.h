// What a regular expression says of its matches before it is compiled: the longest run of fixed
// characters that each of them must hold. Rules without one make the matcher look at every byte,
// so the loader refuses them. An estimate from below: what is not understood counts as unknown.
#pragma once

#include <cstddef>
#include <string_view>

namespace weir::signatures {

// Bytes of the longest run that every match of `pattern` (PCRE syntax) holds; 0 when there is none,
// or when groups nest deeper than 32. A class of one letter in both cases counts as that letter.
[[nodiscard]] size_t required_literal(std::string_view pattern) noexcept;

}  // namespace weir::signatures
