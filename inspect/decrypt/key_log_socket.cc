#include "inspect/decrypt/key_log_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "inspect/decrypt/key_log_source.h"

namespace weir::inspect {
namespace {

constexpr int kBacklog = 16;
// Of one client at a time, so that one that writes without end leaves room for the others.
constexpr uint64_t kMostPerPoll = 256U << 10;

bool fill_address(const std::string& path, sockaddr_un& out) noexcept {
  out = sockaddr_un{};
  out.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(out.sun_path)) return false;
  std::memcpy(out.sun_path, path.data(), path.size());
  return true;
}

const sockaddr* as_sockaddr(const sockaddr_un& address) noexcept {
  return static_cast<const sockaddr*>(static_cast<const void*>(&address));
}

int new_socket() noexcept {
  return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

}  // namespace

KeyLogSocket::KeyLogSocket(std::string path, KeyStore& store, KeyLogCounters& counters)
    : path_(std::move(path)), store_(store), counters_(counters) {}

KeyLogSocket::~KeyLogSocket() {
  for (const auto& client : clients_) ::close(client->fd);
  if (fd_ < 0) return;
  ::close(fd_);
  struct stat there {};
  if (::lstat(path_.c_str(), &there) == 0 && there.st_dev == device_ && there.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
}

// True when nothing lies at the path now.
bool KeyLogSocket::remove_stale() {
  struct stat there {};
  if (::lstat(path_.c_str(), &there) != 0) return errno == ENOENT;
  if (!S_ISSOCK(there.st_mode)) return false;
  sockaddr_un address{};
  if (!fill_address(path_, address)) return false;
  const int probe = new_socket();
  if (probe < 0) return false;
  const bool refused =
      ::connect(probe, as_sockaddr(address), sizeof(address)) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  return refused && ::unlink(path_.c_str()) == 0;
}

Status KeyLogSocket::open() {
  if (fd_ >= 0) return ok_status();
  sockaddr_un address{};
  if (!fill_address(path_, address)) {
    return Error{
        "a socket's path has 1 to " + std::to_string(sizeof(address.sun_path) - 1) + " bytes",
        path_};
  }
  if (!remove_stale()) {
    return Error{"cannot listen there: something else lies at the path, or another process listens",
                 path_};
  }
  const int fd = new_socket();
  // The mode that the file is made with, so that there is no moment with a wider one.
  bool good = fd >= 0 && ::fchmod(fd, S_IRUSR | S_IWUSR) == 0 &&
              ::bind(fd, as_sockaddr(address), sizeof(address)) == 0;
  struct stat made {};
  good = good && ::lstat(path_.c_str(), &made) == 0 && (made.st_mode & (S_IRWXG | S_IRWXO)) == 0 &&
         ::listen(fd, kBacklog) == 0;
  if (!good) {
    const int error = errno;
    if (fd >= 0) ::close(fd);
    if (made.st_ino != 0) ::unlink(path_.c_str());
    return Error{std::string("cannot listen there: ") + std::strerror(error), path_};
  }
  fd_ = fd;
  device_ = made.st_dev;
  inode_ = made.st_ino;
  return ok_status();
}

KeyLogPoll KeyLogSocket::poll(Timestamp now) {
  KeyLogPoll out;
  if (fd_ < 0) return out;
  out.present = true;
  // Before others are taken in, so that places that became free are given away.
  read_all(now, out);
  take_in(out);
  read_all(now, out);
  out.files = clients_.size();
  return out;
}

void KeyLogSocket::read_all(Timestamp now, KeyLogPoll& out) {
  const auto gone =
      std::remove_if(clients_.begin(), clients_.end(), [&](const std::unique_ptr<Client>& client) {
        if (read_on(*client, now, out)) return false;
        ::close(client->fd);
        return true;
      });
  clients_.erase(gone, clients_.end());
}

void KeyLogSocket::take_in(KeyLogPoll& out) {
  while (true) {
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (fd < 0) {
      if (errno != EAGAIN && errno != EWOULDBLOCK) out.error = errno;
      return;
    }
    if (clients_.size() >= kMaxClients) {
      ::close(fd);
      ++out.left_out;
      continue;
    }
    clients_.push_back(std::make_unique<Client>(fd, store_, counters_));
  }
}

bool KeyLogSocket::read_on(Client& client, Timestamp now, KeyLogPoll& out) {
  std::array<uint8_t, 16U << 10> buffer;
  uint64_t taken = 0;
  bool open = true;
  while (taken < kMostPerPoll) {
    const ssize_t got = ::read(client.fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      open = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
      break;
    }
    client.parser.feed(ByteSpan(buffer).first(static_cast<size_t>(got)), now);
    taken += static_cast<uint64_t>(got);
  }
  wipe_memory(buffer.data(), buffer.size());
  if (!open) client.parser.finish(now);
  out.bytes += taken;
  out.more = out.more || taken >= kMostPerPoll;
  return open;
}

void KeyLogSocket::add_descriptors(std::vector<int>& out) const {
  if (fd_ < 0) return;
  out.push_back(fd_);
  for (const auto& client : clients_) out.push_back(client->fd);
}

}  // namespace weir::inspect
