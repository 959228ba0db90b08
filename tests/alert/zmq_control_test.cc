// Questions and answers over a Unix path.
#include "alert/zmq_control.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>

namespace weir::alert {
namespace {

std::string path_of(const char* name) {
  return testing::TempDir() + name + "-" + std::to_string(getpid());
}

TEST(ZmqControl, AnswersEachQuestionOnce) {
  const std::string path = path_of("control");
  auto responder = ZmqResponder::open(path);
  ASSERT_TRUE(responder) << responder.error().to_string();
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  std::thread sensor([&] {
    for (int i = 0; i < 2;) {
      const auto question = (*responder)->receive(Duration::millis(100));
      if (!question) continue;
      (*responder)->answer("answer to " + *question);
      ++i;
    }
  });
  for (const std::string question : {"one", "two"}) {
    const auto answer = ask(path, question, Duration::seconds(20));
    ASSERT_TRUE(answer) << answer.error().to_string();
    EXPECT_EQ(*answer, "answer to " + question);
  }
  sensor.join();
  EXPECT_FALSE((*responder)->receive(Duration::millis(1)));

  const auto second = ZmqResponder::open(path);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "another process answers there already");
  const auto silent = ask(path, "three", Duration::millis(50));
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().message, "the sensor does not answer");
  responder->reset();
  EXPECT_NE(stat(path.c_str(), &info), 0) << "it removes its path";
}

TEST(ZmqControl, SaysWhyNobodyAnswers) {
  const auto nobody = ask(path_of("nobody"), "q", Duration::millis(50));
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().message, "no sensor answers there");
  EXPECT_FALSE(ask(std::string(200, 'x'), "q", Duration::millis(50)));
  EXPECT_FALSE(ZmqResponder::open("/nowhere/to/be/found"));
  // A file is not taken for a socket that was left behind.
  const std::string file = path_of("file");
  std::ofstream(file) << "precious";
  EXPECT_FALSE(ZmqResponder::open(file));
  std::string text;
  std::ifstream(file) >> text;
  EXPECT_EQ(text, "precious");
  unlink(file.c_str());
}

// A socket that a dead process left behind is replaced.
TEST(ZmqControl, TakesOverAnAbandonedPath) {
  const std::string path = path_of("abandoned");
  {
    auto first = ZmqResponder::open(path);
    ASSERT_TRUE(first);
    ASSERT_EQ(link(path.c_str(), (path + ".kept").c_str()), 0);
  }
  ASSERT_EQ(rename((path + ".kept").c_str(), path.c_str()), 0);
  EXPECT_TRUE(ZmqResponder::open(path));
}

}  // namespace
}  // namespace weir::alert
