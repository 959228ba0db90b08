// `weir top`: a running sensor live in a terminal, drawn anew each second.
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

#include "app/commands/commands.h"
#include "app/commands/control_client.h"
#include "app/exit_codes.h"
#include "app/report/top_screen.h"
#include "app/terminal.h"

namespace weir::app {

namespace {

volatile std::sig_atomic_t stop_requested = 0;
void request_stop(int /*signal*/) { stop_requested = 1; }
void wake_up(int /*signal*/) {}  // ends poll(): the window has another size

// The other screen of the terminal, keys without line end or echo; as before when it goes.
class RawScreen {
 public:
  RawScreen() {
    tcgetattr(STDIN_FILENO, &before_);
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    std::fputs("\x1b[?1049h\x1b[?25l", stdout);
  }
  ~RawScreen() {
    std::fputs("\x1b[?25h\x1b[?1049l", stdout);
    std::fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  RawScreen(const RawScreen&) = delete;
  RawScreen& operator=(const RawScreen&) = delete;

 private:
  termios before_{};
};

ScreenSize size_of_terminal() noexcept {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 40 || size.ws_row < 8) {
    return {};
  }
  return {size.ws_col, size.ws_row};
}

void draw(const std::vector<std::string>& lines) {
  // Line by line over what is there, so that nothing flickers.
  std::string out = "\x1b[H";
  for (size_t i = 0; i < lines.size(); ++i) {
    out += lines[i] + "\x1b[K";
    if (i + 1 < lines.size()) out += "\r\n";
  }
  out += "\x1b[J";
  std::fputs(out.c_str(), stdout);
  std::fflush(stdout);
}

// Until a second has gone by. True when it is time to end.
bool wait_for_key() {
  pollfd keys{STDIN_FILENO, POLLIN, 0};
  if (poll(&keys, 1, 1000) <= 0) return stop_requested != 0;
  char key = 0;
  return read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q';
}

int watch(const std::string& socket) {
  struct sigaction action = {};
  action.sa_handler = request_stop;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = wake_up;
  sigaction(SIGWINCH, &action, nullptr);
  nlohmann::json before;
  const RawScreen screen;
  do {
    auto answer = ask_sensor(socket, {{"do", "stats"}}, Duration::seconds(3));
    if (!answer) {
      draw({paint(answer.error().to_string(), Ink::kRed), "q quits"});
      continue;
    }
    draw(top_screen(*answer, before, size_of_terminal()));
    before = std::move(*answer);
  } while (!wait_for_key());
  return kExitOk;
}

int run(const ControlOptions& options) {
  const auto socket = control_socket(options);
  if (!socket) {
    complain(socket.error());
    return kExitUsage;
  }
  const auto first = ask_sensor(*socket, {{"do", "stats"}});
  if (!first) {
    complain(first.error());
    return kExitFailure;
  }
  if (isatty(STDOUT_FILENO) == 1 && isatty(STDIN_FILENO) == 1) return watch(*socket);
  // No terminal: one screen, as text.
  for (const std::string& line : top_screen(*first, {}, {100, 50}))
    std::printf("%s\n", line.c_str());
  return kExitOk;
}

}  // namespace

void add_top_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ControlOptions>();
  CLI::App* command = app.add_subcommand("top", "A running sensor, live");
  add_control_options(*command, options);
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace weir::app
