#include "tests/harness/checker/history.h"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "platform/base/check.h"

namespace quartermaster::testing {
namespace {

std::string Render(const AskedLine& line) {
  return absl::StrJoin({line.lot, line.source, absl::StrCat(line.source_state), line.destination,
                        absl::StrCat(line.destination_state), absl::StrCat(line.base_quantity)},
                       " ");
}

bool Parse(absl::string_view text, AskedLine& line) {
  const std::vector<std::string> parts = absl::StrSplit(text, ' ');
  if (parts.size() != 6) return false;
  line.lot = parts[0];
  line.source = parts[1];
  line.destination = parts[3];
  return absl::SimpleAtoi(parts[2], &line.source_state) &&
         absl::SimpleAtoi(parts[4], &line.destination_state) &&
         absl::SimpleAtoi(parts[5], &line.base_quantity);
}

// The file's lines, taken one after the other into what is known.
class HistoryReader {
 public:
  // False for a line that is not of the form.
  bool Take(absl::string_view text) {
    const std::vector<std::string> parts = absl::StrSplit(text, '\t');
    if (parts.size() < 3) return false;
    if (parts[0] == "asked") return TakeMovement(parts);
    if (parts[0] == "asked-change") return TakeChange(parts);
    const auto place = places_.find(parts[1]);
    if (place == places_.end()) return false;
    AskedRequest& request = place->second.is_movement ? history_.movements[place->second.index]
                                                      : history_.changes[place->second.index];
    if (request.outcome != AskedRequest::Outcome::kOpen) return false;
    if (parts[0] == "acknowledged") {
      request.outcome = AskedRequest::Outcome::kAcknowledged;
      request.answer = parts[2];
      return true;
    }
    request.outcome = AskedRequest::Outcome::kRefused;
    return parts[0] == "refused";
  }

  History TakeHistory() { return std::move(history_); }

 private:
  struct Place {
    bool is_movement;
    size_t index;
  };

  bool TakeMovement(const std::vector<std::string>& parts) {
    AskedMovement movement;
    movement.request_id = parts[1];
    movement.caller = parts[2];
    if (parts.size() < 5 || !absl::SimpleAtoi(parts[3], &movement.reason)) return false;
    for (size_t i = 4; i < parts.size(); ++i) {
      if (!Parse(parts[i], movement.lines.emplace_back())) return false;
    }
    const Place place = {true, history_.movements.size()};
    history_.movements.push_back(std::move(movement));
    return places_.emplace(parts[1], place).second;
  }

  bool TakeChange(const std::vector<std::string>& parts) {
    const Place place = {false, history_.changes.size()};
    history_.changes.push_back({.caller = parts[2], .request_id = parts[1]});
    return places_.emplace(parts[1], place).second;
  }

  History history_;
  std::map<std::string, Place> places_;
};

}  // namespace

HistoryWriter::HistoryWriter(const std::string& path)
    : file_(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
  QM_CHECK(file_ >= 0);
}

HistoryWriter::~HistoryWriter() { close(file_); }

void HistoryWriter::Asked(const AskedMovement& movement) {
  std::string line =
      absl::StrCat("asked\t", movement.request_id, "\t", movement.caller, "\t", movement.reason);
  for (const AskedLine& asked : movement.lines) absl::StrAppend(&line, "\t", Render(asked));
  Append(line);
}

void HistoryWriter::Asked(const AskedRequest& change) {
  Append(absl::StrCat("asked-change\t", change.request_id, "\t", change.caller));
}

void HistoryWriter::Acknowledged(absl::string_view request_id, absl::string_view answer) {
  Append(absl::StrCat("acknowledged\t", request_id, "\t", answer));
}

void HistoryWriter::Refused(absl::string_view request_id, absl::string_view reason) {
  Append(absl::StrCat("refused\t", request_id, "\t", reason));
}

void HistoryWriter::Append(const std::string& line) {
  const std::string text = line + "\n";
  base::MutexLock lock(&mutex_);
  QM_CHECK(write(file_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

absl::StatusOr<History> ReadHistory(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  HistoryReader reader;
  int64_t number = 0;
  for (std::string text; std::getline(file, text);) {
    ++number;
    if (!reader.Take(text)) {
      return absl::InvalidArgumentError(absl::StrCat(path, ":", number, ": ", text));
    }
  }
  return reader.TakeHistory();
}

}  // namespace quartermaster::testing
