#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <random>
#include <set>
#include <string>

namespace quartermaster::testing {

// Loss is reckoned in blocks of this size: a disk writes them in any order, but each one whole.
inline constexpr off_t kBlockBytes = 4096;

// What a power cut did.
struct CutReport {
  int64_t blocks_dropped = 0;
  int64_t blocks_kept = 0;
  int64_t changes_undone = 0;
  int64_t changes_kept = 0;
};

// Remembers of a folder what was changed and not synced, so that it can be taken back. What it
// loses is what ext4 may lose with its default `data=ordered`:
//
// - Bytes and sizes are durable by a sync of their file and by nothing else: not by closing it, not
//   by syncing its neighbor. A disk writes in any order, so of what was not synced any block may be
//   left new or old, what lay behind the old end may be zeros, and the size is the old one or the
//   new.
// - Names, what was created, renamed and removed, are a journal: durable in their order, as far as
//   the last change that has to do with a file or folder that is synced. ext4 writes a transaction
//   at a time and so keeps this much or more.
// - Owners, modes and times are not looked after: they are durable at once.
//
// Whoever changes bytes says so here first; names are changed here. Functions return 0, or a
// negative errno. Not thread-safe.
class Unsynced {
 public:
  // The changing folder is `folder`/tree; `folder`/removed keeps what may have to come back.
  explicit Unsynced(std::string folder);

  // To be called before the bytes of the open file change, or before its size does.
  int WillWrite(int file, off_t offset, off_t size);
  int WillResize(int file, off_t size);

  // Return the open file of a name that was not there.
  int Create(const std::string& path, int flags, mode_t mode);
  int MakeFolder(const std::string& path, mode_t mode);
  int Rename(const std::string& from, const std::string& to);
  // Of a file or an empty folder.
  int Remove(const std::string& path);

  // Makes the file's bytes durable, and all names as far as the last change that has to do with it.
  // A folder's likewise.
  int Sync(int file);

  // Takes back what was not synced: all of it; or, if `tears`, what `random` picks of the blocks
  // and the last so many changes of names.
  CutReport Cut(bool tears, std::mt19937_64& random);

 private:
  struct File {
    int file;
    off_t durable_size;
    // By number; what lay behind the end is not kept and comes back as zeros.
    std::map<off_t, std::string> blocks_before;
  };
  // A change of names.
  struct Change {
    std::set<ino_t> concerns;
    std::function<void()> undo;
    // Goes for good when the change becomes durable; empty: nothing.
    std::string removed;
  };

  File* Changing(int file);
  static int Keep(File& file, off_t offset, off_t end);
  // Moves the file or folder to where it can be brought back from.
  int PutAside(const std::string& path, std::string& aside);
  void Forget(const Change& change);
  void CutFile(File& file, bool tears, std::mt19937_64& random, CutReport& report);

  const std::string removed_folder_;
  int64_t removed_count_ = 0;
  std::map<ino_t, File> files_;
  std::list<Change> changes_;
};

}  // namespace quartermaster::testing
