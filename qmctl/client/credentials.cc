#include "qmctl/client/credentials.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/base/status_macros.h"
#include "qmctl/io/file.h"

namespace quartermaster::qmctl {
namespace {

// What `./quartermaster up` leaves in the checkout: the demo's persons, each with a token.
constexpr char kPersonsFile[] = ".quartermaster/demo/persons.json";

// Returns the file in the current folder or the nearest one above it; empty if there is none.
std::string FindPersonsFile() {
  std::error_code error;
  std::filesystem::path folder = std::filesystem::current_path(error);
  while (!error && !folder.empty()) {
    const std::filesystem::path file = folder / kPersonsFile;
    if (std::filesystem::exists(file, error)) return file.string();
    if (folder == folder.parent_path()) break;
    folder = folder.parent_path();
  }
  return "";
}

absl::StatusOr<std::string> ReadPersonsToken(const std::string& person) {
  const std::string path = FindPersonsFile();
  if (path.empty()) {
    return absl::NotFoundError(absl::StrCat("--as needs the demo: there is no ", kPersonsFile,
                                            " here or above; ./quartermaster up"));
  }
  QM_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  const nlohmann::json persons = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!persons.is_array()) return absl::InternalError(path + " is not a list of persons");
  std::vector<std::string> subjects;
  for (const nlohmann::json& entry : persons) {
    if (!entry.is_object() || !entry.contains("subject") || !entry["subject"].is_string()) continue;
    subjects.push_back(entry["subject"].get<std::string>());
    if (subjects.back() == person && entry.contains("token") && entry["token"].is_string()) {
      return entry["token"].get<std::string>();
    }
  }
  return absl::NotFoundError(absl::StrCat("the demo has nobody called ", person, "; there are ",
                                          absl::StrJoin(subjects, ", ")));
}

}  // namespace

absl::StatusOr<std::string> ReadToken(const TokenSource& source) {
  if (!source.file.empty()) {
    QM_ASSIGN_OR_RETURN(const std::string text, ReadFile(source.file));
    return std::string(absl::StripAsciiWhitespace(text));
  }
  if (!source.person.empty()) return ReadPersonsToken(source.person);
  return std::string(absl::StripAsciiWhitespace(source.token));
}

}  // namespace quartermaster::qmctl
