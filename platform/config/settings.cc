#include "platform/config/settings.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <numeric>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "platform/base/check.h"

namespace quartermaster::config {
namespace {

// A misspelling changes a letter or two; more than that is another word.
constexpr size_t kNearDistanceMax = 3;

// Returns how many letters must be added, dropped or replaced to make `a` out of `b`.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string RangeOf(const IntBounds& bounds) {
  const bool has_min = bounds.min != std::numeric_limits<int64_t>::min();
  const bool has_max = bounds.max != std::numeric_limits<int64_t>::max();
  std::string range;
  if (has_min && has_max) {
    range = absl::StrCat(bounds.min, " to ", bounds.max);
  } else if (has_min) {
    range = absl::StrCat("at least ", bounds.min);
  } else if (has_max) {
    range = absl::StrCat("at most ", bounds.max);
  } else {
    range = "a whole number";
  }
  if (!bounds.unit.empty()) absl::StrAppend(&range, " ", bounds.unit);
  return range;
}

std::string RangeOf(const TextBounds& bounds, absl::string_view otherwise) {
  std::string range =
      bounds.choices.empty() ? std::string(otherwise) : absl::StrJoin(bounds.choices, ", ");
  if (bounds.is_required) absl::StrAppend(&range, " (required)");
  return range;
}

std::string CellOf(absl::string_view text) { return absl::StrReplaceAll(text, {{"|", "\\|"}}); }

}  // namespace

Environment ReadEnvironment() {
  Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const absl::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals == absl::string_view::npos) continue;
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

const std::string* Settings::Declare(absl::string_view name, std::string default_value,
                                     std::string range, absl::string_view help) {
  QM_CHECK(!help.empty());
  QM_CHECK(std::ranges::none_of(declared_, [&](const Declared& d) { return d.name == name; }));
  declared_.push_back(
      {std::string(name), std::move(default_value), std::move(range), std::string(help)});
  const auto found = environment_.find(std::string(name));
  return found == environment_.end() || found->second.empty() ? nullptr : &found->second;
}

void Settings::AddMistake(absl::string_view name, absl::string_view what) {
  mistakes_.push_back(absl::StrCat(name, ": ", what));
}

void Settings::ReadInt(absl::string_view name, int64_t* value, const IntBounds& bounds) {
  const std::string range = RangeOf(bounds);
  const std::string* text = Declare(name, absl::StrCat(*value), range, bounds.help);
  if (text == nullptr) return;
  int64_t number;
  if (!absl::SimpleAtoi(*text, &number) || number < bounds.min || number > bounds.max) {
    AddMistake(name, absl::StrCat("\"", *text, "\" is not a whole number in the range: ", range));
    return;
  }
  *value = number;
}

void Settings::Duration(absl::string_view name, absl::Duration* value, DurationBounds bounds) {
  const std::string range =
      absl::StrCat(absl::FormatDuration(bounds.min), " to ", absl::FormatDuration(bounds.max));
  const std::string* text = Declare(name, absl::FormatDuration(*value), range, bounds.help);
  if (text == nullptr) return;
  absl::Duration duration;
  if (!absl::ParseDuration(*text, &duration)) {
    AddMistake(name,
               absl::StrCat("\"", *text, "\" is not a span of time such as 250ms, 10s or 1h30m (",
                            range, ")"));
  } else if (duration < bounds.min || duration > bounds.max) {
    AddMistake(name, absl::StrCat("\"", *text, "\" is out of range: ", range));
  } else {
    *value = duration;
  }
}

void Settings::Bool(absl::string_view name, bool* value, absl::string_view help) {
  const std::string* text = Declare(name, *value ? "true" : "false", "true, false", help);
  if (text == nullptr) return;
  if (*text != "true" && *text != "false") {
    AddMistake(name, absl::StrCat("\"", *text, "\" is neither true nor false"));
    return;
  }
  *value = *text == "true";
}

