#include "platform/log/line_writer.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace quartermaster::log {
namespace {

using ::testing::SizeIs;

// A pipe, which takes no more when nobody reads it.
class Pipe {
 public:
  Pipe() {
    EXPECT_EQ(pipe(ends_), 0);
    EXPECT_GT(fcntl(ends_[1], F_SETPIPE_SZ, 4096), 0);
  }
  ~Pipe() {
    CloseWriteEnd();
    close(ends_[0]);
  }
  int write_end() const { return ends_[1]; }
  void CloseWriteEnd() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }
  // Returns what one read takes, or "" at the end.
  std::string Read() const {
    char bytes[4096];
    const ssize_t count = read(ends_[0], bytes, sizeof(bytes));
    return count <= 0 ? "" : std::string(bytes, static_cast<size_t>(count));
  }
  std::string ReadAll() const {
    std::string all;
    for (std::string some = Read(); !some.empty(); some = Read()) all += some;
    return all;
  }

 private:
  int ends_[2] = {-1, -1};
};

// While it lives, no file grows beyond `bytes`.
class ScopedFileSize {
 public:
  explicit ScopedFileSize(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    EXPECT_EQ(getrlimit(RLIMIT_FSIZE, &before_), 0);
    rlimit now = before_;
    now.rlim_cur = bytes;
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &now), 0);
  }
  ~ScopedFileSize() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*const handler_)(int);
  rlimit before_ = {};
};

// Goal: nobody has to ask for a line that nothing follows, however unimportant.
TEST(LineWriterTest, WritesALineThatIsAlone) {
  const Pipe pipe;
  LineWriter writer(pipe.write_end(), 100);

  writer.Write("alone\n", false);

  EXPECT_EQ(pipe.Read(), "alone\n");
}

TEST(LineWriterTest, WritesAnUrgentLineAtOnceAndInItsPlace) {
  const Pipe pipe;
  LineWriter writer(pipe.write_end(), 100);

  writer.Write("first\n", false);
  writer.Write("second\n", true);

  std::string came = pipe.Read();
  if (came == "first\n") came += pipe.Read();
  EXPECT_EQ(came, "first\nsecond\n");
}

// Goal: the thread is not woken for each line.
// Method: lines come a millisecond apart, so each finds the thread asleep; a read takes what one
// write wrote, and between two writes are 20 ms, however slow the machine.
TEST(LineWriterTest, WritesLinesTogetherThatComeOneByOne) {
  constexpr int kLines = 100;
  Pipe pipe;
  int reads = 0;
  const absl::Time start = absl::Now();
  {
    LineWriter writer(pipe.write_end(), 1000);
    std::thread reader([&] {
      while (!pipe.Read().empty()) ++reads;
    });
    for (int i = 0; i < kLines; ++i) {
      writer.Write("a line\n", false);
      absl::SleepFor(absl::Milliseconds(1));
    }
    writer.Close(absl::InfiniteDuration());
    pipe.CloseWriteEnd();
    reader.join();
  }
  EXPECT_LE(reads, (absl::Now() - start) / absl::Milliseconds(20) + 1);
}

// Method: the reader takes nothing, so at most the pipe's page and one batch leave the queue.
TEST(LineWriterTest, LosesTheOldestWhenItsQueueIsFull) {
  Pipe pipe;
  std::vector<std::string> lines;
  {
    LineWriter writer(pipe.write_end(), 16);
    const std::string filler(1000, 'x');
    for (int i = 0; i < 100; ++i) writer.Write(absl::StrCat(filler, i, "\n"), false);
    EXPECT_GE(writer.lost_count(), 100 - 3 * 16);
    const int64_t lost = writer.lost_count();
    std::string all;
    while (!absl::StrContains(all, "x99\n")) all += pipe.Read();
    lines = absl::StrSplit(all, '\n', absl::SkipEmpty());
    EXPECT_THAT(lines, SizeIs(100 - lost));
  }
  for (int i = 1; i <= 16; ++i) {
    EXPECT_EQ(lines[lines.size() - i], absl::StrCat(std::string(1000, 'x'), 100 - i));
  }
}

