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

// Takes one line of the file into what is known.
bool Take(absl::string_view text, std::vector<AskedMovement>& movements,
          std::map<std::string, size_t>& places) {
  const std::vector<std::string> parts = absl::StrSplit(text, '\t');
  if (parts.size() < 3) return false;
  if (parts[0] == "asked") {
    AskedMovement movement{.request_id = parts[1], .reason = 0};
    if (parts.size() < 5 || !absl::SimpleAtoi(parts[3], &movement.reason)) return false;
    movement.caller = parts[2];
    for (size_t i = 4; i < parts.size(); ++i) {
      if (!Parse(parts[i], movement.lines.emplace_back())) return false;
    }
    if (!places.emplace(movement.request_id, movements.size()).second) return false;
    movements.push_back(std::move(movement));
    return true;
  }
  const auto place = places.find(parts[1]);
  if (place == places.end()) return false;
  AskedMovement& movement = movements[place->second];
  if (movement.outcome != AskedMovement::Outcome::kOpen) return false;
  if (parts[0] == "acknowledged") {
    movement.outcome = AskedMovement::Outcome::kAcknowledged;
    movement.movement = parts[2];
    return true;
  }
  movement.outcome = AskedMovement::Outcome::kRefused;
  return parts[0] == "refused";
}

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

void HistoryWriter::Acknowledged(absl::string_view request_id, absl::string_view movement) {
  Append(absl::StrCat("acknowledged\t", request_id, "\t", movement));
}

void HistoryWriter::Refused(absl::string_view request_id, absl::string_view reason) {
  Append(absl::StrCat("refused\t", request_id, "\t", reason));
}

void HistoryWriter::Append(const std::string& line) {
  const std::string text = line + "\n";
  absl::MutexLock lock(&mutex_);
  QM_CHECK(write(file_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

absl::StatusOr<std::vector<AskedMovement>> ReadHistory(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  std::vector<AskedMovement> movements;
  std::map<std::string, size_t> places;
  int64_t number = 0;
  for (std::string text; std::getline(file, text);) {
    ++number;
    if (!Take(text, movements, places)) {
      return absl::InvalidArgumentError(absl::StrCat(path, ":", number, ": ", text));
    }
  }
  return movements;
}

}  // namespace quartermaster::testing
