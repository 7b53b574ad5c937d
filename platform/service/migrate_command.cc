#include "platform/service/migrate_command.h"

#include <iostream>

namespace quartermaster::service {

int RunMigrateCommand(const std::string& program, const mysql::ConnectionOptions& database,
                      const std::vector<mysql::Migration>& migrations) {
  const absl::Status migrated =
      mysql::Migrate({.connection = database}, migrations, [](const mysql::MigrationStep& step) {
        std::cout << step.migration << "." << step.step << " " << step.name << std::endl;
      });
  if (migrated.ok()) return 0;
  std::cerr << program << " migrate: " << migrated.message() << std::endl;
  return 1;
}

}  // namespace quartermaster::service