TEST(LineWriterTest, WritesWhatWaitsBeforeItCloses) {
  Pipe pipe;
  LineWriter writer(pipe.write_end(), 100);
  writer.Write("one\n", false);
  writer.Write("two\n", false);

  writer.Close(absl::InfiniteDuration());

  pipe.CloseWriteEnd();
  EXPECT_EQ(pipe.ReadAll(), "one\ntwo\n");
}

// Goal: who reads the log no more cannot keep a program from its end.
TEST(LineWriterTest, ClosesThoughNobodyReads) {
  Pipe pipe;
  LineWriter writer(pipe.write_end(), 100);
  for (int i = 0; i < 10; ++i) writer.Write(std::string(1000, 'x') + "\n", true);

  writer.Close(absl::Milliseconds(1));

  // Then it has taken them all.
  std::string all;
  while (std::ranges::count(all, '\n') < 10) all += pipe.Read();
}

// Goal: neither can lines that come after the end.
// Method: standard error is a pipe that is full.
TEST(LineWriterTest, WaitsForNobodyOnceItIsClosed) {
  const Pipe pipe;
  ASSERT_EQ(fcntl(pipe.write_end(), F_SETFL, O_NONBLOCK), 0);
  while (write(pipe.write_end(), "x", 1) == 1) {
  }
  ASSERT_EQ(fcntl(pipe.write_end(), F_SETFL, 0), 0);
  LineWriter writer(pipe.write_end(), 100);
  writer.Close(absl::InfiniteDuration());

  const int standard_error = dup(STDERR_FILENO);
  dup2(pipe.write_end(), STDERR_FILENO);
  writer.Write("late\n", true);
  dup2(standard_error, STDERR_FILENO);
  close(standard_error);

  EXPECT_EQ(writer.lost_count(), 1);
}

// Goal: a log that nobody can read back is not a log without losses.
TEST(LineWriterTest, CountsWhatTheDiskDoesNotTake) {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  for (const std::optional<int> queue_max : {std::optional<int>(), std::optional<int>(100)}) {
    LineWriter writer(full, queue_max);
    for (int i = 0; i < 3; ++i) writer.Write("lost\n", false);

    writer.Close(absl::InfiniteDuration());

    EXPECT_EQ(writer.lost_count(), 3);
  }
  close(full);
}

// Method: a file of 6 bytes at most, as on a disk that was full for a while.
TEST(LineWriterTest, BeginsALineOfItsOwnAfterOneThatWasCutOff) {
  const std::string path = ::testing::TempDir() + "/line_writer_test_torn";
  std::remove(path.c_str());
  const int file = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(file, 0);
  LineWriter writer(file, std::nullopt);
  {
    const ScopedFileSize six_bytes(6);
    writer.Write("one\n", false);
    writer.Write("two\n", false);
    writer.Write("three\n", false);
  }
  writer.Write("four\n", false);
  close(file);

  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_EQ(text.str(), "one\ntw\nfour\n");
  EXPECT_EQ(writer.lost_count(), 2);
}

// Goal: a pipe that somebody else made non-blocking loses nothing.
TEST(LineWriterTest, WaitsForRoomInAPipeThatDoesNotBlock) {
  constexpr int kLines = 50;
  Pipe pipe;
  ASSERT_EQ(fcntl(pipe.write_end(), F_SETFL, O_NONBLOCK), 0);
  std::string all;
  {
    LineWriter writer(pipe.write_end(), 100);
    for (int i = 0; i < kLines; ++i) writer.Write(std::string(1000, 'x') + "\n", true);
    while (all.size() < kLines * 1001) all += pipe.Read();
    EXPECT_EQ(writer.lost_count(), 0);
  }
}

TEST(LineWriterTest, LeavesTheWritingToTheCallerWithoutAQueue) {
  Pipe pipe;
  LineWriter writer(pipe.write_end(), std::nullopt);

  writer.Write("now\n", false);

  pipe.CloseWriteEnd();
  EXPECT_EQ(pipe.ReadAll(), "now\n");
}

}  // namespace
}  // namespace quartermaster::log
