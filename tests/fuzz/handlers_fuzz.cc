// The gRPC handlers of the inventory service, over a real port, on a real database, called by who
// may do everything. An input is the path of a method, a line end, and the request: as JSON, or as
// bytes of the wire after a `!`.
//
// No answer is a failure of ours (INTERNAL, UNKNOWN, DATA_LOSS), none comes late, and whatever was
// posted, the books hold.

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "gateway/transcode/json_reader.h"
#include "google/protobuf/message.h"
#include "platform/base/check.h"
#include "platform/mysql/connection.h"
#include "tests/fuzz/fuzz.h"
#include "tests/service/ledger_test.h"

namespace quartermaster::testing {
namespace {

// Between two looks at the books.
constexpr int kInputCountBetweenLooks = 2000;

// The tree, items and lots of the ledger's own tests, for one long test.
class World : public LedgerTest {
 public:
  World() {
    server_->authenticator().Grant(
        kClerk, "units/city",
        {"units.manage", "units.read", "catalog.manage", "catalog.read", "transfers.read",
         "transfers.create", "transfers.dispatch", "transfers.receive", "transfers.resolve"});
  }
  void TestBody() override {}

  grpc::Status Call(const std::string& path, const std::string& request) {
    grpc::ClientContext context;
    server_->Prepare(context, kClerk, absl::Seconds(30));
    grpc::GenericStub stub(server_->channel());
    grpc::CompletionQueue queue;
    grpc::Slice slice(request);
    const grpc::ByteBuffer bytes(&slice, 1);
    auto call = stub.PrepareUnaryCall(&context, path, bytes, &queue);
    call->StartCall();
    grpc::ByteBuffer answer;
    grpc::Status status;
    call->Finish(&answer, &status, nullptr);
    void* tag;
    bool is_ok;
    QM_CHECK(queue.Next(&tag, &is_ok));
    return status;
  }

  void LookAtBooks() {
    for (const std::string& violation : FindBookViolations(database_.pool())) {
      std::fprintf(stderr, "%s\n", violation.c_str());
      std::abort();
    }
  }
};

World& TheWorld() {
  static const auto* const thread = new mysql::DatabaseThread();
  static auto* const world = [] {
    std::atexit(DropSharedDatabases);
    return new World();
  }();
  static_cast<void>(thread);
  return *world;
}

// Returns the request that the JSON says, or nothing if it says none.
std::optional<std::string> FromJson(absl::string_view path, absl::string_view json) {
  const auto* pool = v1::Movement::descriptor()->file()->pool();
  const auto* method =
      pool->FindMethodByName(absl::StrReplaceAll(absl::StripPrefix(path, "/"), {{"/", "."}}));
  if (method == nullptr) return std::nullopt;
  const std::unique_ptr<google::protobuf::Message> message(
      google::protobuf::MessageFactory::generated_factory()
          ->GetPrototype(method->input_type())
          ->New());
  if (!gateway::ReadJson(json, *message).ok()) return std::nullopt;
  return message->SerializeAsString();
}

}  // namespace

void TryInput(absl::string_view input) {
  static int count = 0;
  const size_t line_end = input.find('\n');
  if (line_end == absl::string_view::npos || line_end == 0 || line_end > 200) return;
  const std::string path(input.substr(0, line_end));
  absl::string_view request = input.substr(line_end + 1);
  std::optional<std::string> bytes;
  if (absl::ConsumePrefix(&request, "!")) {
    bytes = std::string(request);
  } else {
    bytes = FromJson(path, request);
  }
  if (!bytes.has_value()) return;
  World& world = TheWorld();
  const grpc::Status answer = world.Call(path, *bytes);
  switch (answer.error_code()) {
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::UNKNOWN:
    case grpc::StatusCode::DATA_LOSS:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      std::fprintf(stderr, "%s: %s\n", path.c_str(), answer.error_message().c_str());
      std::abort();
    default:
      break;
  }
  if (++count % kInputCountBetweenLooks == 0) world.LookAtBooks();
}

}  // namespace quartermaster::testing
