#include "inventory-svc/api/fields.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace quartermaster::inventory {
namespace {

constexpr size_t kMeasureLengthMax = 32;
constexpr int kTitleLengthMax = 120;

bool IsMeasure(absl::string_view text) {
  return !text.empty() && text.size() <= kMeasureLengthMax && absl::ascii_islower(text[0]) &&
         std::ranges::all_of(text, [](unsigned char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
         });
}

bool IsIssuer(absl::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](unsigned char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '.' || c == '_' || c == '-';
  });
}

}  // namespace

std::string ParseMeasure(absl::string_view field, const std::string& value,
                         rpc::FieldErrors& errors) {
  if (!IsMeasure(value)) {
    errors.Add(field, absl::StrCat(rpc::Quoted(value), " is not of the form [a-z][a-z0-9-]{0,31}"));
  }
  return value;
}

Quantity ParseQuantity(absl::string_view path, const type::v1::Quantity& quantity,
                       rpc::FieldErrors& errors) {
  if (quantity.amount() < 1) {
    errors.Add(rpc::FieldPath(path, "amount"),
               absl::StrCat(quantity.amount(), " is not at least 1"));
  }
  if (!quantity.unit().empty()) {
    ParseMeasure(rpc::FieldPath(path, "unit"), quantity.unit(), errors);
  }
  return {.amount = quantity.amount(), .unit = quantity.unit()};
}

AsOf ParseAsOf(const type::v1::AsOf& as_of, rpc::FieldErrors& errors) {
  AsOf parsed;
  if (as_of.has_record_time()) {
    parsed.record_time = rpc::ParseTimestamp("as_of.record_time", as_of.record_time(), {}, errors);
  }
  if (as_of.has_occurred_time()) {
    parsed.occurred_time =
        rpc::ParseTimestamp("as_of.occurred_time", as_of.occurred_time(), {}, errors);
  }
  return parsed;
}

void RenderMoment(const Moment& moment, type::v1::SealedMoment& out) {
  out.set_sequence(moment.sequence);
  *out.mutable_closed_time() = rpc::RenderTimestamp(moment.closed_time);
}

std::string PositionBefore(const base::Uuid& id, const std::optional<Moment>& moment) {
  return moment.has_value() ? absl::StrCat(id.ToBytes(), moment->sequence) : id.ToBytes();
}

void ParsePosition(const std::string& position, base::Uuid& before,
                   std::optional<int64_t>& sequence) {
  constexpr size_t kIdSize = 16;
  int64_t number = 0;
  before = base::Uuid::FromBytes(position.substr(0, kIdSize)).value_or(base::Uuid());
  if (position.size() > kIdSize && absl::SimpleAtoi(position.substr(kIdSize), &number)) {
    sequence = number;
  }
}

Title ParseTitle(absl::string_view path, const type::v1::Title& title, rpc::FieldErrors& errors) {
  return {.zh = rpc::ParseText(rpc::FieldPath(path, "zh"), title.zh(),
                               {.length_min = 1, .length_max = kTitleLengthMax}, errors),
          .en = rpc::ParseText(rpc::FieldPath(path, "en"), title.en(),
                               {.length_max = kTitleLengthMax}, errors)};
}

void RenderTitle(const Title& title, type::v1::Title& out) {
  out.set_zh(title.zh);
  out.set_en(title.en);
}

SourceDocument ParseSourceDocument(const v1::SourceDocument& document, rpc::FieldErrors& errors) {
  if (!IsIssuer(document.issuer())) {
    errors.Add("source_document.issuer",
               absl::StrCat(rpc::Quoted(document.issuer()), " is not 1 to 64 of [a-z0-9._-]"));
  }
  // The database takes `7` and `7 ` for the same number.
  if (absl::StripAsciiWhitespace(document.number()) != document.number()) {
    errors.Add("source_document.number",
               absl::StrCat(rpc::Quoted(document.number()), " has blanks at an end"));
  }
  return {.issuer = document.issuer(),
          .number = rpc::ParseText("source_document.number", document.number(),
                                   {.length_min = 1, .length_max = 64}, errors),
          .line = static_cast<int32_t>(
              rpc::ParseInt("source_document.line", document.line(), 0, 1'000'000, errors))};
}

void RenderSourceDocument(const SourceDocument& document, v1::SourceDocument& out) {
  out.set_issuer(document.issuer);
  out.set_number(document.number);
  out.set_line(document.line);
}

}  // namespace quartermaster::inventory
