#include "inventory-svc/options.h"

#include "absl/strings/str_cat.h"

namespace quartermaster::inventory {

void Options::Declare(config::Settings& settings) {
  server.program = "inventory-svc";
  server.Declare(settings);

  settings.Path("QM_INVENTORY_DATABASE_SOCKET", &database.unix_socket,
                {.help = "Unix socket of the database; takes the place of host and port."});
  settings.String("QM_INVENTORY_DATABASE_HOST", &database.host,
                  {.help = "Host of the database; needs the CA unless it is loopback."});
  settings.Int("QM_INVENTORY_DATABASE_PORT", &database.port,
               {.min = 1, .max = 65535, .help = "Port of the database."});
  settings.String("QM_INVENTORY_DATABASE_NAME", &database.database,
                  {.is_required = true, .help = "Schema that holds this service's tables."});
  settings.String("QM_INVENTORY_DATABASE_USER", &database.user,
                  {.is_required = true, .help = "User of the database."});
  std::string password;
  settings.Secret("QM_INVENTORY_DATABASE_PASSWORD", &password, {.help = "That user's password."});
  database.password = mysql::Password(password);
  settings.Path(
      "QM_INVENTORY_DATABASE_CA_FILE", &database.ssl_ca,
      {.help = "CA that signed the database's certificate; the link is then encrypted and "
               "the server verified."});
  settings.Path("QM_INVENTORY_DATABASE_CERTIFICATE_FILE", &database.ssl_certificate,
                {.help = "Our certificate for the database, if it asks for one."});
  settings.Path("QM_INVENTORY_DATABASE_KEY_FILE", &database.ssl_key,
                {.help = "That certificate's key."});
  settings.Duration("QM_INVENTORY_DATABASE_LOCK_WAIT", &database.lock_wait_timeout,
                    {.min = absl::Seconds(1),
                     .max = absl::Seconds(30),
                     .help = "How long a statement waits for another transaction's row lock."});
  settings.Duration("QM_INVENTORY_DATABASE_READ_TIMEOUT", &database.read_timeout,
                    {.min = absl::Seconds(1),
                     .max = absl::Minutes(5),
                     .help = "Longest silence of the database within a statement."});
  settings.Duration("QM_INVENTORY_DATABASE_TRANSACTION_IDLE_MAX", &database.transaction_idle_max,
                    {.min = absl::Seconds(1),
                     .max = absl::Minutes(5),
                     .help = "How long a process that stands still within a transaction keeps what "
                             "it has locked; MariaDB ends its session then."});
  settings.Duration("QM_INVENTORY_DATABASE_DURABILITY_INTERVAL", &durability_age_max,
                    {.min = absl::Seconds(1),
                     .max = absl::Minutes(5),
                     .help = "How often the database is asked whether it is still as durable as "
                             "promised; readiness follows."});

  settings.Int("QM_INVENTORY_POSTING_LANES", &inventory.lanes.lane_count,
               {.min = 0,
                .max = 16,
                .help = "Threads, with a connection each, that post many movements in one "
                        "transaction; 0 gives each movement its own."});
  settings.Int("QM_INVENTORY_POSTING_TURN_MAX", &inventory.lanes.turn.postings_max,
               {.min = 4, .max = 1000, .help = "Movements in one transaction of a lane."});
  settings.Int("QM_INVENTORY_POSTING_WAITING_MAX", &inventory.lanes.queued_postings_max,
               {.min = 1,
                .max = 100'000,
                .help = "Movements that wait for a lane; once half as many do, a quarter as many "
                        "of one caller."});
  settings.Int("QM_INVENTORY_POSTING_WAITING_LINES_MAX", &inventory.lanes.queued_lines_max,
               {.min = 500,
                .max = 1'000'000,
                .help = "Lines of the movements that wait, with the same share for one caller."});
  settings.Duration("QM_INVENTORY_POSTING_TURN_TIME_MAX", &inventory.turns.time_max,
                    {.min = absl::Seconds(1),
                     .max = absl::Minutes(1),
                     .help = "How long a lane waits for its connection, for what one transaction "
                             "reads, or for a database that is silent."});
  settings.Duration(
      "QM_INVENTORY_POSTING_STALL_TIME", &inventory.lanes.stall_time,
      {.min = absl::Seconds(1),
       .max = absl::Minutes(10),
       .help = "After so long in one transaction of a lane the service is not ready."});

  settings.Int("QM_INVENTORY_RELAY_STREAMS_MAX", &inventory.relay.streams_max,
               {.min = 1,
                .max = 1000,
                .unit = "streams",
                .help = "By which gateways send the postings of many callers; more are refused."});
  settings.Int(
      "QM_INVENTORY_RELAY_CALLS_MAX", &inventory.relay.calls_max,
      {.min = 1,
       .max = 100'000,
       .unit = "calls",
       .help = "Of one such stream that are not answered; no more is read until some are."});

  settings.Path(
      "QM_INVENTORY_AUTH_GATEWAY_JWKS_FILE", &authenticator.gateway_keys_path,
      {.is_required = true, .help = "JWKS with the keys that the gateway signs identities with."});
  settings.Path("QM_INVENTORY_AUTH_SYSTEMS_FILE", &authenticator.systems_path,
                {.help = "Which systems may call directly, and with which grants."});
  sealer.Declare(settings);
  inventory.feed.Declare(settings);
  history.Declare(settings);

  settings.Duration("QM_INVENTORY_UNITS_LOOK_AGAIN", &inventory.look_again_after,
                    {.max = absl::Seconds(10),
                     .help = "How often the database is asked for units that are not known, at "
                             "most; so long may one that another replica made be unknown here."});
  std::string time_zone = "Asia/Shanghai";
  settings.String("QM_INVENTORY_TIME_ZONE", &time_zone,
                  {.is_required = true,
                   .help = "Where days begin and end: a lot can be used until its last day ends "
                           "there. A name of the time zone database."});
  if (!absl::LoadTimeZone(time_zone, &inventory.time_zone)) {
    settings.AddMistake("QM_INVENTORY_TIME_ZONE",
                        absl::StrCat("\"", time_zone, "\" is not in the time zone database"));
  }
}

}  // namespace quartermaster::inventory
