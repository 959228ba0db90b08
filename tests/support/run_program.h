// Runs a program as a user would: arguments, standard input, output and exit code.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

extern char** environ;

namespace weir::test {

struct ProgramResult {
  int exit_code = -1;  // -1: killed by a signal, or never started
  std::string out;
  std::string err;
};

// Where the standard streams of a program lead.
struct ProgramStreams {
  std::string stdin_file = "/dev/null";
  std::string stdout_file;  // empty: kept as ProgramResult::out
};

// A program that runs. Killed when it is still there at the end of its scope.
class RunningProgram {
 public:
  explicit RunningProgram(const std::vector<std::string>& arguments,
                          const ProgramStreams& streams = {}) {
    std::array<int, 2> out{};
    std::array<int, 2> err{};
    EXPECT_EQ(::pipe2(out.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(err.data(), O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, streams.stdin_file.c_str(), O_RDONLY,
                                     0);
    if (streams.stdout_file.empty()) {
      posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    } else {
      posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, streams.stdout_file.c_str(),
                                       O_WRONLY, 0);
    }
    posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
    std::vector<char*> argv;
    for (const std::string& argument : arguments) {
      argv.push_back(const_cast<char*>(argument.c_str()));
    }
    argv.push_back(nullptr);
    const int failed =
        ::posix_spawn(&pid_, arguments.front().c_str(), &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(out[1]);
    ::close(err[1]);
    pipes_ = {out[0], err[0]};
    if (failed != 0) {
      ADD_FAILURE() << arguments.front() << " cannot be started";
      pid_ = -1;
    }
  }
  ~RunningProgram() {
    for (const int pipe : pipes_) {
      if (pipe >= 0) ::close(pipe);
    }
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  // Reads until `text` has stood on stderr; false when the program ends or the time is up before.
  bool wait_for_error_text(std::string_view text, std::chrono::seconds longest) {
    const auto end = std::chrono::steady_clock::now() + longest;
    while (result_.err.find(text) == std::string::npos) {
      if (!read_some(end)) return false;
    }
    return true;
  }
  void send_signal(int signal) const { ::kill(pid_, signal); }
  // Nobody reads the program's output from now on.
  void close_output() { ::close(std::exchange(pipes_[0], -1)); }

  ProgramResult wait(std::chrono::seconds longest = std::chrono::seconds(60)) {
    const auto end = std::chrono::steady_clock::now() + longest;
    while (read_some(end)) {
    }
    if (std::chrono::steady_clock::now() >= end) {
      ADD_FAILURE() << "still running after " << longest.count() << " s; stderr: " << result_.err;
      ::kill(pid_, SIGKILL);
    }
    int status = 0;
    while (pid_ > 0 && ::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    if (pid_ > 0 && WIFEXITED(status)) result_.exit_code = WEXITSTATUS(status);
    pid_ = -1;
    return result_;
  }

 private:
  // Waits for output. False when both pipes are closed or the time is up.
  bool read_some(std::chrono::steady_clock::time_point end) {
    std::array<pollfd, 2> wanted = {{{pipes_[0], POLLIN, 0}, {pipes_[1], POLLIN, 0}}};
    if (pipes_[0] < 0 && pipes_[1] < 0) return false;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    if (::poll(wanted.data(), wanted.size(), static_cast<int>(left.count())) < 0) {
      return errno == EINTR;
    }
    for (size_t i = 0; i < 2; ++i) {
      if (wanted[i].revents == 0) continue;
      std::array<char, 65536> block{};
      const ssize_t count = ::read(pipes_[i], block.data(), block.size());
      if (count > 0) {
        (i == 0 ? result_.out : result_.err).append(block.data(), static_cast<size_t>(count));
      } else {
        ::close(std::exchange(pipes_[i], -1));
      }
    }
    return true;
  }

  pid_t pid_ = -1;
  std::array<int, 2> pipes_ = {-1, -1};
  ProgramResult result_;
};

inline ProgramResult run_program(const std::vector<std::string>& arguments,
                                 const ProgramStreams& streams = {}) {
  return RunningProgram(arguments, streams).wait();
}

}  // namespace weir::test
