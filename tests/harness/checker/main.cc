// qm-checker: did the books keep what clients were told? Reads a client's history and the database,
// nothing else, and shares no code with the services.
//
//   qm-checker --socket <path> --database <name> --history <file>
//
// Ends with 0 if every promise holds, with 1 and a line for each that does not, with 2 if it could
// not look.

#include <cstdio>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "platform/mysql/pool.h"
#include "tests/harness/checker/check.h"

namespace quartermaster::testing {
namespace {

constexpr int kCannotLook = 2;

int Fail(const std::string& why) {
  std::fprintf(stderr, "qm-checker: %s\n", why.c_str());
  return kCannotLook;
}

int Main(int argc, char** argv) {
  std::map<std::string, std::string> given;
  for (int i = 1; i + 1 < argc; i += 2) given[argv[i]] = argv[i + 1];
  for (const char* name : {"--socket", "--database", "--history"}) {
    if (!given.contains(name)) return Fail(absl::StrCat("say ", name));
  }
  const mysql::DatabaseThread thread;
  mysql::Pool pool({.connection = {.unix_socket = given["--socket"],
                                   .user = "root",
                                   .database = given["--database"]},
                    .size_max = 2});
  const auto history = ReadHistory(given["--history"]);
  if (!history.ok()) return Fail(history.status().ToString());
  const auto report = CheckHistory(pool, *history);
  if (!report.ok()) return Fail(report.status().ToString());
  std::printf(
      "%zu movements and %zu changes of documents were asked for: %lld acknowledged, %lld refused, "
      "%lld open of which %lld booked; %zu violations\n",
      history->movements.size(), history->changes.size(),
      static_cast<long long>(report->acknowledged_count),
      static_cast<long long>(report->refused_count), static_cast<long long>(report->open_count),
      static_cast<long long>(report->open_booked_count), report->violations.size());
  for (const std::string& violation : report->violations) std::printf("%s\n", violation.c_str());
  return report->violations.empty() ? 0 : 1;
}

}  // namespace
}  // namespace quartermaster::testing

int main(int argc, char** argv) { return quartermaster::testing::Main(argc, argv); }
