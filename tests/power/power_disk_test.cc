// Goal: the disk loses at a power cut what was not synced, and nothing else. Method: each promise
// of unsynced.h by itself, on the mounted file system, with the calls that MariaDB makes.

#include "tests/power/power_disk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

namespace quartermaster::testing {
namespace {

using Loss = PowerDisk::Loss;

constexpr size_t kBlock = 4096;

class PowerDiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto disk = PowerDisk::Start(/*seed=*/7);
    ASSERT_TRUE(disk.ok()) << disk.status();
    disk_ = *std::move(disk);
  }

  std::string Path(const std::string& name) const { return disk_->folder() + "/" + name; }

  // Opens the file, lets `work` have it, and closes it: that makes nothing durable.
  void With(const std::string& name, int flags, const std::function<void(int)>& work) {
    const int file = open(Path(name).c_str(), flags | O_CLOEXEC, 0600);
    ASSERT_GE(file, 0) << name;
    work(file);
    close(file);
  }

  void Put(const std::string& name, const std::string& bytes, bool is_synced, off_t offset = 0) {
    With(name, O_RDWR | O_CREAT, [&](int file) {
      EXPECT_EQ(pwrite(file, bytes.data(), bytes.size(), offset),
                static_cast<ssize_t>(bytes.size()));
      if (is_synced) {
        EXPECT_EQ(fdatasync(file), 0);
      }
    });
  }

  std::string Get(const std::string& name) const {
    std::ifstream file(Path(name));
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  bool IsThere(const std::string& name) const { return access(Path(name).c_str(), F_OK) == 0; }

  PowerCut Cut(Loss loss) {
    const auto cut = disk_->Cut(loss);
    EXPECT_TRUE(cut.ok()) << cut.status();
    return *cut;
  }

  std::unique_ptr<PowerDisk> disk_;
};

TEST_F(PowerDiskTest, KeepsWhatWasSyncedAndLosesTheRest) {
  Put("log", "synced", /*is_synced=*/true);
  Put("log", " and not", /*is_synced=*/false, 6);
  Put("log", "S", /*is_synced=*/false);
  EXPECT_EQ(Get("log"), "Synced and not");

  const PowerCut cut = Cut(Loss::kAll);

  EXPECT_EQ(Get("log"), "synced");
  EXPECT_EQ(cut.blocks_dropped, 1);
  EXPECT_EQ(cut.changes_undone, 0);
}

TEST_F(PowerDiskTest, SyncsOneFileAndNotItsNeighbor) {
  Put("one", "old", /*is_synced=*/true);
  Put("other", "old", /*is_synced=*/true);
  Put("one", "new", /*is_synced=*/false);
  Put("other", "new", /*is_synced=*/true);

  Cut(Loss::kAll);

  EXPECT_EQ(Get("one"), "old");
  EXPECT_EQ(Get("other"), "new");
}

TEST_F(PowerDiskTest, BringsBackWhatWasCutOffAndTakesBackWhatWasAllocated) {
  const std::string long_text = std::string(3 * kBlock, 'a') + "end";
  Put("cut", long_text, /*is_synced=*/true);
  Put("grown", "b", /*is_synced=*/true);
  Put("punched", long_text, /*is_synced=*/true);
  Put("opened", long_text, /*is_synced=*/true);
  With("cut", O_RDWR, [&](int file) {
    EXPECT_EQ(ftruncate(file, 10), 0);
    EXPECT_EQ(pwrite(file, "later", 5, 2 * kBlock), 5);
  });
  With("grown", O_RDWR, [&](int file) { EXPECT_EQ(posix_fallocate(file, 0, 2 * kBlock), 0); });
  With("punched", O_RDWR, [&](int file) {
    EXPECT_EQ(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kBlock), 0);
  });
  With("opened", O_RDWR | O_TRUNC, [&](int) {});
  EXPECT_EQ(Get("cut").size(), 2 * kBlock + 5);
  EXPECT_EQ(Get("grown").size(), 2 * kBlock);
  EXPECT_EQ(Get("punched")[0], '\0');
  EXPECT_EQ(Get("opened"), "");

  Cut(Loss::kAll);

  EXPECT_EQ(Get("cut"), long_text);
  EXPECT_EQ(Get("grown"), "b");
  EXPECT_EQ(Get("punched"), long_text);
  EXPECT_EQ(Get("opened"), long_text);
}

TEST_F(PowerDiskTest, TakesDirectAndAppendedWrites) {
  Put("log", std::string(kBlock, 'a'), /*is_synced=*/true);
  With("log", O_RDWR | O_DIRECT, [&](int file) {
    void* const block = std::aligned_alloc(kBlock, kBlock);
    std::fill_n(static_cast<char*>(block), kBlock, 'b');
    EXPECT_EQ(pwrite(file, block, kBlock, kBlock), static_cast<ssize_t>(kBlock));
    EXPECT_EQ(fsync(file), 0);
    EXPECT_EQ(pwrite(file, block, kBlock, 0), static_cast<ssize_t>(kBlock));
    EXPECT_EQ(pread(file, block, kBlock, kBlock), static_cast<ssize_t>(kBlock));
    std::free(block);
  });
  With("log", O_WRONLY | O_APPEND, [&](int file) { EXPECT_EQ(write(file, "end", 3), 3); });
  EXPECT_EQ(Get("log"), std::string(2 * kBlock, 'b') + "end");

  Cut(Loss::kAll);

  EXPECT_EQ(Get("log"), std::string(kBlock, 'a') + std::string(kBlock, 'b'));
}

