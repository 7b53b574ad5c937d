#include "platform/log/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "absl/strings/str_cat.h"

namespace quartermaster::log {
namespace {

using ::testing::SizeIs;

// What is private can be neither logged, printed nor concatenated: not at run time, at compile
// time.
using Secret = Private<std::string>;
static_assert(std::is_constructible_v<Field, const char*, std::string>);
static_assert(!std::is_constructible_v<Field, const char*, Secret>);
static_assert(!std::is_constructible_v<Field, const char*, Private<int>>);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_constructible_v<absl::AlphaNum, Secret>);
template <typename T>
concept Streamable = requires(const T& value) {
  std::cout << value;
};
static_assert(Streamable<std::string>);
static_assert(!Streamable<Secret>);

nlohmann::json Render(absl::string_view message, std::initializer_list<Field> fields = {}) {
  return nlohmann::json::parse(
      RenderLine(absl::FromUnixMicros(1), Level::kWarning, "depot", message, fields));
}

std::vector<nlohmann::json> LinesOf(const std::string& path) {
  std::vector<nlohmann::json> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

TEST(LogLineTest, SaysWhenHowBadWhoAndWhat) {
  EXPECT_EQ(RenderLine(absl::FromUnixMicros(1'000'002), Level::kInfo, "depot", "sealed",
                       {Field("block", 17), Field("ok", true),
                        Field("took", absl::Milliseconds(12)), Field("name", "n")}),
            R"({"time":"1970-01-01T00:00:01.000002Z","level":"info","service":"depot",)"
            R"("message":"sealed","block":17,"ok":true,"took":"12ms","name":"n"})");
}

TEST(LogLineTest, TellsTheTimeOfEachLineToTheMicrosecond) {
  const auto time_of = [](absl::Time time) -> std::string {
    return nlohmann::json::parse(RenderLine(time, Level::kInfo, "depot", "m", {}))["time"];
  };
  EXPECT_EQ(time_of(absl::FromUnixMicros(59'999'999)), "1970-01-01T00:00:59.999999Z");
  EXPECT_EQ(time_of(absl::FromUnixMicros(60'000'000)), "1970-01-01T00:01:00.000000Z");
  EXPECT_EQ(time_of(absl::FromUnixMicros(59'000'001)), "1970-01-01T00:00:59.000001Z");
  EXPECT_EQ(time_of(absl::FromUnixMicros(-1)), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(time_of(absl::InfiniteFuture()), "infinite-future");
}

// Goal: what a thread, or the program, still says while it ends is whole.
// Method: what was made before the thread's first line is destroyed after all that lines need.
TEST(LogLineTest, IsWholeAfterTheThreadsOwnThingsAreGone) {
  struct LastWords {
    ~LastWords() { *text = RenderLine(absl::UnixEpoch(), Level::kInfo, "depot", "m", {}); }
    std::string* text = nullptr;
  };
  std::string first;
  std::string last;
  std::thread thread([&] {
    thread_local LastWords words;
    words.text = &last;
    first = RenderLine(absl::UnixEpoch(), Level::kInfo, "depot", "m", {});
  });
  thread.join();

  EXPECT_EQ(last, first);
}

// Goal: nothing that a caller sends can end the line, the string or the object.
TEST(LogLineTest, EscapesWhatWouldBreakTheLine) {
  const std::string hostile("a\"b\\c\nd\re\tf\x01g\x7Fh\0i", 17);

  const std::string line =
      RenderLine(absl::UnixEpoch(), Level::kError, "depot", hostile, {Field("k", hostile)});

  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\0'), std::string::npos);
  const nlohmann::json json = nlohmann::json::parse(line);
  EXPECT_EQ(json["message"], hostile);
  EXPECT_EQ(json["k"], hostile);
}

TEST(LogLineTest, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(Render("x\xFFy")["message"], "x\xEF\xBF\xBDy");
  EXPECT_EQ(Render("粮草")["message"], "粮草");
}

TEST(LogLineTest, CutsWhatIsTooLong) {
  EXPECT_THAT(Render(std::string(100'000, 'x'))["message"].get<std::string>(), SizeIs(4096));
}

TEST(LogTest, WritesEveryLineToTheFile) {
  for (const bool is_asynchronous : {false, true}) {
    const std::string path = absl::StrCat(::testing::TempDir(), "/log_test_", is_asynchronous);
    std::remove(path.c_str());
    ASSERT_EQ(Start({.service = "depot", .file = path, .is_asynchronous = is_asynchronous}),
              absl::OkStatus());

    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([t] {
        for (int i = 0; i < 100; ++i) Info("line", {{"thread", t}, {"i", i}});
      });
    }
    for (std::thread& thread : threads) thread.join();
    Stop();

    EXPECT_THAT(LinesOf(path), SizeIs(400)) << is_asynchronous;
    EXPECT_EQ(LostLineCount(), 0);
  }
}

TEST(LogTest, LeavesOutWhatIsBelowTheLevel) {
  const std::string path = ::testing::TempDir() + "/log_test_level";
  std::remove(path.c_str());
  ASSERT_EQ(Start({.service = "depot", .level = Level::kWarning, .file = path}), absl::OkStatus());

  Info("quiet");
  Warning("loud");
  Stop();

  const std::vector<nlohmann::json> lines = LinesOf(path);
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines[0]["message"], "loud");
  EXPECT_EQ(lines[0]["level"], "warning");
  ASSERT_EQ(Start({.service = "depot"}), absl::OkStatus());
  Stop();
}

TEST(LogTest, TellsThatAFileCannotBeOpened) {
  const absl::Status status = Start({.file = "/proc/no/such/folder/x.log"});

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("/proc/no/such/folder/x.log"));
}

TEST(LogTest, ParsesLevels) {
  EXPECT_EQ(ParseLevel("error"), Level::kError);
  EXPECT_EQ(ParseLevel("fatal"), std::nullopt);
}

}  // namespace
}  // namespace quartermaster::log
