#include "platform/service/service_options.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace quartermaster::service {
namespace {

void DeclareDatabase(config::Settings& settings, mysql::ConnectionOptions& connection,
                     absl::Duration& durability_age_max) {
  const std::string prefix = absl::StrCat(settings.prefix(), "DATABASE_");
  settings.Path(prefix + "SOCKET", &connection.unix_socket,
                {.help = "Unix socket of the database; takes the place of host and port."});
  settings.String(prefix + "HOST", &connection.host,
                  {.help = "Host of the database; needs the CA unless it is loopback."});
  settings.Int(prefix + "PORT", &connection.port,
               {.min = 1, .max = 65535, .help = "Port of the database."});
  settings.String(prefix + "NAME", &connection.database,
                  {.is_required = true, .help = "Schema that holds this service's tables."});
  settings.String(prefix + "USER", &connection.user,
                  {.is_required = true, .help = "User of the database."});
  std::string password;
  settings.Secret(prefix + "PASSWORD", &password, {.help = "That user's password."});
  connection.password = mysql::Password(password);
  settings.Path(
      prefix + "CA_FILE", &connection.ssl_ca,
      {.help = "CA that signed the database's certificate; the link is then encrypted and "
               "the server verified."});
  settings.Path(prefix + "CERTIFICATE_FILE", &connection.ssl_certificate,
                {.help = "Our certificate for the database, if it asks for one."});
  settings.Path(prefix + "KEY_FILE", &connection.ssl_key, {.help = "That certificate's key."});
  settings.Duration(prefix + "LOCK_WAIT", &connection.lock_wait_timeout,
                    {.min = absl::Seconds(1),
                     .max = absl::Seconds(30),
                     .help = "How long a statement waits for another transaction's row lock."});
  settings.Duration(prefix + "READ_TIMEOUT", &connection.read_timeout,
                    {.min = absl::Seconds(1),
                     .max = absl::Minutes(5),
                     .help = "Longest silence of the database within a statement."});
  settings.Duration(prefix + "TRANSACTION_IDLE_MAX", &connection.transaction_idle_max,
                    {.min = absl::Seconds(1),
                     .max = absl::Minutes(5),
                     .help = "How long a process that stands still within a transaction keeps what "
                             "it has locked; MariaDB ends its session then."});
  settings.Duration(prefix + "DURABILITY_INTERVAL", &durability_age_max,
                    {.min = absl::Seconds(1),
                     .max = absl::Minutes(5),
                     .help = "How often the database is asked whether it is still as durable as "
                             "promised; readiness follows."});
}

void DeclareAuthenticator(config::Settings& settings,
                          auth::ServiceAuthenticator::Options& options) {
  const std::string prefix = absl::StrCat(settings.prefix(), "AUTH_");
  settings.Path(
      prefix + "GATEWAY_JWKS_FILE", &options.gateway_keys_path,
      {.is_required = true, .help = "JWKS with the keys that the gateway signs identities with."});
  settings.Path(prefix + "SYSTEMS_FILE", &options.systems_path,
                {.help = "Which systems may call directly, and with which grants."});
}

}  // namespace

void ServiceOptions::Declare(config::Settings& settings) {
  server.Declare(settings);
  DeclareDatabase(settings, database, durability_age_max);
  DeclareAuthenticator(settings, authenticator);
}

}  // namespace quartermaster::service
