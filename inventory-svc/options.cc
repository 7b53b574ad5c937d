#include "inventory-svc/options.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "platform/rpc/shared_streams.h"

namespace quartermaster::inventory {
namespace {

// A stream that begins just before its connection is to be renewed must live to its end.
void CheckGrace(const rpc::ServerOptions& server, config::Settings& settings) {
  if (server.connection_age_grace > rpc::kSharedStreamAgeMax) return;
  settings.AddMistake(
      "QM_INVENTORY_RPC_CONNECTION_AGE_GRACE",
      absl::Substitute("\"$0\" is too short: gateways send postings by streams that last $1 "
                       "(QM_GATEWAY_INVENTORY_POSTING_STREAMS), and each renewal of a connection "
                       "would cut them off; make it longer than $1",
                       absl::FormatDuration(server.connection_age_grace),
                       absl::FormatDuration(rpc::kSharedStreamAgeMax)));
}

}  // namespace

void Options::Declare(config::Settings& settings) {
  service.server.program = "inventory-svc";
  service.Declare(settings);
  CheckGrace(service.server, settings);

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
       .help = "Of one such stream that are not answered; no more is read until some are. Keep it "
               "above half of QM_INVENTORY_POSTING_WAITING_MAX and below "
               "QM_GATEWAY_INVENTORY_POSTINGS_MAX, or callers wait unread behind the one who "
               "floods."});

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
