// Invariants of the program itself; never for input. WEIR_CHECK holds in every build, WEIR_ASSERT
// in debug builds only.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace weir {

[[noreturn]] inline void check_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "weir: %s:%d: broken invariant: %s\n", file, line, expression);
  std::abort();
}

}  // namespace weir

#define WEIR_CHECK(expression) \
  ((expression) ? static_cast<void>(0) : ::weir::check_failed(#expression, __FILE__, __LINE__))
#ifdef NDEBUG
#define WEIR_ASSERT(expression) static_cast<void>(0)
#else
#define WEIR_ASSERT(expression) WEIR_CHECK(expression)
#endif
