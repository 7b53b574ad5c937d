// How a connection is opened, and what is asked of it before anyone may use it.

#include <arpa/inet.h>
#include <mysql_connection.h>
#include <mysql_driver.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "platform/base/status_macros.h"
#include "platform/mysql/connection.h"
#include "platform/mysql/dialect.h"
#include "platform/mysql/error.h"
#include "platform/mysql/link.h"
#include "platform/status/error.h"

namespace quartermaster::mysql {
namespace {

// Options of the connector that were seen to do what they say. Those that are ours to set, that
// reconnect behind our back or that pretend to encrypt (OPT_SSL_MODE) are not among them.
constexpr const char* kTextOptions[] = {"OPT_TLS_VERSION", "sslCipher", "sslCRL"};
constexpr const char* kNumberOptions[] = {"OPT_WRITE_TIMEOUT"};
constexpr const char* kFlagOptions[] = {"CLIENT_COMPRESS"};

template <size_t N>
bool Contains(const char* const (&set)[N], const std::string& name) {
  return std::find(std::begin(set), std::end(set), name) != std::end(set);
}

bool IsLoopback(const std::string& host) {
  in_addr v4;
  in6_addr v6;
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return host == "localhost";
}

absl::Status Refuse(absl::string_view option, absl::string_view why) {
  return status::MakeError(
      absl::StatusCode::kInvalidArgument,
      absl::StrCat("database connection option ", option, ": ", why),
      {.reason = "INVALID_OPTION", .metadata = {{"option", std::string(option)}}});
}

int WholeSeconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Seconds(absl::Ceil(duration, absl::Seconds(1))));
}

absl::Status CheckConnectorOption(const std::string& name, const std::string& value) {
  int32_t number = 0;
  if (Contains(kTextOptions, name)) return absl::OkStatus();
  if (Contains(kNumberOptions, name)) {
    if (absl::SimpleAtoi(value, &number) && number > 0) return absl::OkStatus();
    return Refuse(name, absl::StrCat("must be a positive whole number, not ", value));
  }
  if (Contains(kFlagOptions, name)) {
    if (value == "true" || value == "false") return absl::OkStatus();
    return Refuse(name, absl::StrCat("must be true or false, not ", value));
  }
  return Refuse(name, "is not one that we know to work");
}

std::string UrlOf(const ConnectionOptions& options) {
  if (!options.unix_socket.empty()) return absl::StrCat("unix://", options.unix_socket);
  const bool is_v6 = absl::StrContains(options.host, ":");
  return absl::StrCat("tcp://", is_v6 ? "[" : "", options.host, is_v6 ? "]" : "", ":",
                      options.port);
}

sql::ConnectOptionsMap ConnectorOptions(const ConnectionOptions& options) {
  sql::ConnectOptionsMap map;
  map["hostName"] = sql::SQLString(UrlOf(options));
  map["userName"] = sql::SQLString(options.user);
  map["password"] = sql::SQLString(options.password.Reveal());
  if (!options.database.empty()) map["schema"] = sql::SQLString(options.database);
  map["OPT_CONNECT_TIMEOUT"] = WholeSeconds(options.connect_timeout);
  map["OPT_READ_TIMEOUT"] = WholeSeconds(options.read_timeout);
  map["CLIENT_MULTI_STATEMENTS"] = true;
  // An UPDATE that finds its row but changes nothing must not look like one that found none.
  map["CLIENT_FOUND_ROWS"] = true;
  // Or the server could ask for any file of ours.
  map["OPT_LOCAL_INFILE"] = 0;
  if (!options.ssl_ca.empty()) {
    map["sslCA"] = sql::SQLString(options.ssl_ca);
    map["sslVerify"] = true;
  }
  if (!options.ssl_certificate.empty()) {
    map["sslCert"] = sql::SQLString(options.ssl_certificate);
    map["sslKey"] = sql::SQLString(options.ssl_key);
  }
  for (const auto& [name, value] : options.connector_options) {
    int32_t number = 0;
    if (Contains(kNumberOptions, name) && absl::SimpleAtoi(value, &number)) {
      map[name] = number;
    } else if (Contains(kFlagOptions, name)) {
      map[name] = value == "true";
    } else {
      map[name] = sql::SQLString(value);
    }
  }
  return map;
}

sql::Driver& GetDriver() {
  // The connector's own look-up is not safe to enter from two threads at first.
  static sql::Driver* const driver = sql::mysql::get_driver_instance();
  return *driver;
}

}  // namespace

