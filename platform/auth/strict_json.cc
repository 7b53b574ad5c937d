#include "platform/auth/strict_json.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"

namespace quartermaster::auth {

absl::StatusOr<nlohmann::json> ParseStrictJson(absl::string_view text, size_t depth_max) {
  using Json = nlohmann::json;
  // The names seen so far in each object that is open; empty sets stand for arrays.
  std::vector<absl::flat_hash_set<std::string>> open;
  bool is_too_deep = false;
  bool has_duplicate = false;
  const auto check = [&](int, Json::parse_event_t event, Json& parsed) {
    switch (event) {
      case Json::parse_event_t::object_start:
      case Json::parse_event_t::array_start:
        open.emplace_back();
        is_too_deep |= open.size() > depth_max;
        break;
      case Json::parse_event_t::key:
        has_duplicate |= !open.back().insert(parsed.get<std::string>()).second;
        break;
      case Json::parse_event_t::object_end:
      case Json::parse_event_t::array_end:
        open.pop_back();
        break;
      case Json::parse_event_t::value:
        break;
    }
    return true;
  };
  Json value = Json::parse(text.begin(), text.end(), check, /*allow_exceptions=*/false);
  if (is_too_deep) return absl::InvalidArgumentError("JSON is nested too deeply");
  if (has_duplicate) return absl::InvalidArgumentError("JSON names a member twice in one object");
  if (value.is_discarded()) return absl::InvalidArgumentError("not JSON");
  return value;
}

absl::string_view FindString(const nlohmann::json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_string()) return {};
  return member->get_ref<const std::string&>();
}

}  // namespace quartermaster::auth
