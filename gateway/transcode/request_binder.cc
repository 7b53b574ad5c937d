#include "gateway/transcode/request_binder.h"

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gateway/transcode/json_reader.h"
#include "gateway/transcode/nearest.h"
#include "gateway/transcode/percent.h"
#include "gateway/transcode/well_known.h"
#include "platform/base/check.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"

namespace quartermaster::gateway {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using status::FieldViolation;

constexpr size_t kParametersMax = 100;

// A field inside a message, with the message that holds it.
struct Place {
  Message* holder = nullptr;
  const FieldDescriptor* field = nullptr;
};

const FieldDescriptor* FindField(const Descriptor& type, absl::string_view name) {
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->name() == name || type.field(i)->json_name() == name) return type.field(i);
  }
  return nullptr;
}

std::string UnknownParameter(const Descriptor& type, absl::string_view name) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  const std::string nearest = NearestOf(name, names);
  if (!nearest.empty()) return absl::StrCat("no such parameter; did you mean \"", nearest, "\"?");
  if (names.empty()) return "no such parameter; there are none here";
  return absl::StrCat("no such parameter; there are ", absl::StrJoin(names, ", "));
}

// Binds the query's parameters, collecting what is wrong with each.
class QueryBinder {
 public:
  QueryBinder(Message& request, const RouteMatch& match) : request_(request) {
    for (const auto& [field_path, value] : match.variables) bound_by_path_.insert(field_path);
  }

  std::vector<FieldViolation> Bind(absl::string_view query) {
    const std::vector<absl::string_view> parameters =
        absl::StrSplit(query, absl::MaxSplits('&', kParametersMax), absl::SkipEmpty());
    if (parameters.size() > kParametersMax) {
      return {{"query", absl::StrCat("more than ", kParametersMax, " parameters")}};
    }
    for (const absl::string_view parameter : parameters) BindOne(parameter);
    return std::move(violations_);
  }

 private:
  void Blame(absl::string_view name, absl::string_view what) {
    violations_.push_back({std::string(name), std::string(what)});
  }

  void BindOne(absl::string_view parameter) {
    const std::pair<absl::string_view, absl::string_view> halves =
        absl::StrSplit(parameter, absl::MaxSplits('=', 1));
    const std::optional<std::string> name = PercentDecode(halves.first, /*plus_is_space=*/true);
    const std::optional<std::string> value = PercentDecode(halves.second, /*plus_is_space=*/true);
    if (!name.has_value() || !value.has_value()) {
      Blame(name.value_or("query"), absl::StrCat("\"", absl::CHexEscape(parameter.substr(0, 60)),
                                                 "\" is not percent-encoded UTF-8 text"));
      return;
    }
    std::string field_path;
    const std::optional<Place> place = Find(*name, field_path);
    if (!place.has_value()) return;
    if (bound_by_path_.contains(field_path)) {
      Blame(field_path, "is given by the path already");
      return;
    }
    if (!seen_.insert(field_path).second && !place->field->is_repeated()) {
      Blame(field_path, "is given twice");
      return;
    }
    if (const absl::Status set = Set(*place, *value); !set.ok()) {
      Blame(field_path, set.message());
    }
  }

  std::optional<Place> Find(absl::string_view name, std::string& field_path) {
    Place place{.holder = &request_};
    for (const absl::string_view part : absl::StrSplit(name, '.')) {
      if (place.field != nullptr) {
        if (place.field->is_repeated() || place.field->message_type() == nullptr ||
            WellKnownOf(*place.field->message_type()) != WellKnown::kNone) {
          Blame(name, absl::StrCat(field_path, " has no fields that a parameter could set"));
          return std::nullopt;
        }
        place.holder = place.holder->GetReflection()->MutableMessage(place.holder, place.field);
        field_path += '.';
      }
      const Descriptor& type = *place.holder->GetDescriptor();
      place.field = FindField(type, part);
      if (place.field == nullptr) {
        Blame(name, UnknownParameter(type, part));
        return std::nullopt;
      }
      field_path += place.field->name();
    }
    return place;
  }

  static absl::Status Set(const Place& place, absl::string_view value) {
    if (place.field->message_type() != nullptr && !place.field->is_repeated()) {
      const WellKnown kind = WellKnownOf(*place.field->message_type());
      if (kind == WellKnown::kTimestamp || kind == WellKnown::kDuration) {
        return SetTextForm(
            kind, value, *place.holder->GetReflection()->MutableMessage(place.holder, place.field));
      }
    }
    return SetFromText(*place.field, value, *place.holder);
  }

  Message& request_;
  std::set<std::string> bound_by_path_;
  std::set<std::string> seen_;
  std::vector<FieldViolation> violations_;
};

// The route table has checked that the path leads to a singular string.
Place FollowPath(Message& request, absl::string_view field_path) {
  Place place{.holder = &request};
  for (const absl::string_view part : absl::StrSplit(field_path, '.')) {
    if (place.field != nullptr) {
      place.holder = place.holder->GetReflection()->MutableMessage(place.holder, place.field);
    }
    place.field = place.holder->GetDescriptor()->FindFieldByName(std::string(part));
    QM_CHECK(place.field != nullptr);
  }
  return place;
}

std::vector<FieldViolation> BindPath(const RouteMatch& match, Message& request) {
  std::vector<FieldViolation> violations;
  for (const auto& [field_path, value] : match.variables) {
    const Place place = FollowPath(request, field_path);
    const auto& reflection = *place.holder->GetReflection();
    const std::string in_body = reflection.GetString(*place.holder, place.field);
    if (!in_body.empty() && in_body != value) {
      violations.push_back({field_path, absl::StrCat("is \"", in_body, "\" in the body and \"",
                                                     value, "\" in the path")});
    }
    reflection.SetString(place.holder, place.field, value);
  }
  return violations;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Message>> BindRequest(const RouteMatch& match,
                                                     absl::string_view query,
                                                     absl::string_view body) {
  const Descriptor* type = match.route->method->input_type();
  std::unique_ptr<Message> request(MessageFactory::generated_factory()->GetPrototype(type)->New());
  std::vector<FieldViolation> violations;
  if (match.route->has_body) {
    if (!query.empty()) {
      return status::InvalidFields(
          {{"query", "this method takes its fields in the body, not as parameters"}});
    }
    if (!body.empty()) QM_RETURN_IF_ERROR(ReadJson(body, *request));
    violations = BindPath(match, *request);
  } else {
    if (!body.empty()) {
      return status::InvalidFields(
          {{"body", "this method takes its fields as parameters, not in a body"}});
    }
    violations = QueryBinder(*request, match).Bind(query);
    BindPath(match, *request);
  }
  if (!violations.empty()) return status::InvalidFields(std::move(violations));
  return request;
}

}  // namespace quartermaster::gateway
