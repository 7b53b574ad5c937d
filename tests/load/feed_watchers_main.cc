// Follows the feed with many streams at once, from one process: `feed-watchers ADDRESS COUNT
// CALLER`. Ends when it is told to (SIGTERM).

#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "quartermaster/inventory/v1/records.grpc.pb.h"

namespace quartermaster {
namespace {

// As many as a server takes on one connection.
constexpr int kStreamsPerChannel = 100;

// One stream, whose batches are read and dropped.
class Follower final : public grpc::ClientReadReactor<type::v1::RecordBatch> {
 public:
  Follower(inventory::v1::Records::Stub& stub, const std::string& caller) {
    context_.AddMetadata("authorization", caller);
    stub.async()->Watch(&context_, &request_, this);
    StartRead(&batch_);
    StartCall();
  }

 private:
  void OnReadDone(bool ok) override {
    if (ok) StartRead(&batch_);
  }
  void OnDone(const grpc::Status& status) override {
    if (!status.ok()) std::cerr << status.error_message() << "\n";
  }

  grpc::ClientContext context_;
  const inventory::v1::WatchRequest request_;
  type::v1::RecordBatch batch_;
};

int Follow(const std::string& address, int count, const std::string& caller) {
  std::vector<std::unique_ptr<inventory::v1::Records::Stub>> stubs;
  std::vector<std::unique_ptr<Follower>> followers;
  for (int i = 0; i < count; ++i) {
    if (i % kStreamsPerChannel == 0) {
      grpc::ChannelArguments arguments;
      arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      stubs.push_back(inventory::v1::Records::NewStub(
          grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments)));
    }
    followers.push_back(std::make_unique<Follower>(*stubs.back(), caller));
  }
  while (true) pause();
}

}  // namespace
}  // namespace quartermaster

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "feed-watchers ADDRESS COUNT CALLER\n";
    return 2;
  }
  return quartermaster::Follow(argv[1], std::atoi(argv[2]), argv[3]);
}
