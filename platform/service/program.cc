#include "platform/service/program.h"

#include <optional>
#include <utility>

#include "absl/time/clock.h"
#include "platform/base/status_macros.h"
#include "platform/log/log.h"
#include "platform/mysql/connection.h"
#include "platform/status/error.h"

namespace quartermaster::service {
namespace {

// Readiness is asked once a second; who waits longer for the database is not ready.
constexpr absl::Duration kCheckTimeMax = absl::Seconds(1);
constexpr int kConnectionsBesideCalls = 2;
constexpr int kRecordsConnections = 3;

// What the client library keeps for each thread, on those that run calls.
thread_local std::optional<mysql::DatabaseThread> database_thread;

rpc::Executors::Options WithDatabaseThreads(rpc::Executors::Options options) {
  options.thread_started = [] { database_thread.emplace(); };
  options.thread_ended = [] { database_thread.reset(); };
  return options;
}

mysql::PoolOptions PoolOf(const ServiceOptions& options, int size_max) {
  return {.connection = options.database,
          .size_max = size_max,
          .durability_age_max = options.durability_age_max};
}

absl::StatusOr<std::unique_ptr<auth::Authenticator>> MakeAuthenticator(
    auth::ServiceAuthenticator::Options options) {
  options.on_file_problem = [](const absl::Status& problem) {
    log::Error("who may call cannot be read", {{"why", problem.message()}});
  };
  return auth::ServiceAuthenticator::Make(std::move(options));
}

}  // namespace

Pools::Pools(const ServiceOptions& options)
    : reads(PoolOf(options, options.server.executors.read.thread_count + kConnectionsBesideCalls)),
      writes(PoolOf(options, options.server.executors.write.thread_count)),
      postings(PoolOf(options, options.server.executors.posting.thread_count)),
      reports(PoolOf(options, options.server.executors.report.thread_count)),
      records(PoolOf(options, kRecordsConnections)) {}

std::vector<mysql::NamedPool> Pools::named() {
  return {{"reads", reads},
          {"writes", writes},
          {"postings", postings},
          {"reports", reports},
          {"records", records}};
}

absl::StatusOr<std::unique_ptr<Program>> Program::Make(const ServiceOptions& options,
                                                       const Parts& parts) {
  QM_ASSIGN_OR_RETURN(rpc::MethodTable methods, rpc::MethodTable::Load(parts.interfaces));
  std::unique_ptr<auth::Authenticator> authenticator;
  if (parts.authenticator == nullptr) {
    QM_ASSIGN_OR_RETURN(authenticator, MakeAuthenticator(options.authenticator));
  }
  return std::unique_ptr<Program>(
      new Program(options, parts, std::move(methods), std::move(authenticator)));
}

Program::Program(const ServiceOptions& options, const Parts& parts, rpc::MethodTable methods,
                 std::unique_ptr<auth::Authenticator> authenticator)
    : options_(options),
      migrations_(parts.migrations),
      clock_(parts.clock == nullptr ? system_clock_ : *parts.clock),
      uuids_(clock_),
      metrics_(parts.name),
      methods_(std::move(methods)),
      authenticator_(std::move(authenticator)),
      pools_(options),
      executors_(WithDatabaseThreads(options.server.executors), clock_),
      serve_({methods_, authenticator_ == nullptr ? *parts.authenticator : *authenticator_,
              executors_, metrics_, clock_},
             options.server.limits) {
  readiness_.AddCheck("schema", [this] {
    return mysql::CheckSchema(pools_.reads, migrations_, absl::Now() + kCheckTimeMax);
  });
  readiness_.AddCheck("database", [this]() -> absl::Status {
    QM_ASSIGN_OR_RETURN(const mysql::DurabilityReport report, pools_.reads.JudgeDurability());
    return report.ok() ? absl::OkStatus() : status::StorageUnavailable(report.ToString());
  });
}

void Program::StartSealing(const records::SealerOptions& options) {
  sealer_ = std::make_unique<records::Sealer>(pools_.records, clock_, uuids_, options, metrics_);
  sealer_->Start();
}

rpc::ServerParts Program::PartsToServe(std::vector<grpc::Service*> services,
                                       std::function<void()> on_draining) {
  return {.services = std::move(services),
          .serve = serve_,
          .executors = executors_,
          .metrics = metrics_,
          .readiness = readiness_,
          .schema_version = std::string(migrations_.back().name),
          .on_draining = std::move(on_draining)};
}

int Program::Run(std::vector<grpc::Service*> services, std::function<void()> on_draining) {
  return rpc::RunServer(options_.server, PartsToServe(std::move(services), std::move(on_draining)));
}

}  // namespace quartermaster::service
