#pragma once

#include "absl/time/time.h"
#include "platform/auth/service_authenticator.h"
#include "platform/config/settings.h"
#include "platform/mysql/options.h"
#include "platform/rpc/server.h"

namespace quartermaster::service {

// What an operator may set of every service that keeps books in a database, with its defaults.
struct ServiceOptions {
  rpc::ServerOptions server;
  mysql::ConnectionOptions database;
  // How old a judgment of the database's durability may be when readiness asks for it.
  absl::Duration durability_age_max = absl::Seconds(10);
  auth::ServiceAuthenticator::Options authenticator;

  // Declares all of these, as `<prefix>RPC_ADDRESS`, `<prefix>DATABASE_HOST` and so on. `server`
  // must know its program by then.
  void Declare(config::Settings& settings);
};

}  // namespace quartermaster::service
