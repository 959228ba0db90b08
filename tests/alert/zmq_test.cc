#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "alert/zmq_handle.h"
#include "alert/zmq_publisher.h"
#include "alert/zmq_subscriber.h"
#include "tests/alert/make.h"

namespace weir::alert {
namespace {

namespace fs = std::filesystem;

class ZmqTest : public ::testing::Test {
 protected:
  ZmqTest() {
    std::string pattern = (fs::temp_directory_path() / "weir-zmq-XXXXXX").string();
    dir_ = ::mkdtemp(pattern.data());
    endpoint_ = "ipc://" + (dir_ / "alerts").string();
  }
  ~ZmqTest() override { fs::remove_all(dir_); }

  // Publishes until the subscriber has one: a subscription takes a moment to arrive.
  static std::string meet(ZmqPublisher& publisher, ZmqSubscriber& subscriber,
                          const std::string& topic) {
    for (int i = 0; i < 500; ++i) {
      publisher.publish(topic, "hello");
      const auto message = subscriber.receive(Duration::millis(20));
      if (message && *message) return (*message)->topic;
    }
    return "";
  }
  // What comes until nothing does.
  static size_t drain(ZmqSubscriber& subscriber) {
    size_t count = 0;
    for (int empty = 0; empty < 5;) {
      const auto message = subscriber.receive(Duration::millis(40));
      const bool got = message && *message;
      empty = got ? 0 : empty + 1;
      count += got ? 1U : 0U;
    }
    return count;
  }
  fs::path dir_;
  std::string endpoint_;
};

TEST_F(ZmqTest, IncidentsReachASubscriberUnderTheirSeverity) {
  auto publisher = ZmqPublisher::open(endpoint_);
  ASSERT_TRUE(publisher) << publisher.error().to_string();
  auto subscriber = ZmqSubscriber::connect(endpoint_, "alert.high");
  ASSERT_TRUE(subscriber) << subscriber.error().to_string();
  EXPECT_FALSE((*subscriber)->connected());
  ASSERT_EQ(meet(**publisher, **subscriber, "alert.high"), "alert.high");
  EXPECT_TRUE((*subscriber)->connected());
  drain(**subscriber);

  Incident incident;
  incident.id = "0123456789abcdef";
  incident.severity = Severity::kLow;
  (*publisher)->on_incident(incident, IncidentActivity::kCreate);
  incident.severity = Severity::kHigh;
  (*publisher)->on_incident(incident, IncidentActivity::kCreate);
  std::optional<ZmqSubscriber::Message> got;
  for (int i = 0; i < 100 && !got; ++i) {
    auto message = (*subscriber)->receive(Duration::millis(50));
    ASSERT_TRUE(message);
    got = *message;
  }
  ASSERT_TRUE(got);
  EXPECT_EQ(got->topic, "alert.high");
  EXPECT_EQ(nlohmann::json::parse(got->body)["severity"], "high");
  EXPECT_EQ(drain(**subscriber), 0U);
  EXPECT_EQ((*publisher)->counters().slow_subscriber.get(), 0U);
}

TEST_F(ZmqTest, ASubscriberThatCameFirstIsServedAndSeesTheEnd) {
  auto subscriber = ZmqSubscriber::connect(endpoint_);
  ASSERT_TRUE(subscriber);
  {
    auto publisher = ZmqPublisher::open(endpoint_);
    ASSERT_TRUE(publisher);
    EXPECT_EQ(meet(**publisher, **subscriber, "alert.low"), "alert.low");
  }
  for (int i = 0; i < 100 && (*subscriber)->connected(); ++i) {
    static_cast<void>((*subscriber)->receive(Duration::millis(20)));
  }
  EXPECT_FALSE((*subscriber)->connected());
}

TEST_F(ZmqTest, ASlowSubscriberLosesCountedAndTheOthersNothing) {
  auto publisher = ZmqPublisher::open(endpoint_, {20, Duration::millis(10)});
  ASSERT_TRUE(publisher);
  // Connects, subscribes, and never reads: its queues fill up.
  const ZmqContext context(zmq_ctx_new());
  const ZmqSocket slow(zmq_socket(context.get(), ZMQ_SUB));
  ASSERT_TRUE(set_option(slow.get(), ZMQ_RCVHWM, 1) && set_option(slow.get(), ZMQ_LINGER, 0));
  ASSERT_EQ(zmq_setsockopt(slow.get(), ZMQ_SUBSCRIBE, "", 0), 0);
  ASSERT_EQ(zmq_connect(slow.get(), endpoint_.c_str()), 0);
  auto quick = ZmqSubscriber::connect(endpoint_);
  ASSERT_TRUE(quick);
  ASSERT_NE(meet(**publisher, **quick, "alert.low"), "");
  drain(**quick);

  const std::string body(64 << 10, 'x');
  for (size_t sent = 1; sent <= 200; ++sent) {
    (*publisher)->publish("alert.low", body);
    bool received = false;
    for (int i = 0; i < 100 && !received; ++i) {
      const auto message = (*quick)->receive(Duration::millis(50));
      received = message && *message;
    }
    ASSERT_TRUE(received) << "message " << sent;
  }
  EXPECT_GE((*publisher)->counters().slow_subscriber.get(), 1U);
  EXPECT_EQ((*publisher)->counters().failed.get(), 0U);
}

TEST_F(ZmqTest, AfterWaitingForASubscriberNothingIsLost) {
  auto publisher = ZmqPublisher::open(endpoint_);
  ASSERT_TRUE(publisher);
  EXPECT_FALSE((*publisher)->wait_for_subscriber(Duration::millis(20)));
  {
    auto subscriber = ZmqSubscriber::connect(endpoint_);
    ASSERT_TRUE(subscriber);
    ASSERT_TRUE((*publisher)->wait_for_subscriber(Duration::seconds(20)));
    (*publisher)->publish("alert.low", "first");
    std::optional<ZmqSubscriber::Message> got;
    for (int i = 0; i < 200 && !got; ++i) {
      auto message = (*subscriber)->receive(Duration::millis(50));
      ASSERT_TRUE(message);
      got = *message;
    }
    ASSERT_TRUE(got);
    EXPECT_EQ(got->body, "first");
    EXPECT_TRUE((*publisher)->wait_for_subscriber(Duration{})) << "it is still there";
  }
  // Its end is noticed: then there is someone to wait for again.
  bool there = true;
  for (int i = 0; i < 500 && there; ++i) {
    there = (*publisher)->wait_for_subscriber(Duration{});
    if (there) ::usleep(10'000);
  }
  EXPECT_FALSE(there);
}

TEST_F(ZmqTest, AnEndpointInUseOrWrongIsAnError) {
  auto first = ZmqPublisher::open("tcp://127.0.0.1:*");
  ASSERT_TRUE(first);
  EXPECT_THAT((*first)->endpoint(), ::testing::StartsWith("tcp://127.0.0.1:"));
  const auto second = ZmqPublisher::open((*first)->endpoint());
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, ::testing::HasSubstr("Address already in use"));
  EXPECT_FALSE(ZmqPublisher::open("nonsense"));
  EXPECT_FALSE(ZmqPublisher::open("ipc:///nonexistent/dir/x"));
  EXPECT_FALSE(ZmqSubscriber::connect("nonsense"));
}

TEST_F(ZmqTest, NoSubscriberIsNoTrouble) {
  auto publisher = ZmqPublisher::open(endpoint_);
  ASSERT_TRUE(publisher);
  for (int i = 0; i < 30'000; ++i) (*publisher)->publish("alert.low", "x");
  EXPECT_EQ((*publisher)->counters().published.get(), 30'000U);
  EXPECT_EQ((*publisher)->counters().slow_subscriber.get(), 0U);
}

}  // namespace
}  // namespace weir::alert
