#include "qmctl/import/names.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace quartermaster::qmctl {
namespace {

constexpr Ends kEnds[] = {
    {.reason = pb::RECEIVE, .destination = pb::AVAILABLE},
    {.reason = pb::CONSUME, .source = pb::AVAILABLE, .destination = pb::CONSUMED},
    {.reason = pb::GIVE, .source = pb::AVAILABLE, .destination = pb::EXTERNAL},
    {.reason = pb::SELL, .source = pb::AVAILABLE, .destination = pb::SOLD},
    {.reason = pb::RELOCATE, .source = pb::AVAILABLE, .destination = pb::AVAILABLE},
    {.reason = pb::HOLD, .source = pb::AVAILABLE, .destination = pb::QUARANTINE},
    {.reason = pb::RELEASE, .source = pb::QUARANTINE, .destination = pb::AVAILABLE},
    {.reason = pb::SEND_BACK, .source = pb::AVAILABLE},
    {.reason = pb::WRITE_OFF, .source = pb::AVAILABLE},
    {.reason = pb::FIND, .source = pb::FOUND, .destination = pb::AVAILABLE},
    {.reason = pb::OPEN_BOOKS, .source = pb::OPENING, .destination = pb::AVAILABLE},
};

// Reads `{a}/{x}/{b}/{y}` or `{x}/{y}`.
std::optional<std::string> ParsePair(absl::string_view a, absl::string_view b,
                                     absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '/');
  if (parts.size() == 2 && IsId(parts[0]) && IsId(parts[1])) {
    return absl::StrCat(a, "/", parts[0], "/", b, "/", parts[1]);
  }
  if (parts.size() == 4 && parts[0] == a && IsId(parts[1]) && parts[2] == b && IsId(parts[3])) {
    return std::string(text);
  }
  return std::nullopt;
}

}  // namespace

bool IsId(absl::string_view text) {
  const auto is_inner = [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
  };
  return !text.empty() && text.size() <= 63 && absl::ascii_islower(text.front()) &&
         text.back() != '-' && std::ranges::all_of(text, is_inner);
}

std::optional<std::string> ParseName(absl::string_view collection, absl::string_view text) {
  const std::string prefix = absl::StrCat(collection, "/");
  const absl::string_view id = absl::StripPrefix(text, prefix);
  if (!IsId(id)) return std::nullopt;
  return absl::StrCat(prefix, id);
}

std::optional<std::string> ParsePlace(absl::string_view text) {
  return ParsePair("units", "locations", text);
}

std::optional<std::string> ParseLot(absl::string_view text) {
  return ParsePair("items", "lots", text);
}

std::string AddCollection(absl::string_view collection, absl::string_view text) {
  const std::string prefix = absl::StrCat(collection, "/");
  return absl::StartsWith(text, prefix) ? std::string(text) : absl::StrCat(prefix, text);
}

std::optional<Ends> FindEnds(pb::MovementReason reason) {
  const auto* found = std::ranges::find(kEnds, reason, &Ends::reason);
  if (found == std::end(kEnds)) return std::nullopt;
  return *found;
}

}  // namespace quartermaster::qmctl
