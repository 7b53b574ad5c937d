#include "absl/strings/str_cat.h"
#include "platform/rpc/server.h"

namespace quartermaster::rpc {
namespace {

void DeclareClass(config::Settings& settings, absl::string_view name, absl::string_view what,
                  Executors::ClassOptions& options) {
  settings.Int(absl::StrCat(settings.prefix(), name, "_THREADS"), &options.thread_count,
               {.min = 1,
                .max = 1024,
                .unit = "threads",
                .help = absl::StrCat("How many ", what, " run at once.")});
  settings.Int(absl::StrCat(settings.prefix(), name, "_QUEUE_MAX"), &options.queue_max,
               {.min = 1,
                .max = 100'000,
                .unit = "calls",
                .help = absl::StrCat("How many ", what,
                                     " may wait; more are refused, and once half as many do, more "
                                     "than a quarter of one caller.")});
}

void DeclareLog(config::Settings& settings, log::Options& options) {
  const std::string prefix(settings.prefix());
  std::string level(log::LevelName(options.level));
  settings.String(prefix + "LOG_LEVEL", &level,
                  {.choices = {"debug", "info", "warning", "error"},
                   .help = "Log lines below it are not written."});
  options.level = log::ParseLevel(level).value_or(options.level);
  settings.Path(prefix + "LOG_FILE", &options.file,
                {.help = "File to append log lines to; empty means standard error."});
  settings.Bool(prefix + "LOG_ASYNCHRONOUS", &options.is_asynchronous,
                "Log lines go through a queue, so that a slow disk holds up no call.");
  settings.Int(prefix + "LOG_QUEUE_MAX", &options.queue_max,
               {.min = 16,
                .max = 1'000'000,
                .unit = "lines",
                .help = "Longest queue of log lines; beyond it the oldest are lost and counted."});
}

}  // namespace

void ServerOptions::Declare(config::Settings& settings) {
  const std::string prefix(settings.prefix());
  setting_prefix = prefix;
  settings.String(prefix + "RPC_ADDRESS", &address,
                  {.help = "Where gRPC calls are taken: host:port, or unix:/path. Port 0 takes a "
                           "free one."});
  settings.Path(prefix + "RPC_ADDRESS_FILE", &address_file,
                {.help = "File to write the gRPC address to once calls are taken."});
  settings.String(prefix + "ADMIN_ADDRESS", &admin_address,
                  {.help = "Where /livez, /readyz and /metrics are answered over HTTP."});
  settings.Path(prefix + "ADMIN_ADDRESS_FILE", &admin_address_file,
                {.help = "File to write the HTTP address to once calls are taken."});
  settings.Path(prefix + "TLS_CERTIFICATE_FILE", &certificate_file,
                {.help = "This program's certificate chain, PEM. Read again when it changes."});
  settings.Path(prefix + "TLS_KEY_FILE", &key_file, {.help = "The certificate's key, PEM."});
  settings.Path(prefix + "TLS_CLIENT_CA_FILE", &client_ca_file,
                {.help = "Certificates that sign those of the callers, PEM."});
  settings.Duration(prefix + "TLS_REFRESH_INTERVAL", &tls_refresh_interval,
                    {.min = absl::Seconds(1),
                     .max = absl::Hours(1),
                     .help = "How often the TLS files are looked at."});
  settings.Bool(prefix + "RPC_PLAINTEXT", &is_plaintext,
                "Takes calls without TLS. For loopback and unix sockets only.");
  settings.Bool(prefix + "RPC_REFLECTION", &has_reflection,
                "Answers clients that ask which services and messages there are.");
  settings.Int(prefix + "RPC_RECEIVE_BYTES_MAX", &receive_bytes_max,
               {.min = 1024, .max = 64 << 20, .unit = "bytes", .help = "Largest request."});
  settings.Int(prefix + "RPC_CONNECTION_METADATA_BYTES_MAX", &metadata_bytes_max,
               {.min = 8192,
                .max = 1 << 20,
                .unit = "bytes",
                .help = "More metadata in one call ends its whole connection."});
  settings.Int(prefix + "RPC_METADATA_BYTES_MAX", &limits.metadata_bytes_max,
               {.min = 1024,
                .max = 1 << 20,
                .unit = "bytes",
                .help = "More metadata in one call is refused."});
  settings.Int(prefix + "RPC_MEMORY_BYTES_MAX", &memory_bytes_max,
               {.min = 16 << 20, .unit = "bytes", .help = "Memory that gRPC may use for buffers."});
  settings.Int(
      prefix + "RPC_STREAMS_PER_CONNECTION_MAX", &streams_per_connection_max,
      {.min = 1, .max = 10'000, .unit = "calls", .help = "Calls at once on a connection."});
  settings.Duration(prefix + "RPC_CONNECTION_AGE_MAX", &connection_age_max,
                    {.min = absl::Seconds(1),
                     .help = "A connection is renewed then, so that clients find new servers."});
  settings.Duration(prefix + "RPC_CONNECTION_AGE_GRACE", &connection_age_grace,
                    {.min = absl::Seconds(1), .help = "Time for its calls to end."});
  settings.Duration(prefix + "RPC_DEFAULT_DEADLINE", &limits.default_deadline,
                    {.min = absl::Milliseconds(10), .help = "For calls that come without one."});
  settings.Duration(prefix + "RPC_DEADLINE_MAX", &limits.deadline_max,
                    {.min = absl::Milliseconds(10), .help = "Longer deadlines are cut to it."});
  settings.Duration(prefix + "RPC_TIME_LEFT_MIN", &limits.time_left_min,
                    {.help = "A call with less time left is refused rather than begun."});
  settings.Duration(prefix + "RPC_DRAIN_NOTICE", &drain_notice,
                    {.max = absl::Minutes(5),
                     .help = "On shutdown, how long it says NOT_SERVING before it closes."});
  settings.Duration(prefix + "RPC_DRAIN_TIME", &drain_time,
                    {.max = absl::Minutes(10),
                     .help = "On shutdown, how long calls may take to end before they are "
                             "cancelled."});
  settings.Duration(prefix + "RPC_EXIT_GRACE", &exit_grace,
                    {.min = absl::Milliseconds(100),
                     .max = absl::Minutes(1),
                     .help = "On shutdown, how long cancelled calls may hang before the process "
                             "ends with exit code 75."});
  DeclareClass(settings, "READ", "reads", executors.read);
  DeclareClass(settings, "WRITE", "writes of documents", executors.write);
  DeclareClass(settings, "POSTING", "postings", executors.posting);
  DeclareClass(settings, "REPORT", "reports", executors.report);
  settings.Int(prefix + "RPC_QUEUED_BYTES_MAX", &executors.queued_bytes_max,
               {.min = 1 << 20, .unit = "bytes", .help = "Memory of all requests that wait."});
  DeclareLog(settings, log);
  if (limits.default_deadline > limits.deadline_max) {
    settings.AddMistake(prefix + "RPC_DEFAULT_DEADLINE",
                        absl::StrCat("is longer than ", prefix, "RPC_DEADLINE_MAX"));
  }
}

}  // namespace quartermaster::rpc