absl::Status CheckOptions(const ConnectionOptions& options) {
  if (options.unix_socket.empty() == options.host.empty()) {
    return Refuse("unix_socket", "give either a socket or a host");
  }
  if (options.user.empty()) return Refuse("user", "is required");
  if (options.ssl_ca.empty() && !options.host.empty() && !IsLoopback(options.host)) {
    return Refuse("ssl_ca", absl::StrCat("is required for ", options.host,
                                         ": only a socket or a loopback address may do without"));
  }
  if (options.ssl_certificate.empty() != options.ssl_key.empty()) {
    return Refuse("ssl_key", "a certificate and its key go together");
  }
  if (!options.ssl_certificate.empty() && options.ssl_ca.empty()) {
    return Refuse("ssl_ca", "is required with a certificate");
  }
  for (const auto& [name, duration] : {std::pair("connect_timeout", options.connect_timeout),
                                       std::pair("read_timeout", options.read_timeout),
                                       std::pair("lock_wait_timeout", options.lock_wait_timeout)}) {
    if (duration <= absl::ZeroDuration() || duration > absl::Hours(24)) {
      return Refuse(name, "must be positive and at most a day");
    }
  }
  for (const auto& [name, value] : options.connector_options) {
    QM_RETURN_IF_ERROR(CheckConnectorOption(name, value));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const ConnectionOptions& options) {
  QM_RETURN_IF_ERROR(CheckOptions(options));
  std::unique_ptr<Link> link;
  const auto [code, message] = CatchSql([&] {
    sql::ConnectOptionsMap map = ConnectorOptions(options);
    std::unique_ptr<sql::Connection> opened(GetDriver().connect(map));
    link = std::make_unique<Link>(options, std::move(opened));
  });
  if (code != 0) {
    // Whatever the number, a refused password included: without a connection nothing can be done,
    // and it may be mended without us.
    return status::StorageUnavailable(absl::StrCat("MySQL error ", code, ": ", message));
  }
  auto connection = std::unique_ptr<Connection>(new Connection(std::move(link)));
  QM_RETURN_IF_ERROR(connection->SetUp());
  return connection;
}

absl::Status Connection::SetUp() {
  // The connector sets REPEATABLE READ at every connect, whatever the server's default is.
  absl::StatusOr<std::vector<Rows>> results = RunBatch(
      {{"SET NAMES utf8mb4 COLLATE utf8mb4_bin"},
       {"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"},
       {absl::StrCat(
           "SET SESSION time_zone = '+00:00', autocommit = 1, innodb_lock_wait_timeout = ",
           WholeSeconds(link_->options.lock_wait_timeout),
           ", sql_mode = 'STRICT_ALL_TABLES,STRICT_TRANS_TABLES,ONLY_FULL_GROUP_BY,"
           "NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
           "NO_ENGINE_SUBSTITUTION'",
           mariadb::EndIdleTransactions(link_->options.transaction_idle_max))},
       {"SELECT CONNECTION_ID(), VERSION()"},
       {"SHOW SESSION VARIABLES WHERE Variable_name IN ('tx_isolation', 'transaction_isolation', "
        "'collation_connection', 'time_zone', 'autocommit', 'sql_mode', 'log_bin', 'sql_log_bin', "
        "'binlog_format', "
        "'sync_binlog', 'innodb_flush_log_at_trx_commit', 'read_only', 'hostname', 'port', "
        "'server_id', 'server_uid', 'server_uuid')"},
       {"SHOW SESSION STATUS LIKE 'Ssl_cipher'"}},
      /*has_commit=*/false);
  QM_RETURN_IF_ERROR(results.status());
  const Rows& identity = (*results)[3];
  const Rows& settings = (*results)[4];
  const Rows& cipher = (*results)[5];
  if (identity.empty() || cipher.empty()) {
    return status::StorageUnavailable("the server does not say who it is");
  }
  session_id_ = static_cast<int64_t>(identity[0].Uint64(0));
  is_mariadb_ = absl::StrContains(identity[0].String(1), "MariaDB");
  ssl_cipher_ = cipher[0].String(1);
  std::map<std::string, std::string> variables;
  for (const Row row : settings) variables[absl::AsciiStrToLower(row.String(0))] = row.String(1);

  if (!link_->options.ssl_ca.empty() && ssl_cipher_.empty()) {
    return status::StorageUnavailable("the link is not encrypted although ssl_ca was given");
  }
  const char* isolation = is_mariadb_ ? mariadb::kIsolationVariable : mysql8::kIsolationVariable;
  for (const auto& [name, wanted] :
       {std::pair(isolation, "READ-COMMITTED"), std::pair("collation_connection", "utf8mb4_bin"),
        std::pair("time_zone", "+00:00"), std::pair("autocommit", "ON")}) {
    if (variables[name] != wanted) {
      return status::StorageUnavailable(
          absl::StrCat("the session's ", name, " is ", variables[name], ", not ", wanted));
    }
  }
  server_name_ =
      absl::StrCat(variables["hostname"], ":", variables["port"], "/", variables["server_id"], "/",
                   variables["server_uid"], variables["server_uuid"]);
  durability_ = CheckDurability(variables);
  return absl::OkStatus();
}

DatabaseThread::DatabaseThread() {
  CatchSql([] { GetDriver().threadInit(); });
}

DatabaseThread::~DatabaseThread() {
  CatchSql([] { GetDriver().threadEnd(); });
}

}  // namespace quartermaster::mysql
