#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/harness/process.h"

namespace quartermaster::testing {

// What qm-power-fs says of a power cut: see `CutReport`.
struct PowerCut {
  int64_t blocks_dropped = 0;
  int64_t blocks_kept = 0;
  int64_t changes_undone = 0;
  int64_t changes_kept = 0;
};

// A folder on a disk whose power can be cut. Everything is in a private directory that goes with
// this object. Not thread-safe; `Start` it on a thread that lives as long as it does.
class PowerDisk {
 public:
  // What power cuts leave by chance is drawn from `seed`. UNAVAILABLE says what is missing if this
  // machine cannot mount it.
  static absl::StatusOr<std::unique_ptr<PowerDisk>> Start(uint64_t seed);
  ~PowerDisk();
  PowerDisk(const PowerDisk&) = delete;
  PowerDisk& operator=(const PowerDisk&) = delete;

  // What is written there and not synced is lost by a power cut.
  const std::string& folder() const { return folder_; }

  // Whether a power cut takes all that was not synced, or leaves a part of it.
  enum class Loss { kAll, kPart };
  // Cuts the power, and brings the disk back with what is left. Whoever has a file open there has
  // lost it.
  absl::StatusOr<PowerCut> Cut(Loss loss);
  // Makes all that is there durable.
  absl::Status SyncAll();

 private:
  explicit PowerDisk(uint64_t seed) : seed_(seed) {}
  absl::Status SwitchOn();

  uint64_t seed_;
  std::string directory_;
  std::string folder_;
  std::string log_file_;
  std::optional<Process> process_;
};

}  // namespace quartermaster::testing
