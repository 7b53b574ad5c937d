// The tools of the other tests: a tool that does nothing would let them all pass.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <iterator>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/mysql/connection.h"
#include "tests/harness/database.h"
#include "tests/harness/process.h"
#include "tests/harness/tcp_proxy.h"

namespace quartermaster::testing {
namespace {

using mysql::Connection;
using ::testing::HasSubstr;

absl::Time In(absl::Duration duration) { return absl::Now() + duration; }

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(ProcessTest, TellsHowItEndedAndKeepsWhatItPrinted) {
  const std::string directory = *MakeShortDirectory();
  const std::string log = absl::StrCat(directory, "/log");

  Process process = *Process::Start({.program = "sh",
                                     .arguments = {"-c", "echo out $NAME; echo err >&2; exit 3"},
                                     .environment = {{"NAME", "粮草官"}},
                                     .log_file = log});

  EXPECT_EQ(process.Wait(In(absl::Seconds(10))), 3);
  EXPECT_FALSE(process.is_running());
  EXPECT_EQ(ReadFile(log), "out 粮草官\nerr\n");
  RemoveTree(directory);
}

TEST(ProcessTest, StopsOneThatDoesNotWantTo) {
  const std::string directory = *MakeShortDirectory();
  const std::string log = absl::StrCat(directory, "/log");
  Process process =
      *Process::Start({.program = "sh",
                       .arguments = {"-c", "trap '' TERM; echo ready; while :; do sleep 1; done"},
                       .log_file = log});
  ASSERT_TRUE(WaitUntil(In(absl::Seconds(10)), [&] { return ReadFile(log) == "ready\n"; }));

  EXPECT_EQ(process.Wait(In(absl::Milliseconds(50))), std::nullopt);
  EXPECT_EQ(process.Stop(In(absl::Milliseconds(100))), 128 + SIGKILL);
  RemoveTree(directory);
}

TEST(ProcessTest, OutlivesTheThreadThatStartedIt) {
  std::optional<Process> process;
  std::thread([&] { process = *Process::Start({.program = "sleep", .arguments = {"60"}}); }).join();

  EXPECT_EQ(process->Wait(In(absl::Milliseconds(200))), std::nullopt);
  process->Kill();
}

TEST(ProcessTest, ShowsWhatAFailedProgramSaid) {
  const std::string directory = *MakeShortDirectory();

  const absl::Status failed = RunProgram({.program = "sh",
                                          .arguments = {"-c", "echo no such thing; exit 1"},
                                          .log_file = absl::StrCat(directory, "/log")},
                                         In(absl::Seconds(10)));

  EXPECT_THAT(std::string(failed.message()), HasSubstr("no such thing"));
  EXPECT_FALSE(RunProgram({.program = "/nonexistent/program"}, In(absl::Seconds(10))).ok());
  RemoveTree(directory);
}

class TcpProxyTest : public ::testing::Test {
 protected:
  TcpProxyTest() {
    options_ = FixtureServer();
    proxy_ = *TcpProxy::Start({.upstream_socket = options_.unix_socket});
    options_.unix_socket.clear();
    options_.host = "127.0.0.1";
    options_.port = proxy_->port();
  }

  bool CanConnect() { return Connection::Open(options_).ok(); }
  // For what is expected to fail by waiting in vain.
  mysql::ConnectionOptions Impatient() const {
    mysql::ConnectionOptions options = options_;
    options.connect_timeout = options.read_timeout = absl::Seconds(1);
    return options;
  }

  mysql::ConnectionOptions options_;
  std::unique_ptr<TcpProxy> proxy_;
};

TEST_F(TcpProxyTest, PassesEverything) {
  const auto connection = Connection::Open(options_);
  ASSERT_TRUE(connection.ok()) << connection.status();

  // More than any buffer on the way.
  const auto rows = (*connection)->Query("SELECT REPEAT('x', ?)", {int64_t{12 << 20}});

  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ((*rows)[0].String(0).size(), size_t{12 << 20});
  EXPECT_EQ(proxy_->link_count(), 1);
}

TEST_F(TcpProxyTest, HoldsEverythingBackAndLetsItPassAgain) {
  const auto connection = Connection::Open(Impatient());
  ASSERT_TRUE(connection.ok()) << connection.status();
  proxy_->Stall();
  EXPECT_FALSE((*connection)->Query("SELECT 1").ok());
  EXPECT_FALSE(Connection::Open(Impatient()).ok());

  proxy_->Pass();
  EXPECT_TRUE(CanConnect());
}

TEST_F(TcpProxyTest, CutsLinksNow) {
  const auto connection = Connection::Open(options_);
  ASSERT_TRUE((*connection)->Query("SELECT 1").ok());

  proxy_->CutNow();

  EXPECT_TRUE(WaitUntil(In(absl::Seconds(5)), [&] { return proxy_->link_count() == 0; }));
  EXPECT_FALSE((*connection)->Query("SELECT 1").ok());
  EXPECT_TRUE(CanConnect());
}

TEST_F(TcpProxyTest, TakesNoLinksWhileItRefuses) {
  proxy_->SetRefusing(true);
  EXPECT_FALSE(Connection::Open(Impatient()).ok());
  proxy_->SetRefusing(false);
  EXPECT_TRUE(CanConnect());
}

TEST_F(TcpProxyTest, CutsAsOftenAsTheRuleSays) {
  proxy_->CutWhen({.bytes = "DO 7", .count_max = 2});
  const auto do_seven = [&] {
    const auto connection = Connection::Open(options_);
    return connection.ok() && (*connection)->Execute("DO 7").ok();
  };

  EXPECT_FALSE(do_seven());
  EXPECT_FALSE(do_seven());
  EXPECT_TRUE(do_seven());
  EXPECT_EQ(proxy_->cut_count(), 2);
}

TEST_F(TcpProxyTest, MakesTheSameTroubleForTheSameSeed) {
  const auto survived = [&](uint64_t seed) {
    std::string outcome;
    for (uint64_t i = 0; i < 6; ++i) {
      proxy_->Pass();
      // A link that still said good-bye would take a number out of turn.
      EXPECT_TRUE(WaitUntil(In(absl::Seconds(10)), [&] { return proxy_->link_count() == 0; }));
      const auto connection = Connection::Open(options_);
      EXPECT_TRUE(connection.ok()) << connection.status();
      if (!connection.ok()) return std::string("no connection");
      proxy_->SetChaos({.seed = seed + i, .cut_per_mille = 200});
      int count = 0;
      while (count < 50 && (*connection)->Execute("DO 1").ok()) ++count;
      absl::StrAppend(&outcome, count, " ");
    }
    return outcome;
  };

  EXPECT_EQ(survived(7), survived(7));
  EXPECT_NE(survived(7), survived(70));
}

TEST_F(TcpProxyTest, DelaysPacketsAtRandom) {
  const auto connection = Connection::Open(options_);
  proxy_->SetChaos({.seed = 1, .delay_max = absl::Milliseconds(20)});
  const absl::Time begin = absl::Now();

  for (int i = 0; i < 10; ++i) ASSERT_TRUE((*connection)->Execute("DO 1").ok());

  // Twenty packets of ten milliseconds on average.
  EXPECT_GT(absl::Now() - begin, absl::Milliseconds(60));
}

}  // namespace
}  // namespace quartermaster::testing
