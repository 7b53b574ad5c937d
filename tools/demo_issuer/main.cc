// qm-demo-issuer: keys, certificates, persons and tokens of the demo. See README.md.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "platform/auth/roles.h"
#include "platform/base/status_macros.h"
#include "tools/demo_issuer/demo_keys.h"
#include "tools/demo_issuer/demo_persons.h"
#include "tools/demo_issuer/demo_pki.h"

namespace quartermaster::demo {
namespace {

constexpr char kBanner[] =
    "DEMO: anyone can make these. Never use them where anything real is kept.";

// What the command line asked for.
struct Arguments {
  std::string folder;
  std::string subject;
  std::string person;
  std::vector<std::string> grants;
  std::string lifetime = "12h";
  bool as_json = false;
};

absl::StatusOr<absl::Duration> ParseLifetime(const std::string& text) {
  absl::Duration lifetime;
  if (!absl::ParseDuration(text, &lifetime)) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not a duration like 12h"));
  }
  return lifetime;
}

absl::Status PrintToken(const Arguments& arguments) {
  std::string subject = arguments.subject;
  std::vector<auth::RoleGrant> grants;
  if (!arguments.person.empty()) {
    const Person* person = FindPerson(arguments.person);
    if (person == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("there is no demo person ", arguments.person,
                                                     "; `persons` lists who there is"));
    }
    subject = person->subject;
    grants = person->grants;
  }
  for (const std::string& text : arguments.grants) {
    QM_ASSIGN_OR_RETURN(auth::RoleGrant grant, auth::ParseRoleAtUnit(text));
    grants.push_back(std::move(grant));
  }
  QM_ASSIGN_OR_RETURN(const absl::Duration lifetime, ParseLifetime(arguments.lifetime));
  QM_ASSIGN_OR_RETURN(const std::string token,
                      MakeToken(arguments.folder, subject, grants, lifetime, absl::Now()));
  std::cout << token << "\n";
  return absl::OkStatus();
}

absl::Status PrintPersons(const Arguments& arguments) {
  QM_ASSIGN_OR_RETURN(const absl::Duration lifetime, ParseLifetime(arguments.lifetime));
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Person& person : Persons()) {
    std::vector<std::string> grants;
    std::vector<std::string> titles;
    for (const auth::RoleGrant& grant : person.grants) {
      grants.push_back(absl::StrCat(grant.role, "@", grant.unit));
      titles.push_back(auth::Roles::BuiltIn().Find(grant.role)->title_zh);
    }
    nlohmann::ordered_json entry = {{"subject", person.subject},
                                    {"nameZh", person.name_zh},
                                    {"nameEn", person.name_en},
                                    {"title", absl::StrJoin(titles, "、")},
                                    {"grants", grants}};
    if (!arguments.folder.empty()) {
      QM_ASSIGN_OR_RETURN(entry["token"], MakeToken(arguments.folder, person.subject, person.grants,
                                                    lifetime, absl::Now()));
    }
    if (!arguments.as_json) {
      std::cout << person.subject << "\t" << person.name_zh << "\t" << person.name_en << "\t"
                << absl::StrJoin(titles, "、") << "\t" << absl::StrJoin(grants, ",");
      if (entry.contains("token")) std::cout << "\t" << entry["token"].get<std::string>();
      std::cout << "\n";
    }
    list.push_back(std::move(entry));
  }
  if (arguments.as_json) std::cout << list.dump(2) << "\n";
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  CLI::App app("Makes keys, certificates and tokens for the demo.");
  app.footer(kBanner);  // Subcommands inherit it.
  app.require_subcommand(1);
  Arguments arguments;
  const auto needs_folder = [&arguments](CLI::App* verb) {
    return verb->add_option("--dir", arguments.folder, "folder that holds them");
  };

  CLI::App* keys = app.add_subcommand("keys", "make the issuer's and the gateway's signing keys");
  needs_folder(keys)->required();
  CLI::App* pki = app.add_subcommand("pki", "make or renew the authority and the certificates");
  needs_folder(pki)->required();
  CLI::App* token = app.add_subcommand("token", "print a bearer token");
  needs_folder(token)->required();
  auto* who = token->add_option_group("who");
  who->add_option("--subject", arguments.subject, "whoever it is for");
  who->add_option("--person", arguments.person, "a demo person, with the grants of that person");
  who->require_option(1);
  token->add_option("--grant", arguments.grants, "role@units/x, may be repeated");
  token->add_option("--lifetime", arguments.lifetime, "how long it is good for, at most 24h")
      ->capture_default_str();
  CLI::App* persons = app.add_subcommand(
      "persons", "list the demo persons: subject, names, titles, grants, parted by tabs");
  needs_folder(persons)->description("folder of the keys; adds a token to each");
  persons->add_option("--lifetime", arguments.lifetime, "of those tokens")->capture_default_str();
  persons->add_flag("--json", arguments.as_json, "as a JSON array");
  CLI11_PARSE(app, argc, argv);

  std::cerr << kBanner << "\n";
  absl::Status done;
  if (keys->parsed()) done = MakeKeys(arguments.folder);
  if (pki->parsed()) done = MakePki(arguments.folder, absl::Now());
  if (token->parsed()) done = PrintToken(arguments);
  if (persons->parsed()) done = PrintPersons(arguments);
  if (done.ok()) return 0;
  std::cerr << "qm-demo-issuer: " << std::string(done.message()) << "\n";
  return 1;
}

}  // namespace
}  // namespace quartermaster::demo

int main(int argc, char** argv) { return quartermaster::demo::Main(argc, argv); }
