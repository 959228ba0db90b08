// See zmq_control.h.
#include "alert/zmq_control.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "alert/zmq_handle.h"

namespace weir::alert {
namespace {

constexpr size_t kMaxQuestion = 64U << 10;
constexpr int64_t kMaxAnswer = 64LL << 20;

Error path_error(const std::string& path, const std::string& what) { return {what, path, 0, 0}; }

// Whether a process listens at `path`: 0, or why not.
int try_connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const int result =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
  close(fd);
  return result;
}

Status check_length(const std::string& path) {
  if (path.size() < sizeof(sockaddr_un::sun_path)) return ok_status();
  return path_error(path, "is too long for a Unix socket");
}

// Waits for a message; false in time or when a signal came.
bool wait_for(void* socket, Duration timeout) {
  zmq_pollitem_t item{socket, 0, ZMQ_POLLIN, 0};
  return zmq_poll(&item, 1, milliseconds(timeout)) > 0;
}

}  // namespace

struct ZmqResponder::Sockets {
  ZmqContext context;
  ZmqSocket socket;
};

ZmqResponder::ZmqResponder(std::unique_ptr<Sockets> sockets, std::string path) noexcept
    : sockets_(std::move(sockets)), path_(std::move(path)) {}

ZmqResponder::~ZmqResponder() {
  sockets_.reset();
  unlink(path_.c_str());
}

Result<std::unique_ptr<ZmqResponder>> ZmqResponder::open(const std::string& path) {
  if (const Status fits = check_length(path); !fits) return fits.error();
  const int there = try_connect(path);
  if (there == 0) return path_error(path, "another process answers there already");
  struct stat info {};
  if (lstat(path.c_str(), &info) == 0 && !S_ISSOCK(info.st_mode)) {
    return path_error(path, "is there already and is no socket");
  }
  auto sockets = std::make_unique<Sockets>();
  sockets->context.reset(zmq_ctx_new());
  if (!sockets->context) return zmq_error("cannot start ZeroMQ for", path);
  sockets->socket.reset(zmq_socket(sockets->context.get(), ZMQ_REP));
  void* socket = sockets->socket.get();
  const auto longest = static_cast<int64_t>(kMaxQuestion);
  if (socket == nullptr || !set_option(socket, ZMQ_LINGER, 200) ||
      zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &longest, sizeof longest) != 0) {
    return zmq_error("cannot make a REP socket for", path);
  }
  // Nobody may open it between its making and chmod.
  const mode_t before = umask(0177);
  const int bound = zmq_bind(socket, ("ipc://" + path).c_str());
  const int error = zmq_errno();
  umask(before);
  if (bound != 0) return path_error(path, std::string("cannot listen: ") + zmq_strerror(error));
  if (chmod(path.c_str(), 0600) != 0) {
    return path_error(path, std::string("cannot set its mode: ") + std::strerror(errno));
  }
  return std::unique_ptr<ZmqResponder>(new ZmqResponder(std::move(sockets), path));
}

std::optional<std::string> ZmqResponder::receive(Duration timeout) {
  void* socket = sockets_->socket.get();
  if (!wait_for(socket, timeout)) return std::nullopt;
  ZmqMessage message;
  if (zmq_msg_recv(message.get(), socket, ZMQ_DONTWAIT) < 0) return std::nullopt;
  std::string text = message.text();
  // A question has one frame: further ones are read and not looked at.
  for (bool more = zmq_msg_more(message.get()) != 0; more;) {
    ZmqMessage rest;
    if (zmq_msg_recv(rest.get(), socket, ZMQ_DONTWAIT) < 0) break;
    more = zmq_msg_more(rest.get()) != 0;
  }
  return text;
}

void ZmqResponder::answer(const std::string& text) {
  (void)zmq_send(sockets_->socket.get(), text.data(), text.size(), ZMQ_DONTWAIT);
}

Result<std::string> ask(const std::string& path, const std::string& question, Duration timeout) {
  if (const Status fits = check_length(path); !fits) return fits.error();
  if (const int there = try_connect(path); there != 0) {
    return path_error(path, there == ENOENT || there == ECONNREFUSED
                                ? "no sensor answers there"
                                : std::string("cannot be opened: ") + std::strerror(there));
  }
  const ZmqContext context(zmq_ctx_new());
  if (!context) return zmq_error("cannot start ZeroMQ for", path);
  const ZmqSocket socket(zmq_socket(context.get(), ZMQ_REQ));
  if (!socket || !set_option(socket.get(), ZMQ_LINGER, 0) ||
      zmq_setsockopt(socket.get(), ZMQ_MAXMSGSIZE, &kMaxAnswer, sizeof kMaxAnswer) != 0 ||
      zmq_connect(socket.get(), ("ipc://" + path).c_str()) != 0) {
    return zmq_error("cannot connect to", path);
  }
  if (zmq_send(socket.get(), question.data(), question.size(), 0) < 0) {
    return zmq_error("cannot ask", path);
  }
  if (!wait_for(socket.get(), timeout)) return path_error(path, "the sensor does not answer");
  ZmqMessage message;
  if (zmq_msg_recv(message.get(), socket.get(), ZMQ_DONTWAIT) < 0) {
    return zmq_error("cannot read the answer of", path);
  }
  return message.text();
}

}  // namespace weir::alert
