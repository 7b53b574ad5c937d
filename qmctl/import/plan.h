#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "google/protobuf/timestamp.pb.h"
#include "qmctl/io/csv.h"
#include "qmctl/io/problem.h"
#include "quartermaster/inventory/v1/catalog.pb.h"
#include "quartermaster/inventory/v1/ledger.pb.h"
#include "quartermaster/inventory/v1/transfers.pb.h"
#include "quartermaster/inventory/v1/units.pb.h"

// From rows to requests. Everything here is pure: the same file gives the same requests, request
// ids included, on any machine and for any caller.
namespace quartermaster::qmctl {

namespace pb = quartermaster::inventory::v1;

// Where in a file a request comes from.
struct Origin {
  std::string file;
  int64_t line = 0;
};

// One request with what a person needs to find its row.
template <typename Request>
struct Planned {
  Origin origin;
  Request request;
};

// An item, and how sources pack it.
struct PlannedItem {
  Origin origin;
  pb::CreateItemRequest request;
  std::vector<pb::DeclarePackRequest> packs;
};

// A paper's movement. All movements and transfers of one wave may be sent at once: whatever a
// movement takes from was put there by an earlier wave or was there before the import.
struct PlannedMovement {
  Origin origin;
  pb::PostMovementRequest request;
  // The file's line of each line of the movement.
  std::vector<int64_t> rows;
  int wave = 0;
};

// A paper that sends goods from one unit to another.
struct PlannedTransfer {
  // How far the import takes it; the rest is left for people to do.
  enum class Outcome { kDraft, kOnTheWay, kReceived };
  // What arrived otherwise than in good order, in the unit the line is written in.
  struct Receipt {
    int64_t damaged = 0;
    int64_t missing = 0;
  };

  Origin origin;
  pb::CreateTransferRequest request;
  // The file's line of each line of the transfer.
  std::vector<int64_t> rows;
  // `{issuer}/{number}` of the paper.
  std::string waybill;
  // When it was signed for; nothing if the file does not say.
  std::optional<google::protobuf::Timestamp> arrived_time;
  Outcome outcome = Outcome::kReceived;
  // One for each line.
  std::vector<Receipt> receipts;
  int wave = 0;
};

struct Plan {
  // Parents before children.
  std::vector<Planned<pb::CreateUnitRequest>> units;
  std::vector<Planned<pb::CreateLocationRequest>> locations;
  std::vector<PlannedItem> items;
  std::vector<Planned<pb::CreateLotRequest>> lots;
  std::vector<PlannedMovement> movements;
  std::vector<PlannedTransfer> transfers;
  // One more than the last wave of movements and transfers.
  int wave_count = 0;
};

// The kinds of file that can be imported, in the order in which a folder's are.
enum class FileKind { kUnits, kLocations, kItems, kLots, kMovements };

// Adds what a file says to `plan`. Every row that cannot be planned is a problem; what was added
// besides must then not be used.
void PlanFile(FileKind kind, const CsvFile& file, Plan& plan, std::vector<Problem>& problems);

// The files, one function each.
void PlanUnits(const CsvFile& file, Plan& plan, std::vector<Problem>& problems);
void PlanLocations(const CsvFile& file, Plan& plan, std::vector<Problem>& problems);
void PlanItems(const CsvFile& file, Plan& plan, std::vector<Problem>& problems);
void PlanLots(const CsvFile& file, Plan& plan, std::vector<Problem>& problems);
// Movements and transfers.
void PlanMovements(const CsvFile& file, Plan& plan, std::vector<Problem>& problems);

}  // namespace quartermaster::qmctl
