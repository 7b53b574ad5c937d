#include "gateway/routes/metadata.h"

#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <vector>

#include "platform/status/error.h"

namespace quartermaster::gateway {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

absl::StatusOr<CallerMetadata> Take(const Pairs& pairs) {
  std::multimap<grpc::string_ref, grpc::string_ref> metadata;
  for (const auto& [key, value] : pairs) metadata.emplace(key, value);
  return TakeMetadata(metadata);
}

std::string ReasonOf(const Pairs& pairs) { return status::GetReason(Take(pairs).status()); }

TEST(TakeMetadataTest, TakesWhoAsksAndTheTraceAndNothingElse) {
  const auto taken = Take({{"authorization", "Bearer x"},
                           {"traceparent", "00-1"},
                           {"qm-identity", "forged"},
                           {"user-agent", "grpc-c++"}});

  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->authorization, "Bearer x");
  EXPECT_EQ(taken->traceparent, "00-1");
}

TEST(TakeMetadataTest, RefusesTwoAnswersToTheSameQuestion) {
  EXPECT_EQ(ReasonOf({{"authorization", "Bearer x"}, {"authorization", "Bearer y"}}),
            "CREDENTIALS_INVALID");
  EXPECT_EQ(Take({{"traceparent", "a"}, {"traceparent", "b"}})->traceparent, "");
}

TEST(TakeMetadataTest, RefusesBinaryKeysButThoseOfGrpcItself) {
  EXPECT_EQ(ReasonOf({{"x-bin", "a"}}), "METADATA_NOT_ALLOWED");
  EXPECT_EQ(ReasonOf({{"grpc-status-details-bin", "a"}}), "METADATA_NOT_ALLOWED");
  EXPECT_TRUE(Take({{"grpc-trace-bin", "a"}, {"grpc-tags-bin", "b"}}).ok());
}

TEST(TakeMetadataTest, BoundsAllButTheToken) {
  const auto of_size = [](size_t bytes) { return std::string(bytes - 32 - 1, 'v'); };
  EXPECT_TRUE(Take({{"k", of_size(kMetadataBytesMax)}}).ok());
  EXPECT_EQ(ReasonOf({{"k", of_size(kMetadataBytesMax + 1)}}), "METADATA_TOO_LARGE");
  Pairs many;
  for (int i = 0; i < 70; ++i) many.emplace_back("k", "");
  EXPECT_EQ(ReasonOf(many), "METADATA_TOO_LARGE");
  EXPECT_TRUE(Take({{"authorization", std::string(5000, 't')}}).ok());
}

}  // namespace
}  // namespace quartermaster::gateway
