#include "tests/harness/inventory_server.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "inventory_migrations.h"
#include "platform/base/check.h"
#include "platform/log/log.h"
#include "platform/mysql/connection.h"
#include "platform/status/error.h"

namespace quartermaster::testing {
namespace {

constexpr int kThreads = 8;

// Keeps the log down to what should not happen, for this program.
void QuietLog() {
  static const bool is_started =
      log::Start({.service = "inventory-svc", .level = log::Level::kWarning}).ok();
  QM_CHECK(is_started);
}

// Leads to the database as the service does in production: as a user who may do what
// `runtime.grants` lists, and nothing else. Made once for each database.
mysql::ConnectionOptions ServingUser(TestDatabase& database) {
  static auto* const users = new std::map<std::string, mysql::ConnectionOptions>;
  const auto known = users->find(database.name());
  if (known != users->end()) return known->second;
  mysql::ConnectionOptions serving = database.options();
  serving.user = absl::StrCat("serve_", database.name());
  std::vector<mysql::Statement> statements = {
      {absl::StrCat("CREATE USER '", serving.user, "'@'localhost'")}};
  std::ifstream file(QM_RUNTIME_GRANTS);
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> parts = absl::StrSplit(line, " ON ");
    if (absl::StartsWith(line, "#") || parts.size() != 2) continue;
    statements.push_back({absl::StrCat("GRANT ", parts[0], " ON `", database.name(), "`.", parts[1],
                                       " TO '", serving.user, "'@'localhost'")});
  }
  QM_CHECK(statements.size() > 2);
  const auto connection = mysql::Connection::Open(database.options());
  QM_CHECK(connection.ok());
  for (const mysql::Statement& statement : statements) {
    const absl::Status granted = (*connection)->Query(statement.sql).status();
    if (granted.ok()) continue;
    std::fprintf(stderr, "%s: %s\n", statement.sql.c_str(), granted.ToString().c_str());
    std::abort();
  }
  (*users)[database.name()] = serving;
  return serving;
}

service::ServiceOptions ServiceOptionsOf(TestDatabase& database) {
  service::ServiceOptions options = {.database = ServingUser(database)};
  const rpc::Executors::ClassOptions threads = {.thread_count = kThreads, .queue_max = 256};
  options.server.executors = {
      .read = threads, .write = threads, .posting = threads, .report = threads};
  return options;
}

std::unique_ptr<service::Program> MakeProgram(TestDatabase& database, const base::Clock& clock,
                                              auth::Authenticator& authenticator) {
  auto program =
      service::Program::Make(ServiceOptionsOf(database), {.name = "inventory",
                                                          .interfaces = inventory::ServiceNames(),
                                                          .migrations = InventoryMigrations(),
                                                          .clock = &clock,
                                                          .authenticator = &authenticator});
  QM_CHECK(program.ok());
  return *std::move(program);
}

}  // namespace

absl::StatusOr<base::Caller> FakeAuthenticator::Authenticate(const auth::Credentials& credentials,
                                                             absl::Time) {
  base::MutexLock lock(&mutex_);
  const auto caller = callers_.find(credentials.authorization);
  if (caller == callers_.end()) return status::CredentialsInvalid("nobody of that name");
  return caller->second;
}

void FakeAuthenticator::Grant(const std::string& name, const std::string& unit,
                              const std::vector<std::string>& permissions, absl::Time end_time) {
  base::MutexLock lock(&mutex_);
  base::Caller& caller = callers_[name];
  caller.name = name;
  caller.grants.push_back({.unit = unit,
                           .permissions = std::make_shared<const base::PermissionSet>(
                               permissions.begin(), permissions.end()),
                           .end_time = end_time});
}

void FakeAuthenticator::Revoke(const std::string& name) {
  base::MutexLock lock(&mutex_);
  callers_[name] = {.name = name};
}

InventoryServer::InventoryServer(TestDatabase& database, const Options& options)
    : clock_(options.clock_ahead),
      program_(
          MakeProgram(database, clock_,
                      options.authenticator == nullptr ? authenticator_ : *options.authenticator)),
      lanes_({.connection = ServingUser(database), .size_max = kThreads}),
      inventory_({program_->pools(), lanes_}, clock_, program_->uuids(), program_->serve(),
                 program_->metrics(), options.inventory) {
  inventory_.AddChecks(program_->readiness());
  inventory_.AddMetrics(program_->metrics());
}

std::unique_ptr<InventoryServer> InventoryServer::Start(TestDatabase& database,
                                                        const Options& options) {
  QuietLog();
  std::unique_ptr<InventoryServer> made(new InventoryServer(database, options));
  QM_CHECK(made->inventory_.Refresh(absl::Now() + absl::Seconds(10)).ok());
  if (options.refreshes) made->inventory_.StartRefreshing();
  if (options.seals) {
    made->program_->StartSealing(
        {.interval = absl::Milliseconds(5), .lease_time = absl::Seconds(2)});
    made->inventory_.StartFeed(made->metrics());
  }
  if (options.keeps_history) {
    made->inventory_.StartHistory({.interval = absl::Milliseconds(5),
                                   .writer = {.settle_time = absl::Milliseconds(50),
                                              .close_interval = absl::Milliseconds(20)}},
                                  made->metrics());
  }
  absl::StatusOr<std::unique_ptr<rpc::Server>> server = rpc::Server::Start(
      options.server,
      made->program_->PartsToServe(made->inventory_.services(),
                                   [inventory = &made->inventory_] { inventory->EndStreams(); }));
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", server.status().ToString().c_str());
    std::abort();
  }
  made->server_ = *std::move(server);
  grpc::ChannelArguments arguments;
  // Servers of one test program would share a connection otherwise, a stopped one's too.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  made->channel_ = grpc::CreateCustomChannel(made->server_->address(),
                                             grpc::InsecureChannelCredentials(), arguments);
  return made;
}

InventoryServer::~InventoryServer() {
  if (server_ != nullptr) server_->Drain();
}

void InventoryServer::Prepare(grpc::ClientContext& context, const std::string& caller,
                              absl::Duration timeout) const {
  if (!caller.empty()) context.AddMetadata("authorization", caller);
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
}

}  // namespace quartermaster::testing
