// Code as clients render it inside text.
#pragma once

#include <string>

#include "bench/lab/code_pool.h"

namespace weir::lab {

std::string raw_text(const CodeExcerpt& code);
std::string numbered_tab(const CodeExcerpt& code);    // N<TAB>line
std::string numbered_arrow(const CodeExcerpt& code);  // %6d and an arrow
std::string numbered_bar(const CodeExcerpt& code);    // padded N | line
std::string fenced(const CodeExcerpt& code);          // with a head that names file and lines
std::string diff_added(const CodeExcerpt& code);      // unified diff that adds the lines
std::string codex_patch(const CodeExcerpt& code);     // *** Begin Patch
// Lines [from, to) of the excerpt.
std::string part_text(const CodeExcerpt& code, size_t from, size_t to);

}  // namespace weir::lab
