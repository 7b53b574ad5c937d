#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "qmctl/commands/session.h"
#include "quartermaster/type/v1/as_of.pb.h"

namespace quartermaster::qmctl {

// The past moment that a command is asked about, as it was typed.
struct AsOfOptions {
  std::string record_time;
  std::string occurred_time;
};

// Adds `--as-of` alone to `command`.
CLI::Option* AddRecordTime(CLI::App& command, const std::shared_ptr<AsOfOptions>& options);

// Adds `--as-of` and `--as-of-occurred` to `command`.
void AddAsOf(CLI::App& command, const std::shared_ptr<AsOfOptions>& options);

// Reads `2026-11-22T08:00:00Z`, or `2026-11-22 08:00` in the zone of this machine. On failure tells
// the person and returns false; `as_of` is left alone where nothing was typed.
bool ParseAsOf(Session& session, const AsOfOptions& options, type::v1::AsOf& as_of);

// Puts the moment into `request`, if one was typed. Returns false as `ParseAsOf` does.
template <typename Request>
bool SetAsOf(Session& session, const AsOfOptions& options, Request& request) {
  if (options.record_time.empty() && options.occurred_time.empty()) return true;
  return ParseAsOf(session, options, *request.mutable_as_of());
}

}  // namespace quartermaster::qmctl
