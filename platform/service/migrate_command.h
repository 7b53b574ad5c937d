#pragma once

#include <string>
#include <vector>

#include "platform/mysql/migrate.h"
#include "platform/mysql/options.h"

namespace quartermaster::service {

// Runs `<program> migrate`: brings the schema up to date, names each step on standard output as it
// is done, and what went wrong on standard error. Returns the exit code.
int RunMigrateCommand(const std::string& program, const mysql::ConnectionOptions& database,
                      const std::vector<mysql::Migration>& migrations);

}  // namespace quartermaster::service
