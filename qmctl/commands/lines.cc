#include "qmctl/commands/lines.h"

#include <algorithm>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "qmctl/import/names.h"

namespace quartermaster::qmctl {
namespace {

bool ParseAmount(absl::string_view text, int64_t& amount) {
  return !text.empty() && text.find_first_not_of("0123456789") == absl::string_view::npos &&
         absl::SimpleAtoi(text, &amount);
}

}  // namespace

absl::StatusOr<type::v1::Quantity> ParseQuantity(absl::string_view word) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(word, absl::MaxSplits(':', 1));
  int64_t amount = 0;
  if (!ParseAmount(parts.first, amount) || amount < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", word, "\": write AMOUNT or AMOUNT:UNIT, for instance 30:pair"));
  }
  type::v1::Quantity quantity;
  quantity.set_amount(amount);
  quantity.set_unit(std::string(parts.second));
  return quantity;
}

absl::StatusOr<LotAmount> ParseLotAmount(absl::string_view word) {
  const std::pair<absl::string_view, absl::string_view> sides =
      absl::StrSplit(word, absl::MaxSplits('=', 1));
  const std::optional<std::string> lot = ParseLot(sides.first);
  const absl::StatusOr<type::v1::Quantity> quantity = ParseQuantity(sides.second);
  if (!lot.has_value() || !quantity.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", word, "\": write ITEM/LOT=AMOUNT or ITEM/LOT=AMOUNT:UNIT, for instance ",
                     "gloves/supplier-2=30:pair"));
  }
  return LotAmount{.lot = *lot, .quantity = *quantity};
}

absl::StatusOr<LineAmounts> ParseLineAmounts(absl::string_view word,
                                             const std::vector<std::string>& names) {
  const absl::Status error = absl::InvalidArgumentError(
      absl::StrCat("\"", word, "\": write LINE:", absl::StrJoin(names, "=N,"), "=N"));
  const std::pair<absl::string_view, absl::string_view> sides =
      absl::StrSplit(word, absl::MaxSplits(':', 1));
  LineAmounts result;
  int64_t line = 0;
  if (!ParseAmount(sides.first, line) || line < 1 || line > 200) return error;
  result.line = static_cast<int>(line);
  for (const absl::string_view part : absl::StrSplit(sides.second, ',')) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    int64_t amount = 0;
    const bool is_known = std::ranges::find(names, pair.first) != names.end();
    if (!is_known || !ParseAmount(pair.second, amount)) return error;
    if (!result.amounts.emplace(std::string(pair.first), amount).second) return error;
  }
  if (result.amounts.empty()) return error;
  return result;
}

absl::StatusOr<inventory::v1::SourceDocument> ParsePaper(absl::string_view word) {
  const std::vector<std::string> parts = absl::StrSplit(word, '/');
  int32_t line = 0;
  if (parts.size() < 2 || parts.size() > 3 ||
      (parts.size() == 3 && !absl::SimpleAtoi(parts[2], &line))) {
    return absl::InvalidArgumentError("--paper is written ISSUER/NUMBER or ISSUER/NUMBER/LINE");
  }
  inventory::v1::SourceDocument paper;
  paper.set_issuer(parts[0]);
  paper.set_number(parts[1]);
  paper.set_line(line);
  return paper;
}

absl::StatusOr<google::protobuf::Timestamp> ParseOccurredTime(absl::string_view word) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, word, &time, &error)) {
    return absl::InvalidArgumentError("--occurred-time is written 2020-01-29T12:00:00+08:00");
  }
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(absl::ToUnixSeconds(time));
  return timestamp;
}

std::string RenderTime(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0 && time.nanos() == 0) return "";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(time.seconds()),
                          absl::LocalTimeZone());
}

std::string Shorten(absl::string_view name) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  if (parts.size() == 2) return std::string(parts[1]);
  if (parts.size() == 4) return absl::StrCat(parts[1], "/", parts[3]);
  return std::string(name);
}

}  // namespace quartermaster::qmctl
