#include <google/protobuf/descriptor.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "qmctl/commands/commands.h"
#include "qmctl/commands/lines.h"
#include "qmctl/import/names.h"
#include "quartermaster/inventory/v1/ledger.pb.h"

namespace quartermaster::qmctl {
namespace {

struct PostOptions {
  std::string reason;
  std::vector<std::string> lines;
  std::string place;
  std::string destination;
  std::string source_state;
  std::string destination_state;
  std::string occurred_time;
  std::string paper;
  std::string note;
  std::string request_id;
};

struct ReverseOptions {
  std::string movement;
  std::string note;
  std::string request_id;
};

// The names of the values that `is_meant`, parted by commas.
template <typename Predicate>
std::string NamesOf(const google::protobuf::EnumDescriptor& type, Predicate is_meant) {
  std::vector<std::string> names;
  for (int i = 1; i < type.value_count(); ++i) {
    if (is_meant(type.value(i)->number())) names.push_back(type.value(i)->name());
  }
  return absl::StrJoin(names, ", ");
}

// The reasons that a person may post for.
std::string NamesOfReasons() {
  return NamesOf(*pb::MovementReason_descriptor(), [](int number) {
    return FindEnds(static_cast<pb::MovementReason>(number)).has_value();
  });
}

// Why nothing can be posted for a reason of that name.
absl::Status ReasonNotToBePosted(const std::string& written, pb::MovementReason reason) {
  if (reason == pb::REVERSE) {
    return absl::InvalidArgumentError("a movement is reversed by: qmctl reverse MOVEMENT");
  }
  if (reason == pb::DISPATCH || reason == pb::ARRIVE) {
    return absl::InvalidArgumentError(
        absl::StrCat(written, " is posted by a transfer alone: qmctl transfer --help"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("there is no reason ", written, "; there are ", NamesOfReasons()));
}

absl::StatusOr<pb::AccountState> ChooseState(const std::string& written, pb::AccountState implied,
                                             const char* option) {
  if (written.empty() && implied != pb::ACCOUNT_STATE_UNSPECIFIED) return implied;
  pb::AccountState state = pb::ACCOUNT_STATE_UNSPECIFIED;
  if (pb::AccountState_Parse(written, &state)) return state;
  const std::string states =
      NamesOf(*pb::AccountState_descriptor(), [](int /*number*/) { return true; });
  return absl::InvalidArgumentError(
      written.empty()
          ? absl::StrCat(option, " is required for this reason: qmctl post --help")
          : absl::StrCat(option, ": there is no state ", written, "; there are ", states));
}

absl::Status ParseWhere(const PostOptions& options, pb::MovementLine& line) {
  pb::MovementReason reason = pb::MOVEMENT_REASON_UNSPECIFIED;
  pb::MovementReason_Parse(options.reason, &reason);
  const std::optional<Ends> found = FindEnds(reason);
  if (!found.has_value()) return ReasonNotToBePosted(options.reason, reason);
  const Ends& ends = *found;
  if (options.destination.empty() && reason == pb::RELOCATE) {
    return absl::InvalidArgumentError("RELOCATE needs --to, another location of the same unit");
  }
  const std::optional<std::string> place = ParsePlace(options.place);
  const std::optional<std::string> destination =
      options.destination.empty() ? place : ParsePlace(options.destination);
  if (!place.has_value() || !destination.has_value()) {
    return absl::InvalidArgumentError("a place is written UNIT/LOCATION, as east-bureau/store");
  }
  const absl::StatusOr<pb::AccountState> source_state =
      ChooseState(options.source_state, ends.source, "--source-state");
  if (!source_state.ok()) return source_state.status();
  const absl::StatusOr<pb::AccountState> destination_state =
      ChooseState(options.destination_state, ends.destination, "--destination-state");
  if (!destination_state.ok()) return destination_state.status();
  line.mutable_source()->set_location(*place);
  line.mutable_source()->set_state(*source_state);
  line.mutable_destination()->set_location(*destination);
  line.mutable_destination()->set_state(*destination_state);
  return absl::OkStatus();
}

absl::StatusOr<pb::PostMovementRequest> ParsePost(const PostOptions& options) {
  pb::PostMovementRequest request;
  pb::MovementLine where;
  if (const absl::Status status = ParseWhere(options, where); !status.ok()) return status;
  pb::MovementReason reason = pb::MOVEMENT_REASON_UNSPECIFIED;
  pb::MovementReason_Parse(options.reason, &reason);
  request.set_reason(reason);
  for (const std::string& word : options.lines) {
    absl::StatusOr<LotAmount> amount = ParseLotAmount(word);
    if (!amount.ok()) return amount.status();
    pb::MovementLine& line = *request.add_lines();
    line = where;
    line.set_lot(amount->lot);
    *line.mutable_quantity() = amount->quantity;
  }
  if (!options.paper.empty()) {
    absl::StatusOr<pb::SourceDocument> paper = ParsePaper(options.paper);
    if (!paper.ok()) return paper.status();
    *request.mutable_source_document() = *std::move(paper);
  }
  if (!options.occurred_time.empty()) {
    absl::StatusOr<google::protobuf::Timestamp> time = ParseOccurredTime(options.occurred_time);
    if (!time.ok()) return time.status();
    *request.mutable_occurred_time() = *std::move(time);
  }
  request.set_note(options.note);
  request.set_request_id(options.request_id.empty() ? MakeRequestId() : options.request_id);
  return request;
}

void PrintMovement(Session& session, const pb::Movement& movement) {
  Table table{.columns = {{.title = session.Say("movement", "记录")},
                          {.title = session.Say("line", "行"), .is_number = true},
                          {.title = session.Say("lot", "批次")},
                          {.title = session.Say("quantity", "数量"), .is_number = true},
                          {.title = session.Say("recorded", "入账时间")}}};
  for (const pb::MovementLine& line : movement.lines()) {
    table.rows.push_back({movement.name(), absl::StrCat(line.line()), Shorten(line.lot()),
                          absl::StrCat(line.base_quantity()), RenderTime(movement.record_time())});
  }
  session.Print(table, movement);
}

// When nobody knows what became of a write, the person needs its id to ask again.
void TellRequestId(const Session& session, const std::string& request_id) {
  if (session.exit_code != ExitCode::kUnreachable) return;
  std::cerr << session.Say("Same again: --request-id ", "再次执行：--request-id ") << request_id
            << "\n";
}

void RunPost(Session& session, const PostOptions& options) {
  const absl::StatusOr<pb::PostMovementRequest> request = ParsePost(options);
  if (!request.ok()) return session.FailUsage(request.status().message());
  pb::Movement movement;
  if (session.Call("quartermaster.inventory.v1.Ledger/PostMovement", *request, movement)) {
    PrintMovement(session, movement);
  } else {
    TellRequestId(session, request->request_id());
  }
}

void RunReverse(Session& session, const ReverseOptions& options) {
  pb::ReverseMovementRequest request;
  request.set_name(AddCollection("movements", options.movement));
  request.set_note(options.note);
  request.set_request_id(options.request_id.empty() ? MakeRequestId() : options.request_id);
  pb::Movement movement;
  if (session.Call("quartermaster.inventory.v1.Ledger/ReverseMovement", request, movement)) {
    PrintMovement(session, movement);
  } else {
    TellRequestId(session, request.request_id());
  }
}

}  // namespace

void AddPostings(CLI::App& app, Session& session) {
  auto post = std::make_shared<PostOptions>();
  CLI::App* command = app.add_subcommand("post",
                                         "post a movement, for instance: qmctl post CONSUME --at "
                                         "swat/store mask/supplier-2=50");
  command->add_option("reason", post->reason, NamesOfReasons())->required();
  command->add_option("lines", post->lines, "ITEM/LOT=AMOUNT[:UNIT], one or more")->required();
  command->add_option("--at", post->place, "where, UNIT/LOCATION")->required();
  command->add_option("--to", post->destination, "where to, for RELOCATE");
  command->add_option("--source-state", post->source_state,
                      "where goods come from, for RECEIVE: SUPPLIER, DONOR, MINISTRY_SOURCE, "
                      "PROVINCE_SOURCE, PEER; QUARANTINE for SEND_BACK and WRITE_OFF of what is "
                      "held back");
  command->add_option("--destination-state", post->destination_state,
                      "where they go, for WRITE_OFF: LOST, EXPIRED, DESTROYED; for SEND_BACK: "
                      "SUPPLIER, DONOR, MINISTRY_SOURCE, PROVINCE_SOURCE, PEER; QUARANTINE for "
                      "RECEIVE, FIND and OPEN_BOOKS of what must be inspected");
  command->add_option("--occurred-time", post->occurred_time,
                      "when it happened, as 2020-01-29T12:00:00+08:00; default now");
  command->add_option("--paper", post->paper, "ISSUER/NUMBER[/LINE] that it is entered from");
  command->add_option("--note", post->note, "a note beside it");
  command->add_option("--request-id", post->request_id, "of a call that is made again");
  command->callback([&session, post] { RunPost(session, *post); });

  auto reverse = std::make_shared<ReverseOptions>();
  command = app.add_subcommand("reverse", "post the opposite of a movement");
  command->add_option("movement", reverse->movement, "its name")->required();
  command->add_option("--note", reverse->note, "why")->required();
  command->add_option("--request-id", reverse->request_id, "of a call that is made again");
  command->callback([&session, reverse] { RunReverse(session, *reverse); });
}

}  // namespace quartermaster::qmctl
