#pragma once

#include <CLI/CLI.hpp>

#include "qmctl/commands/session.h"

// Each function adds its commands to `app`, and `AddCommands` all there are. Their callbacks run
// while the command line is parsed; they use `session`, which must outlive `app`, and leave the
// exit code in it.
namespace quartermaster::qmctl {

void AddCommands(CLI::App& app, Session& session);

void AddBoard(CLI::App& app, Session& session);
void AddReads(CLI::App& app, Session& session);
void AddSuggest(CLI::App& app, Session& session);
void AddTrace(CLI::App& app, Session& session);
void AddProve(CLI::App& app, Session& session);
void AddPostings(CLI::App& app, Session& session);
void AddTransfers(CLI::App& app, Session& session);
void AddImport(CLI::App& app, Session& session);
void AddRecords(CLI::App& app, Session& session);
void AddCall(CLI::App& app, Session& session);

}  // namespace quartermaster::qmctl
