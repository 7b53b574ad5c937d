// qmctl: the books on the command line.

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <exception>
#include <iostream>

#include "qmctl/commands/commands.h"
#include "qmctl/commands/session.h"

namespace quartermaster::qmctl {
namespace {

constexpr char kFooter[] =
    "Exit codes: 0 done · 1 refused by the server, or what was proved or verified does not fit ·\n"
    "2 the command line or a file is wrong, nothing was sent · 3 no answer or outcome unknown,\n"
    "running it again is safe · 4 imported in part.\n"
    "Environment: QMCTL_SERVER, QMCTL_TOKEN, QMCTL_RECEIVER_TOKEN.\n"
    "Writes carry a request id: what the server did not answer is sent again with the same id, up "
    "to\n"
    "five times, and happens once.";

void AddGlobalOptions(CLI::App& app, GlobalOptions& options) {
  app.add_option("--server", options.server, "the gateway's gRPC address")
      ->envname("QMCTL_SERVER")
      ->capture_default_str();
  app.add_option("--token-file", options.token.file, "file that holds a bearer token");
  app.add_option("--as", options.token.person,
                 "a person of the demo on this machine; ./quartermaster status --json names them");
  app.add_option(
      "--tls-ca", options.tls_authority_file,
      "PEM file of the authority that signed the gateway's certificate; without it no TLS");
  app.add_flag("--plaintext", options.may_send_token_in_clear,
               "send the token in clear to a server on another machine");
  app.add_option("-o,--output", options.output, "table, json or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}))
      ->capture_default_str();
  app.add_option("--lang", options.language,
                 "en or zh, for heads of tables and hints; help and errors are English")
      ->check(CLI::IsMember({"en", "zh"}));
  app.add_option("--timeout", options.timeout_seconds, "seconds for each attempt")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  if (const char* token = std::getenv("QMCTL_TOKEN"); token != nullptr) options.token.token = token;
}

int Main(int argc, char** argv) {
  Session session;
  CLI::App app("The quartermaster's books on the command line.", "qmctl");
  app.footer(kFooter);
  // None is told below, with the list of commands: a mistyped one is then named by the parser.
  app.require_subcommand(0, 1);
  app.fallthrough();
  AddGlobalOptions(app, session.options);
  AddCommands(app, session);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool is_help = error.get_exit_code() == 0;
    app.exit(error);
    return static_cast<int>(is_help ? ExitCode::kOk : ExitCode::kUsage);
  }
  if (app.get_subcommands().empty()) {
    std::cerr << app.help() << "qmctl: which command?\n";
    return static_cast<int>(ExitCode::kUsage);
  }
  return static_cast<int>(session.exit_code);
}

}  // namespace
}  // namespace quartermaster::qmctl

int main(int argc, char** argv) {
  try {
    return quartermaster::qmctl::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "qmctl: " << error.what() << "\n";
    return static_cast<int>(quartermaster::qmctl::ExitCode::kUsage);
  }
}