TEST_F(PowerDiskTest, SyncsAtOnceWhatWasOpenedForIt) {
  Put("log", "old", /*is_synced=*/true);
  With("log", O_WRONLY | O_DSYNC, [&](int file) { EXPECT_EQ(write(file, "new", 3), 3); });

  Cut(Loss::kAll);

  EXPECT_EQ(Get("log"), "new");
}

TEST_F(PowerDiskTest, TakesBackNamesThatWereNotSynced) {
  Put("removed", "1", /*is_synced=*/true);
  Put("renamed", "2", /*is_synced=*/true);
  Put("replaced", "3", /*is_synced=*/true);
  Put("new", "4", /*is_synced=*/false);
  EXPECT_EQ(unlink(Path("removed").c_str()), 0);
  EXPECT_EQ(rename(Path("renamed").c_str(), Path("replaced").c_str()), 0);
  EXPECT_EQ(mkdir(Path("folder").c_str(), 0700), 0);
  EXPECT_EQ(rename(Path("new").c_str(), Path("folder/new").c_str()), 0);

  const PowerCut cut = Cut(Loss::kAll);

  EXPECT_EQ(Get("removed"), "1");
  EXPECT_EQ(Get("renamed"), "2");
  EXPECT_EQ(Get("replaced"), "3");
  EXPECT_FALSE(IsThere("new"));
  EXPECT_FALSE(IsThere("folder"));
  EXPECT_EQ(cut.changes_undone, 5);
}

// A journal: who syncs a file makes all changes of names durable that came before its own last one.
TEST_F(PowerDiskTest, KeepsNamesAsFarAsAFileOrFolderWasSynced) {
  Put("first", "", /*is_synced=*/false);
  Put("second", "2", /*is_synced=*/true);
  Put("third", "", /*is_synced=*/false);
  EXPECT_EQ(mkdir(Path("folder").c_str(), 0700), 0);

  Cut(Loss::kAll);

  EXPECT_TRUE(IsThere("first"));
  EXPECT_EQ(Get("second"), "2");
  EXPECT_FALSE(IsThere("third"));
  EXPECT_FALSE(IsThere("folder"));

  EXPECT_EQ(unlink(Path("first").c_str()), 0);
  EXPECT_EQ(rename(Path("second").c_str(), Path("third").c_str()), 0);
  With("", O_RDONLY | O_DIRECTORY, [&](int folder) { EXPECT_EQ(fsync(folder), 0); });

  Cut(Loss::kAll);

  EXPECT_FALSE(IsThere("first"));
  EXPECT_FALSE(IsThere("second"));
  EXPECT_EQ(Get("third"), "2");
}

TEST_F(PowerDiskTest, TearsWhatWasNotSyncedAndNothingElse) {
  constexpr int kBlockCount = 64;
  Put("synced", std::string(kBlockCount * kBlock, 's'), /*is_synced=*/true);
  Put("torn", std::string(kBlockCount * kBlock, 'a'), /*is_synced=*/true);
  Put("torn", std::string(kBlockCount * kBlock, 'b'), /*is_synced=*/false);

  const PowerCut cut = Cut(Loss::kPart);

  EXPECT_EQ(Get("synced"), std::string(kBlockCount * kBlock, 's'));
  const std::string torn = Get("torn");
  ASSERT_EQ(torn.size(), kBlockCount * kBlock);
  int64_t kept_count = 0;
  for (int i = 0; i < kBlockCount; ++i) {
    const std::string block = torn.substr(i * kBlock, kBlock);
    EXPECT_EQ(block, std::string(kBlock, block[0])) << "a block is lost or left as one";
    kept_count += block[0] == 'b' ? 1 : 0;
  }
  EXPECT_GT(cut.blocks_kept, 0);
  EXPECT_GT(cut.blocks_dropped, 0);
  EXPECT_EQ(cut.blocks_kept, kept_count);
  EXPECT_EQ(cut.blocks_kept + cut.blocks_dropped, kBlockCount);
}

TEST_F(PowerDiskTest, KeepsAllThatWasSyncedAtLarge) {
  EXPECT_EQ(mkdir(Path("folder").c_str(), 0700), 0);
  Put("folder/file", "here", /*is_synced=*/false);
  const absl::Status synced = disk_->SyncAll();
  ASSERT_TRUE(synced.ok()) << synced;

  const PowerCut cut = Cut(Loss::kAll);

  EXPECT_EQ(Get("folder/file"), "here");
  EXPECT_EQ(cut.blocks_dropped + cut.changes_undone, 0);
}

}  // namespace
}  // namespace quartermaster::testing