void Settings::CheckText(absl::string_view name, const std::string& value, const TextBounds& bounds,
                         bool is_secret) {
  if (value.empty()) {
    if (bounds.is_required) AddMistake(name, "is not set, and there is no default");
    return;
  }
  if (bounds.choices.empty() || std::ranges::find(bounds.choices, value) != bounds.choices.end()) {
    return;
  }
  AddMistake(name, absl::StrCat(is_secret ? "the value" : absl::StrCat("\"", value, "\""),
                                " is not one of: ", absl::StrJoin(bounds.choices, ", ")));
}

void Settings::String(absl::string_view name, std::string* value, TextBounds bounds) {
  const std::string* text = Declare(name, *value, RangeOf(bounds, "text"), bounds.help);
  const std::string candidate = text == nullptr ? *value : *text;
  const size_t mistake_count = mistakes_.size();
  CheckText(name, candidate, bounds, /*is_secret=*/false);
  if (mistakes_.size() == mistake_count) *value = candidate;
}

void Settings::Path(absl::string_view name, std::string* value, TextBounds bounds) {
  const std::string* text = Declare(name, *value, RangeOf(bounds, "a path"), bounds.help);
  if (text != nullptr) *value = *text;
  CheckText(name, *value, bounds, /*is_secret=*/false);
}

void Settings::Secret(absl::string_view name, std::string* value, TextBounds bounds) {
  const std::string file_name = absl::StrCat(name, "_FILE");
  const std::string* text =
      Declare(name, value->empty() ? "" : "(secret)", RangeOf(bounds, "a secret"), bounds.help);
  const std::string* path =
      Declare(file_name, "", "a path", absl::StrCat("A file that holds ", name, "."));
  if (text != nullptr && path != nullptr) {
    AddMistake(name, absl::StrCat("is set, and so is ", file_name, ": set one of them"));
    return;
  }
  if (text != nullptr) *value = *text;
  if (path != nullptr) {
    std::ifstream file(*path, std::ios::binary);
    std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file) {
      AddMistake(file_name, absl::StrCat("\"", *path, "\" cannot be read"));
      return;
    }
    if (!content.empty() && content.back() == '\n') content.pop_back();
    *value = std::move(content);
  }
  CheckText(name, *value, bounds, /*is_secret=*/true);
}

std::vector<std::string> Settings::UnknownVariables() const {
  std::vector<std::string> unknown;
  for (const auto& [name, value] : environment_) {
    if (!absl::StartsWith(name, prefix_)) continue;
    if (std::ranges::none_of(declared_, [&](const Declared& d) { return d.name == name; })) {
      unknown.push_back(name);
    }
  }
  return unknown;
}

absl::Status Settings::Check() const {
  std::vector<std::string> mistakes = mistakes_;
  for (const std::string& name : UnknownVariables()) {
    const auto nearest = std::ranges::min_element(
        declared_, {}, [&](const Declared& d) { return EditDistance(d.name, name); });
    if (nearest != declared_.end() && EditDistance(nearest->name, name) <= kNearDistanceMax) {
      mistakes.push_back(
          absl::StrCat(name, ": there is no such setting; did you mean ", nearest->name, "?"));
    }
  }
  if (mistakes.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the settings are wrong:\n  ", absl::StrJoin(mistakes, "\n  ")));
}

std::string Settings::PrintSettings() const {
  std::string table =
      "| Variable | Default | Range | What it is for |\n"
      "|---|---|---|---|\n";
  for (const Declared& declared : declared_) {
    const std::string default_cell =
        declared.default_value.empty() ? "" : absl::StrCat("`", declared.default_value, "`");
    absl::StrAppend(&table, "| `", declared.name, "` | ", CellOf(default_cell), " | ",
                    CellOf(declared.range), " | ", CellOf(declared.help), " |\n");
  }
  return table;
}

}  // namespace quartermaster::config
