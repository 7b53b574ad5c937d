#include "platform/rpc/server.h"

#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/base/status_macros.h"
#include "platform/rpc/address_file.h"
#include "platform/rpc/listen_probe.h"
#include "platform/rpc/malformed_requests.h"
#include "platform/rpc/tls.h"
#include "platform/telemetry/process_metrics.h"

namespace quartermaster::rpc {
namespace {

// What a process manager takes for "try again" (EX_TEMPFAIL).
constexpr int kExitHanging = 75;
constexpr absl::Duration kReadinessPeriod = absl::Seconds(1);
// Enough to say what hangs.
constexpr size_t kDescribedCallsMax = 20;

void LogForGrpc(gpr_log_func_args* args) {
  const log::Level level =
      args->severity == GPR_LOG_SEVERITY_ERROR ? log::Level::kWarning : log::Level::kDebug;
  if (log::IsOn(level)) log::Write(level, "grpc", {log::Field("text", args->message)});
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeCredentials(
    const ServerOptions& options) {
  const std::string& prefix = options.setting_prefix;
  if (options.is_plaintext) {
    if (IsLoopback(options.address)) return grpc::InsecureServerCredentials();
    return absl::FailedPreconditionError(
        absl::StrCat(prefix, "RPC_PLAINTEXT=true is possible on loopback only, and ", prefix,
                     "RPC_ADDRESS is ", options.address));
  }
  if (options.certificate_file.empty() || options.key_file.empty() ||
      options.client_ca_file.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "TLS needs ", prefix, "TLS_CERTIFICATE_FILE, ", prefix, "TLS_KEY_FILE and ", prefix,
        "TLS_CLIENT_CA_FILE; ", prefix, "RPC_PLAINTEXT=true does without, on loopback only"));
  }
  return MakeServerCredentials({.certificate = options.certificate_file,
                                .key = options.key_file,
                                .ca = options.client_ca_file,
                                .refresh_interval = options.tls_refresh_interval},
                               options.client_certificate == ClientCertificate::kRequired);
}

int ToMilliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

void SetLimits(const ServerOptions& options, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(options.receive_bytes_max);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, options.metadata_bytes_max);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.streams_per_connection_max);
  grpc::ResourceQuota quota(options.program);
  quota.Resize(static_cast<size_t>(options.memory_bytes_max));
  builder.SetResourceQuota(quota);
  // Otherwise a second server would share the port in silence and get half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                             ToMilliseconds(options.connection_age_max));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                             ToMilliseconds(options.connection_age_grace));
  // Clients ping once a minute (`MakeChannel`), other systems perhaps twice; the default of five
  // minutes would answer them with GOAWAY.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  // The reflection service is of the synchronous kind: two threads are plenty for it.
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
}

}  // namespace

class Server::Impl {
 public:
  Impl(const ServerOptions& options, const ServerParts& parts) : options_(options), parts_(parts) {}

