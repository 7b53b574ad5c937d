#include "gateway/options.h"

#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "platform/auth/jwt.h"
#include "platform/rpc/tls.h"

namespace quartermaster::gateway {

Options::Options() {
  server.program = "gateway";
  server.address = "127.0.0.1:9090";
  server.client_certificate = rpc::ClientCertificate::kVerifiedIfShown;
  // Only reports run in the gateway itself; all else passes through.
  server.executors.read.thread_count = 1;
  server.executors.write.thread_count = 1;
  server.executors.posting.thread_count = 1;
  server.executors.report = {.thread_count = 8, .queue_max = 64};
}

void Options::Declare(config::Settings& settings) {
  server.Declare(settings);
  DeclareHttp(settings);
  inventory.Declare(settings, "INVENTORY");
  settings.Int(
      "QM_GATEWAY_INVENTORY_CALLS_MAX", &inventory_calls_max,
      {.min = 1,
       .max = 100'000,
       .unit = "calls",
       .help = "Calls to inventory at once, postings aside; more are refused, and once half "
               "as many are under way, more than a quarter of one caller."});
  settings.Int("QM_GATEWAY_INVENTORY_POSTINGS_MAX", &inventory_postings_max,
               {.min = 1,
                .max = 100'000,
                .unit = "calls",
                .help = "Postings on their way to inventory at once, with the same share for one "
                        "caller. Keep it above QM_INVENTORY_RELAY_CALLS_MAX."});
  settings.Int("QM_GATEWAY_INVENTORY_POSTING_STREAMS", &inventory_posting_streams,
               {.min = 0,
                .max = 64,
                .unit = "streams",
                .help = "By which postings of all callers go to inventory together; each ends at "
                        "one replica. 0 sends each posting by itself."});
  settings.Duration("QM_GATEWAY_OVERVIEW_PART_TIME_MAX", &report.part_time_max,
                    {.min = absl::Milliseconds(10),
                     .max = absl::Minutes(1),
                     .help = "How long the situation report waits for one service."});
  settings.Duration(
      "QM_GATEWAY_OVERVIEW_TITLE_AGE_MAX", &report.titles.age_max,
      {.max = absl::Hours(1), .help = "How long names of units and items are remembered."});
  DeclareAuth(settings);
}

void Options::DeclareHttp(config::Settings& settings) {
  settings.String("QM_GATEWAY_HTTP_ADDRESS", &http.address,
                  {.help = "Where the console and the JSON interface are served: a numeric "
                           "host:port. Port 0 takes a free one."});
  settings.Path("QM_GATEWAY_HTTP_ADDRESS_FILE", &http_address_file,
                {.help = "File to write that address to once requests are taken."});
  std::string hosts = absl::StrJoin(site.hosts, ",");
  settings.String("QM_GATEWAY_HTTP_HOSTS", &hosts,
                  {.is_required = true,
                   .help = "Names that a browser may know this server by, parted by commas; * lets "
                           "every name pass."});
  site.hosts = absl::StrSplit(hosts, ',', absl::SkipWhitespace());
  settings.Path("QM_GATEWAY_HTTP_TLS_CERTIFICATE_FILE", &http.certificate_file,
                {.help = "Certificate chain for HTTPS, PEM. Read again when it changes."});
  settings.Path("QM_GATEWAY_HTTP_TLS_KEY_FILE", &http.key_file, {.help = "Its key, PEM."});
  settings.Duration("QM_GATEWAY_HTTP_TLS_REFRESH_INTERVAL", &http.tls_refresh_interval,
                    {.min = absl::Seconds(1),
                     .max = absl::Hours(1),
                     .help = "How often those files are looked at."});
  bool is_plaintext = false;
  settings.Bool("QM_GATEWAY_HTTP_PLAINTEXT", &is_plaintext,
                "Serves HTTP without TLS on a network, behind a proxy that has it. Loopback needs "
                "no permission.");
  if (http.certificate_file.empty() != http.key_file.empty()) {
    settings.AddMistake("QM_GATEWAY_HTTP_TLS_KEY_FILE",
                        "certificate and key must be given together");
  }
  if (http.certificate_file.empty() && !is_plaintext && !rpc::IsLoopback(http.address)) {
    settings.AddMistake("QM_GATEWAY_HTTP_ADDRESS",
                        "without TLS it must be loopback, or QM_GATEWAY_HTTP_PLAINTEXT=true");
  }
  settings.Int("QM_GATEWAY_HTTP_THREADS", &http.thread_count,
               {.min = 1, .max = 64, .unit = "threads", .help = "That carry all connections."});
  settings.Int(
      "QM_GATEWAY_HTTP_CONNECTIONS_MAX", &http.connections_max,
      {.min = 1,
       .max = 1'000'000,
       .unit = "connections",
       .help = "Open at once; one more takes the place of the one idle longest, or gets 503."});
  settings.Int("QM_GATEWAY_HTTP_HEAD_BYTES_MAX", &http.head_bytes_max,
               {.min = 1024,
                .max = 64 << 10,
                .unit = "bytes",
                .help = "Request line and headers together."});
  settings.Int("QM_GATEWAY_HTTP_BODY_BYTES_MAX", &http.body_bytes_max,
               {.min = 1024, .max = 64 << 20, .unit = "bytes", .help = "Largest request body."});
  settings.Int("QM_GATEWAY_HTTP_BODY_BYTES_IN_ALL_MAX", &http.body_bytes_in_all_max,
               {.min = 1 << 20,
                .unit = "bytes",
                .help = "Of all requests under way, as far as they have come; once half of it is "
                        "taken, a quarter for one caller."});
  settings.Int(
      "QM_GATEWAY_HTTP_ANSWER_BYTES_IN_ALL_MAX", &http.answer_bytes_in_all_max,
      {.min = 1 << 20, .unit = "bytes", .help = "Of all answers being fetched, shared alike."});
  settings.Duration("QM_GATEWAY_HTTP_HEAD_TIME_MAX", &http.head_time_max,
                    {.min = absl::Milliseconds(10),
                     .max = absl::Minutes(5),
                     .help = "From the first byte of a request to the end of its headers."});
  settings.Duration("QM_GATEWAY_HTTP_BODY_TIME_MAX", &http.body_time_max,
                    {.min = absl::Milliseconds(10),
                     .max = absl::Minutes(10),
                     .help = "How long a body may take to come."});
  settings.Duration("QM_GATEWAY_HTTP_WRITE_TIME_MAX", &http.write_time_max,
                    {.min = absl::Milliseconds(10),
                     .max = absl::Minutes(10),
                     .help = "How long a client may take to fetch an answer."});
  settings.Duration("QM_GATEWAY_HTTP_FIRST_REQUEST_TIME_MAX", &http.first_request_time_max,
                    {.min = absl::Milliseconds(10),
                     .max = absl::Hours(1),
                     .help = "How long a new connection is kept without its first request."});
  settings.Duration("QM_GATEWAY_HTTP_IDLE_TIME_MAX", &http.idle_time_max,
                    {.min = absl::Milliseconds(10),
                     .max = absl::Hours(1),
                     .help = "How long a connection is kept between requests."});
}

void Options::DeclareAuth(config::Settings& settings) {
  settings.Bool(
      "QM_GATEWAY_AUTH_DEMO", &authenticator.allow_demo_issuer,
      "Believes the tokens of the demo's issuer, which anyone can make. For the demo only.");
  if (authenticator.allow_demo_issuer) authenticator.issuer = auth::kDemoIssuer;
  settings.String(
      "QM_GATEWAY_AUTH_ISSUER", &authenticator.issuer,
      {.is_required = true, .help = "Issuer of the bearer tokens; in the demo, the demo's own."});
  settings.String("QM_GATEWAY_AUTH_AUDIENCE", &authenticator.audience,
                  {.is_required = true, .help = "Audience that they must be for."});
  settings.Path("QM_GATEWAY_AUTH_JWKS_FILE", &authenticator.keys_path,
                {.is_required = true,
                 .help = "JWKS with the issuer's public keys. Read again when it changes."});
  settings.Duration(
      "QM_GATEWAY_AUTH_CLOCK_SKEW", &authenticator.clock_skew,
      {.max = absl::Minutes(10), .help = "How far the issuer's clock may be from ours."});
  settings.Secret(
      "QM_GATEWAY_AUTH_IDENTITY_KEY", &identity_key,
      {.is_required = true,
       .help = "The Ed25519 private key, PEM, that signs identities for the services."});
  settings.Path("QM_GATEWAY_DEMO_PERSONS_FILE", &site.demo_persons_file,
                {.help = "The demo's persons and their tokens, for the console. Needs "
                         "QM_GATEWAY_AUTH_DEMO=true."});
  if (!site.demo_persons_file.empty() && !authenticator.allow_demo_issuer) {
    settings.AddMistake("QM_GATEWAY_DEMO_PERSONS_FILE", "is for the demo only");
  }
  if (!site.demo_persons_file.empty() && !rpc::IsLoopback(http.address)) {
    settings.AddMistake("QM_GATEWAY_DEMO_PERSONS_FILE",
                        "gives everybody's token to whoever asks, so QM_GATEWAY_HTTP_ADDRESS must "
                        "be loopback");
  }
}

}  // namespace quartermaster::gateway
