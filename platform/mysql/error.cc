#include "platform/mysql/error.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "platform/status/error.h"

namespace quartermaster::mysql {
namespace {

constexpr char kErrnoUrl[] = "quartermaster/mysql-errno";
constexpr char kKeyUrl[] = "quartermaster/mysql-key";
constexpr char kRunAgainUrl[] = "quartermaster/mysql-run-again";

constexpr int kDuplicateEntry = 1062;
constexpr int kLockWait = 1205;
constexpr int kContention[] = {1020, kLockWait, 1213};
constexpr int kStorageFull[] = {28, 1021, 1114};
constexpr int kCheckViolated[] = {3819, 4025};
// A value that does not fit its column.
constexpr int kDoesNotFit[] = {1264, 1406};
constexpr int kStatementTime[] = {1969, 3024};
// Too many connections, shutting down, killed.
constexpr int kServerGone[] = {1040, 1053, 1203, 1317, 1927};
// Not ready (Galera), read-only.
constexpr int kTakesNoWrites[] = {1047, 1290, 1836};

// Errors whose message quotes names of our schema or of our user and nothing else.
constexpr int kQuotesNamesOnly[] = {1044, 1045, 1046, 1048, 1049, 1050, 1054, 1060, 1061, 1091,
                                    1142, 1143, 1146, 1264, 1364, 1406, 1451, 1452, 3819, 4025};

template <size_t N>
bool Contains(const int (&set)[N], int errno_code) {
  return std::find(std::begin(set), std::end(set), errno_code) != std::end(set);
}

// The client library's own errors: refused, gone, lost, out of order, bad TLS.
bool IsClientError(int errno_code) { return errno_code >= 2000 && errno_code < 3000; }

// "Duplicate entry 'x' for key 'name'", and on MySQL 8 'table.name'. The value may hold anything,
// quotes included; the name is what stands last.
std::string KeyNameIn(absl::string_view message) {
  const size_t end = message.rfind('\'');
  if (end == absl::string_view::npos || end == 0) return "";
  const size_t begin = message.rfind('\'', end - 1);
  if (begin == absl::string_view::npos) return "";
  absl::string_view name = message.substr(begin + 1, end - begin - 1);
  const size_t dot = name.rfind('.');
  if (dot != absl::string_view::npos) name.remove_prefix(dot + 1);
  return std::string(name);
}

// Takes out everything from the first quote to the last.
std::string WithoutQuotes(absl::string_view message) {
  const size_t begin = message.find('\'');
  if (begin == absl::string_view::npos) return std::string(message);
  return absl::StrCat(message.substr(0, begin), "'...'", message.substr(message.rfind('\'') + 1));
}

absl::Status Classify(int errno_code, absl::string_view message) {
  const bool is_plain = BreaksConnection(errno_code) || Contains(kQuotesNamesOnly, errno_code);
  const std::string cause = absl::StrCat("MySQL error ", errno_code, ": ",
                                         is_plain ? std::string(message) : WithoutQuotes(message));
  if (Contains(kContention, errno_code)) {
    return status::MakeError(absl::StatusCode::kAborted,
                             "other work on the same records got in the way; repeat the call",
                             {.reason = "CONTENTION"});
  }
  if (Contains(kStorageFull, errno_code)) {
    return status::MakeError(absl::StatusCode::kResourceExhausted, "the database has no room left",
                             {.reason = "STORAGE_FULL"});
  }
  if (Contains(kStatementTime, errno_code)) {
    return status::DeadlineExceeded("a database statement was stopped at its time limit");
  }
  if (BreaksConnection(errno_code)) return status::StorageUnavailable(cause);
  return status::Internal(cause);
}

}  // namespace

absl::Status MakeMysqlError(int errno_code, absl::string_view message) {
  absl::Status status;
  if (errno_code == kDuplicateEntry) {
    const std::string key = KeyNameIn(message);
    status = status::Internal(absl::StrCat("MySQL error 1062: duplicate value for key ", key));
    status.SetPayload(kKeyUrl, absl::Cord(key));
  } else {
    status = Classify(errno_code, message);
  }
  status.SetPayload(kErrnoUrl, absl::Cord(absl::StrCat(errno_code)));
  return status;
}

int GetErrno(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kErrnoUrl);
  int errno_code = 0;
  if (payload.has_value() && !absl::SimpleAtoi(std::string(*payload), &errno_code)) return 0;
  return errno_code;
}

std::optional<std::string> DuplicateKeyName(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kKeyUrl);
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

absl::Status RunAgain(absl::string_view why) {
  absl::Status status = status::MakeError(
      absl::StatusCode::kAborted, absl::StrCat(why, "; repeat the call"), {.reason = "CONTENTION"});
  status.SetPayload(kRunAgainUrl, absl::Cord("1"));
  return status;
}

bool IsRunAgain(const absl::Status& status) {
  return status.GetPayload(kRunAgainUrl).has_value() || Contains(kContention, GetErrno(status));
}

bool MayBeOneRowsFault(const absl::Status& status) {
  const int errno_code = GetErrno(status);
  return errno_code == kDuplicateEntry || Contains(kDoesNotFit, errno_code) ||
         Contains(kCheckViolated, errno_code) || status.GetPayload(kRunAgainUrl).has_value();
}

bool IsLockWait(const absl::Status& status) { return GetErrno(status) == kLockWait; }

bool BreaksConnection(int errno_code) {
  return IsClientError(errno_code) || Contains(kServerGone, errno_code) ||
         Contains(kTakesNoWrites, errno_code);
}

bool LeavesCommitOpen(int errno_code) {
  return IsClientError(errno_code) || Contains(kServerGone, errno_code);
}

std::optional<Alert> FindAlert(int errno_code) {
  if (Contains(kCheckViolated, errno_code)) return Alert::kCheckViolated;
  if (Contains(kStorageFull, errno_code)) return Alert::kStorageFull;
  return std::nullopt;
}

}  // namespace quartermaster::mysql
