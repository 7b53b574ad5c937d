#include "platform/rpc/method_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "grpc/health/v1/health.pb.h"
#include "quartermaster/inventory/v1/ledger.pb.h"

namespace quartermaster::rpc {
namespace {

using ::testing::HasSubstr;

// Both protos must be linked in to be among the generated ones.
const void* const kLinked[] = {grpc::health::v1::HealthCheckRequest::descriptor(),
                               inventory::v1::Movement::descriptor()};

TEST(MethodTableTest, ReadsPermissionAndClass) {
  ASSERT_NE(kLinked[0], nullptr);
  const absl::StatusOr<MethodTable> table =
      MethodTable::Load({"quartermaster.inventory.v1.Ledger"});

  ASSERT_EQ(table.status(), absl::OkStatus());
  const MethodInfo* post = table->Find("quartermaster.inventory.v1.Ledger/PostMovement");
  ASSERT_NE(post, nullptr);
  EXPECT_EQ(post->permission, "ledger.post");
  EXPECT_EQ(post->call_class, CallClass::kPosting);
  EXPECT_EQ(table->Find("quartermaster.inventory.v1.Ledger/ProveConservation")->call_class,
            CallClass::kReport);
  EXPECT_EQ(table->Find("quartermaster.inventory.v1.Ledger/Nothing"), nullptr);
}

TEST(MethodTableTest, RefusesAMethodWithoutAPermission) {
  const absl::Status status = MethodTable::Load({"grpc.health.v1.Health"}).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("grpc.health.v1.Health/Check has no option "
                                                       "(quartermaster.type.v1.permission)"));
}

TEST(MethodTableTest, RefusesAServiceThatIsNotThere) {
  EXPECT_THAT(std::string(MethodTable::Load({"quartermaster.No"}).status().message()),
              HasSubstr("no service quartermaster.No"));
}

}  // namespace
}  // namespace quartermaster::rpc
