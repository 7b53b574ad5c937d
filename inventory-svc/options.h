#pragma once

#include <string>

#include "inventory-svc/history_keeper.h"
#include "inventory-svc/inventory.h"
#include "platform/auth/service_authenticator.h"
#include "platform/config/settings.h"
#include "platform/mysql/options.h"
#include "platform/records/feed.h"
#include "platform/records/sealer.h"
#include "platform/rpc/server.h"

namespace quartermaster::inventory {

// All that an operator may set, with its defaults.
struct Options {
  rpc::ServerOptions server;
  mysql::ConnectionOptions database;
  absl::Duration durability_age_max = absl::Seconds(10);
  auth::ServiceAuthenticator::Options authenticator;
  records::SealerOptions sealer;
  HistoryOptions history;
  Inventory::Options inventory;

  // Declares every setting, all named `QM_INVENTORY_…`.
  void Declare(config::Settings& settings);
};

}  // namespace quartermaster::inventory
