#pragma once

#include "inventory-svc/history_keeper.h"
#include "inventory-svc/inventory.h"
#include "platform/config/settings.h"
#include "platform/records/sealer.h"
#include "platform/service/service_options.h"

namespace quartermaster::inventory {

// All that an operator may set, with its defaults.
struct Options {
  service::ServiceOptions service;
  records::SealerOptions sealer;
  HistoryOptions history;
  Inventory::Options inventory;

  // Declares every setting, all named `QM_INVENTORY_…`.
  void Declare(config::Settings& settings);
};

}  // namespace quartermaster::inventory
