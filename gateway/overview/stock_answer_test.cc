#include "gateway/overview/stock_answer.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "quartermaster/gateway/v1/overview.pb.h"

namespace quartermaster::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

inventory::v1::SummarizeStockResponse AnAnswer() {
  inventory::v1::SummarizeStockResponse answer;
  const auto add = [&](const std::string& unit, const std::string& item, int64_t available) {
    inventory::v1::StockLine& line = *answer.add_lines();
    line.set_unit(unit);
    line.set_item(item);
    line.set_available(available);
    line.set_base_unit("piece");
  };
  add("units/qinghe", "items/water", 1200);
  add("units/qinghe", "items/mask", 5);
  add("units/east", "items/mask", int64_t{1} << 62);
  answer.mutable_read_time()->set_seconds(7);
  return answer;
}

grpc::ByteBuffer BufferOf(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

v1::Situation SituationOf(const StockAnswer& answer) {
  std::string bytes;
  for (const grpc::Slice& slice : answer.lines()) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  v1::Situation situation;
  EXPECT_TRUE(situation.ParseFromString(bytes));
  return situation;
}

void ExpectLinesOf(const inventory::v1::SummarizeStockResponse& answer,
                   const v1::Situation& situation) {
  ASSERT_EQ(situation.stock_size(), answer.lines_size());
  for (int i = 0; i < answer.lines_size(); ++i) {
    EXPECT_EQ(situation.stock(i).SerializeAsString(), answer.lines(i).SerializeAsString());
  }
}

TEST(StockAnswerTest, LinesAreThoseOfASituation) {
  inventory::v1::SummarizeStockResponse sent = AnAnswer();
  sent.mutable_sealed_moment()->set_sequence(99);

  const auto answer = StockAnswer::Read(BufferOf(sent.SerializeAsString()));

  ASSERT_TRUE(answer.ok()) << answer.status();
  ExpectLinesOf(sent, SituationOf(*answer));
  EXPECT_THAT(answer->names(),
              ElementsAre("items/mask", "items/water", "units/east", "units/qinghe"));
  EXPECT_EQ(answer->rest().sealed_moment().sequence(), 99);
  EXPECT_EQ(answer->rest().lines_size(), 0);
}

TEST(StockAnswerTest, TakesWhatANewerServiceSays) {
  // Fields 100, of a line and of the answer.
  const std::string unknown = "\xA0\x06\x01";
  inventory::v1::SummarizeStockResponse sent = AnAnswer();
  std::string line = sent.lines(0).SerializeAsString() + unknown;
  std::string bytes = unknown;
  absl::StrAppend(&bytes, "\x0A", std::string(1, static_cast<char>(line.size())), line, unknown,
                  sent.SerializeAsString());

  const auto answer = StockAnswer::Read(BufferOf(bytes));

  ASSERT_TRUE(answer.ok()) << answer.status();
  const v1::Situation situation = SituationOf(*answer);
  ASSERT_EQ(situation.stock_size(), 4);
  EXPECT_EQ(situation.stock(0).SerializeAsString(), line);
  EXPECT_EQ(situation.stock(1).available(), 1200);
}

TEST(StockAnswerTest, ComesInPieces) {
  const std::string bytes = AnAnswer().SerializeAsString();
  std::vector<grpc::Slice> slices;
  for (const char byte : bytes) slices.emplace_back(&byte, 1);

  const auto answer = StockAnswer::Read(grpc::ByteBuffer(slices.data(), slices.size()));

  ASSERT_TRUE(answer.ok()) << answer.status();
  ExpectLinesOf(AnAnswer(), SituationOf(*answer));
}

TEST(StockAnswerTest, MayBeEmpty) {
  const auto answer = StockAnswer::Read(BufferOf(""));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(answer->names(), IsEmpty());
  EXPECT_EQ(SituationOf(*answer).stock_size(), 0);
}

// Every cut of an answer either ends between two fields or is refused.
TEST(StockAnswerTest, RefusesWhatIsCutOff) {
  const std::string bytes = AnAnswer().SerializeAsString();
  for (size_t size = 0; size < bytes.size(); ++size) {
    const std::string cut = bytes.substr(0, size);
    inventory::v1::SummarizeStockResponse parsed;
    const auto answer = StockAnswer::Read(BufferOf(cut));
    EXPECT_EQ(answer.ok(), parsed.ParseFromString(cut)) << size;
    if (answer.ok()) ExpectLinesOf(parsed, SituationOf(*answer));
  }
}

TEST(StockAnswerTest, RefusesNamesThatReachBeyondTheirLine) {
  // A line of two bytes, whose unit says that it has five.
  EXPECT_EQ(StockAnswer::Read(BufferOf(std::string("\x0A\x02\x0A\x05units", 9))).status().code(),
            absl::StatusCode::kInternal);
  // A group that ends before it began.
  EXPECT_EQ(StockAnswer::Read(BufferOf("\x0C")).status().code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace quartermaster::gateway
