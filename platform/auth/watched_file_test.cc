#include "platform/auth/watched_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "platform/auth/test_files.h"

namespace quartermaster::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

class WatchedFileTest : public testing::Test {
 protected:
  // A file of which only words that begin with `v` are good.
  WatchedFile<std::string>::Options Options() {
    return {.path = folder_.PathOf("file"),
            .bytes_max = 16,
            .check_interval = absl::Seconds(5),
            .parse = [](absl::string_view text) -> absl::StatusOr<std::string> {
              if (text.empty() || text[0] != 'v') return absl::InvalidArgumentError("no version");
              return std::string(text);
            },
            .on_problem =
                [this](const absl::Status& problem) { problems_.emplace_back(problem.message()); }};
  }

  TestFolder folder_;
  std::vector<std::string> problems_;
};

TEST_F(WatchedFileTest, ReadsAChangedFileAtMostOncePerInterval) {
  folder_.Put("file", "v1");
  const auto file = WatchedFile<std::string>::Open(Options());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(*(*file)->Current(kNow), "v1");

  folder_.Put("file", "v2");

  EXPECT_EQ(*(*file)->Current(kNow + absl::Milliseconds(4999)), "v1");
  EXPECT_EQ(*(*file)->Current(kNow + absl::Seconds(5)), "v2");
}

// Goal: whoever asks while the file is replaced gets one version or the other, whole.
TEST_F(WatchedFileTest, GivesWholeVersionsToManyThreads) {
  folder_.Put("file", "v0");
  auto options = Options();
  options.check_interval = absl::ZeroDuration();
  const auto file = WatchedFile<std::string>::Open(std::move(options));
  ASSERT_TRUE(file.ok()) << file.status();
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int look = 0; look < 200; ++look) EXPECT_EQ((*file)->Current(kNow)->size(), 2u);
    });
  }
  for (int i = 1; i < 10; ++i) folder_.Put("file", absl::StrCat("v", i));
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(*(*file)->Current(kNow), "v9");
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(WatchedFileTest, ReturnsTheSameObjectWhileNothingChanges) {
  folder_.Put("file", "v1");
  const auto file = WatchedFile<std::string>::Open(Options());
  ASSERT_TRUE(file.ok()) << file.status();

  EXPECT_EQ((*file)->Current(kNow), (*file)->Current(kNow + absl::Hours(1)));
}

TEST_F(WatchedFileTest, KeepsTheLastGoodVersionAndTellsOnce) {
  folder_.Put("file", "v1");
  const auto file = WatchedFile<std::string>::Open(Options());
  ASSERT_TRUE(file.ok()) << file.status();

  folder_.Put("file", "broken");
  EXPECT_EQ(*(*file)->Current(kNow), "v1");
  EXPECT_EQ(*(*file)->Current(kNow + absl::Seconds(5)), "v1");
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("no version")));
  std::filesystem::remove(folder_.PathOf("file"));
  EXPECT_EQ(*(*file)->Current(kNow + absl::Seconds(10)), "v1");
  EXPECT_EQ(*(*file)->Current(kNow + absl::Seconds(15)), "v1");
  EXPECT_EQ(problems_.size(), 2u);
  folder_.Put("file", "v far too long to be read");
  EXPECT_EQ(*(*file)->Current(kNow + absl::Seconds(20)), "v1");
  EXPECT_EQ(problems_.size(), 3u);

  folder_.Put("file", "v2");

  EXPECT_EQ(*(*file)->Current(kNow + absl::Seconds(25)), "v2");
  EXPECT_EQ(problems_.size(), 3u);
}

TEST_F(WatchedFileTest, DoesNotOpenWithoutAGoodFirstVersion) {
  const auto missing = WatchedFile<std::string>::Open(Options());
  folder_.Put("file", "broken");
  const auto broken = WatchedFile<std::string>::Open(Options());

  for (const auto* file : {&missing, &broken}) {
    ASSERT_FALSE(file->ok());
    EXPECT_THAT(std::string(file->status().message()), HasSubstr(folder_.PathOf("file")));
  }
  EXPECT_THAT(problems_, IsEmpty());
}

}  // namespace
}  // namespace quartermaster::auth
