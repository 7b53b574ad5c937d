#include "qmctl/import/waves.h"

#include <algorithm>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

namespace quartermaster::qmctl {
namespace {

bool IsInside(pb::AccountState state) { return state < pb::SUPPLIER; }

std::string KeyOf(absl::string_view location, pb::AccountState state, absl::string_view lot) {
  return absl::StrCat(location, " ", static_cast<int>(state), " ", lot);
}

// The last wave that puts goods into each account.
class PutWaves {
 public:
  void Put(const std::string& account, int wave) {
    int& last = waves_.try_emplace(account, wave).first->second;
    last = std::max(last, wave);
  }
  // The first wave that may take from the account.
  int After(const std::string& account) const {
    const auto found = waves_.find(account);
    return found == waves_.end() ? 0 : found->second + 1;
  }

 private:
  absl::flat_hash_map<std::string, int> waves_;
};

void Assign(PlannedMovement& movement, PutWaves& puts) {
  movement.wave = 0;
  for (const pb::MovementLine& line : movement.request.lines()) {
    if (!IsInside(line.source().state())) continue;
    movement.wave =
        std::max(movement.wave,
                 puts.After(KeyOf(line.source().location(), line.source().state(), line.lot())));
  }
  for (const pb::MovementLine& line : movement.request.lines()) {
    puts.Put(KeyOf(line.destination().location(), line.destination().state(), line.lot()),
             movement.wave);
  }
}

void Assign(PlannedTransfer& transfer, PutWaves& puts) {
  transfer.wave = 0;
  const pb::CreateTransferRequest& request = transfer.request;
  for (const pb::TransferLine& line : request.lines()) {
    transfer.wave =
        std::max(transfer.wave, puts.After(KeyOf(request.source(), pb::AVAILABLE, line.lot())));
  }
  for (const pb::TransferLine& line : request.lines()) {
    for (const pb::AccountState state : {pb::AVAILABLE, pb::QUARANTINE}) {
      puts.Put(KeyOf(request.destination(), state, line.lot()), transfer.wave);
    }
  }
}

}  // namespace

void AssignWaves(Plan& plan) {
  PutWaves puts;
  plan.wave_count = 0;
  auto movement = plan.movements.begin();
  auto transfer = plan.transfers.begin();
  // Both lists are in the order of the file.
  while (movement != plan.movements.end() || transfer != plan.transfers.end()) {
    const bool is_movement =
        transfer == plan.transfers.end() ||
        (movement != plan.movements.end() && movement->origin.line < transfer->origin.line);
    int wave = 0;
    if (is_movement) {
      Assign(*movement, puts);
      wave = (movement++)->wave;
    } else {
      Assign(*transfer, puts);
      wave = (transfer++)->wave;
    }
    plan.wave_count = std::max(plan.wave_count, wave + 1);
  }
}

}  // namespace quartermaster::qmctl