  absl::Status Start() {
    gpr_set_log_function(LogForGrpc);
    QM_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ServerCredentials> credentials,
                        MakeCredentials(options_));
    QM_RETURN_IF_ERROR(Listen(credentials));
    UpdateHealth();
    telemetry::AddProcessMetrics(parts_.metrics);
    QM_ASSIGN_OR_RETURN(admin_, telemetry::AdminServer::Start({.address = options_.admin_address},
                                                              parts_.metrics, parts_.readiness));
    watcher_ = std::jthread([this](std::stop_token stop) { WatchReadiness(std::move(stop)); });
    if (parts_.on_started != nullptr) QM_RETURN_IF_ERROR(parts_.on_started(*server_));
    QM_RETURN_IF_ERROR(WriteAddressFile(options_.admin_address_file, admin_->address()));
    QM_RETURN_IF_ERROR(WriteAddressFile(options_.address_file, address_));
    LogStart();
    return absl::OkStatus();
  }

  ~Impl() { Drain(); }

  void Drain() {
    if (server_ == nullptr) return;
    log::Info("draining", {{"live_calls", parts_.serve.live_calls().count()}});
    parts_.readiness.Drain();
    UpdateHealth();
    absl::SleepFor(options_.drain_notice);
    if (parts_.on_draining != nullptr) parts_.on_draining();
    StopWatcher();
    {
      const std::jthread watchdog([this](std::stop_token stop) { WatchDrain(std::move(stop)); });
      server_->Shutdown(absl::ToChronoTime(absl::Now() + options_.drain_time));
      server_->Wait();
    }
    server_.reset();
    admin_.reset();
    log::Info("drained");
  }

  const std::string& address() const { return address_; }
  const std::string& admin_address() const { return admin_->address(); }

 private:
  absl::Status Listen(const std::shared_ptr<grpc::ServerCredentials>& credentials) {
    grpc::EnableDefaultHealthCheckService(true);
    if (options_.has_reflection) grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    SetLimits(options_, builder);
    int port = 0;
    builder.AddListeningPort(options_.address, credentials, &port);
    for (grpc::Service* service : parts_.services) builder.RegisterService(service);
    if (parts_.generic_service != nullptr) {
      builder.RegisterCallbackGenericService(parts_.generic_service);
    }
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>
        interceptors;
    interceptors.push_back(MakeMalformedRequestAnswers(parts_.byte_methods));
    builder.experimental().SetInterceptorCreators(std::move(interceptors));
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0) {
      server_.reset();
      return absl::FailedPreconditionError(absl::StrCat(
          "cannot take calls on ", options_.address, ": ", FindWhyNotListening(options_.address),
          "; ", options_.setting_prefix, "RPC_ADDRESS says where"));
    }
    address_ =
        absl::StartsWith(options_.address, "unix:")
            ? options_.address
            : absl::StrCat(options_.address.substr(0, options_.address.rfind(':')), ":", port);
    return absl::OkStatus();
  }

  void UpdateHealth() {
    const std::vector<telemetry::Readiness::Failure> failures = parts_.readiness.FindFailures();
    const bool is_ready = failures.empty();
    grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
    health->SetServingStatus("", is_ready);
    health->SetServingStatus("readiness", is_ready);
    health->SetServingStatus("liveness", true);
    if (is_ready != was_ready_.exchange(is_ready)) {
      const std::string why = absl::StrJoin(failures, "; ", [](std::string* out, const auto& f) {
        absl::StrAppend(out, f.check, ": ", f.why);
      });
      log::Info(is_ready ? "ready" : "not ready", {{"why", why}});
    }
  }

  void WatchReadiness(std::stop_token stop) {
    const std::stop_callback wake(stop, [this] {
      base::MutexLock lock(&watcher_mutex_);
      watcher_stopped_ = true;
      watcher_wakes_.SignalAll();
    });
    while (true) {
      {
        base::MutexLock lock(&watcher_mutex_);
        if (watcher_wakes_.AwaitWithTimeout(&watcher_mutex_, kReadinessPeriod,
                                            [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(watcher_mutex_) {
                                              return watcher_stopped_;
                                            })) {
          return;
        }
      }
      UpdateHealth();
    }
  }

  void StopWatcher() {
    if (!watcher_.joinable()) return;
    watcher_.request_stop();
    watcher_.join();
  }

  // gRPC's Shutdown cancels what is left after the drain time but waits for ever for handlers that
  // do not finish. Calls that wait in our queues are answered here; those that run cannot be ended
  // from outside, since their threads still use request and response.
  void WatchDrain(std::stop_token stop) {
    base::Mutex mutex;
    base::CondVar over;
    bool is_over = false;
    const std::stop_callback wake(stop, [&] {
      base::MutexLock lock(&mutex);
      is_over = true;
      over.SignalAll();
    });
    const auto wait = [&](absl::Duration duration) {
      base::MutexLock lock(&mutex);
      return over.AwaitWithTimeout(&mutex, duration, [&is_over] { return is_over; });
    };
    if (wait(options_.drain_time)) return;
    parts_.executors.RefuseWork();
    if (wait(options_.exit_grace)) return;
    const std::vector<std::string> hanging =
        parts_.serve.live_calls().Describe(absl::Now(), kDescribedCallsMax);
    log::Error("calls hang, ending the process",
               {{"calls", absl::StrJoin(hanging, ", ")}, {"exit_code", kExitHanging}});
    log::Stop();
    _exit(kExitHanging);
  }

  void LogStart() const {
    log::Info("serving", {{"program", options_.program},
                          {"version", QM_VERSION},
                          {"address", address_},
                          {"admin_address", admin_->address()},
                          {"schema_version", parts_.schema_version},
                          {"tls", !options_.is_plaintext},
                          {"read_threads", options_.executors.read.thread_count},
                          {"write_threads", options_.executors.write.thread_count},
                          {"posting_threads", options_.executors.posting.thread_count},
                          {"report_threads", options_.executors.report.thread_count},
                          {"queued_bytes_max", options_.executors.queued_bytes_max},
                          {"receive_bytes_max", options_.receive_bytes_max},
                          {"memory_bytes_max", options_.memory_bytes_max},
                          {"deadline_max", options_.limits.deadline_max},
                          {"drain_time", options_.drain_time}});
  }

  const ServerOptions options_;
  const ServerParts parts_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<telemetry::AdminServer> admin_;
  std::atomic<bool> was_ready_ = true;
  base::Mutex watcher_mutex_;
  base::CondVar watcher_wakes_;
  bool watcher_stopped_ ABSL_GUARDED_BY(watcher_mutex_) = false;
  std::jthread watcher_;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                                      const ServerParts& parts) {
  auto impl = std::make_unique<Impl>(options, parts);
  QM_RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

const std::string& Server::address() const { return impl_->address(); }
const std::string& Server::admin_address() const { return impl_->admin_address(); }
void Server::Drain() { impl_->Drain(); }

}  // namespace quartermaster::rpc
