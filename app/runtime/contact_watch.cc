// See contact_watch.h.
#include "app/runtime/contact_watch.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace weir::app {

std::string contacts_file(const std::string& database) {
  return database.empty() ? std::string() : database + ".contacts";
}

Result<std::string> set_contacts_aside(const std::string& path) {
  for (int number = 1; number < 1'000; ++number) {
    const std::string aside = path + ".damaged-" + std::to_string(number);
    struct stat info {};
    if (::lstat(aside.c_str(), &info) == 0) continue;
    if (::rename(path.c_str(), aside.c_str()) == 0) return aside;
    return Error{std::string("cannot be set aside: ") + std::strerror(errno), path, 0, 0};
  }
  return Error{"cannot be set aside: too many damaged files lie beside it", path, 0, 0};
}

inspect::CounterList contact_counters(const inspect::ToolContacts& contacts) {
  inspect::CounterList out;
  for (const auto& row : inspect::kContactCounters) {
    out.emplace_back("contacts." + std::string(row.name), (contacts.counters().*row.member).get());
  }
  return out;
}

}  // namespace weir::app
