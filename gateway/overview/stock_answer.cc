#include "gateway/overview/stock_answer.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <type_traits>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "quartermaster/gateway/v1/overview.pb.h"

namespace quartermaster::gateway {
namespace {

namespace pb = inventory::v1;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// What makes the lines of the one those of the other.
static_assert(int{pb::SummarizeStockResponse::kLinesFieldNumber} ==
              int{v1::Situation::kStockFieldNumber});
static_assert(std::is_same_v<decltype(pb::SummarizeStockResponse().lines(0)),
                             decltype(v1::Situation().stock(0))>);

constexpr uint32_t TagOf(int field_number) {
  return WireFormatLite::MakeTag(field_number, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}

// Moves over the length and the bytes of a field. False if there are not as many.
bool ReadBytes(CodedInputStream& input, const char* begin, absl::string_view& bytes) {
  uint32_t size = 0;
  if (!input.ReadVarint32(&size)) return false;
  bytes = absl::string_view(begin + input.CurrentPosition(), size);
  return input.Skip(static_cast<int>(size));
}

CodedInputStream InputOf(absl::string_view bytes) {
  return CodedInputStream(reinterpret_cast<const uint8_t*>(bytes.data()),
                          static_cast<int>(bytes.size()));
}

// Finds what one line is about; both are written before its amounts.
bool ReadNames(absl::string_view line, absl::string_view& unit, absl::string_view& item) {
  CodedInputStream input = InputOf(line);
  while (unit.empty() || item.empty()) {
    const uint32_t tag = input.ReadTag();
    if (tag == 0) return input.ConsumedEntireMessage();
    bool is_read = false;
    if (tag == TagOf(pb::StockLine::kUnitFieldNumber)) {
      is_read = ReadBytes(input, line.data(), unit);
    } else if (tag == TagOf(pb::StockLine::kItemFieldNumber)) {
      is_read = ReadBytes(input, line.data(), item);
    } else {
      is_read = WireFormatLite::SkipField(&input, tag);
    }
    if (!is_read) return false;
  }
  return true;
}

// Walks over an answer, telling its lines from all else.
class Walk {
 public:
  explicit Walk(absl::string_view bytes) : bytes_(bytes), input_(InputOf(bytes)) {}

  // False if the bytes are not an answer.
  bool Run() {
    while (true) {
      const int start = input_.CurrentPosition();
      const uint32_t tag = input_.ReadTag();
      if (tag == 0) return input_.ConsumedEntireMessage();
      const bool is_line = tag == TagOf(pb::SummarizeStockResponse::kLinesFieldNumber);
      if (is_line ? !ReadLine() : !WireFormatLite::SkipField(&input_, tag)) return false;
      const int end = input_.CurrentPosition();
      if (!is_line) {
        rest_.append(bytes_.data() + start, end - start);
      } else if (!runs_.empty() && runs_.back().second == start) {
        runs_.back().second = end;
      } else {
        runs_.emplace_back(start, end);
      }
    }
  }

  // Where lines begin and end that follow on one another.
  const std::vector<std::pair<int, int>>& runs() const { return runs_; }
  const std::string& rest() const { return rest_; }

  std::vector<std::string> SortedNames() const {
    std::vector<std::string> names(names_.begin(), names_.end());
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  bool ReadLine() {
    absl::string_view line;
    absl::string_view unit;
    absl::string_view item;
    if (!ReadBytes(input_, bytes_.data(), line) || !ReadNames(line, unit, item)) return false;
    // Lines come unit by unit.
    if (unit != last_unit_) names_.insert(unit);
    last_unit_ = unit;
    names_.insert(item);
    return true;
  }

  const absl::string_view bytes_;
  CodedInputStream input_;
  std::vector<std::pair<int, int>> runs_;
  std::string rest_;
  absl::flat_hash_set<absl::string_view> names_;
  absl::string_view last_unit_;
};

absl::Status NotAnAnswer() {
  return absl::InternalError("the answer is not the message that it should be");
}

}  // namespace

absl::StatusOr<StockAnswer> StockAnswer::Read(const grpc::ByteBuffer& bytes) {
  grpc::Slice slice;
  if (!bytes.TrySingleSlice(&slice).ok() && !bytes.DumpToSingleSlice(&slice).ok()) {
    return NotAnAnswer();
  }
  Walk walk({reinterpret_cast<const char*>(slice.begin()), slice.size()});
  StockAnswer answer;
  if (!walk.Run() || !answer.rest_.ParseFromString(walk.rest())) return NotAnAnswer();
  answer.names_ = walk.SortedNames();
  for (const auto& [start, end] : walk.runs()) answer.lines_.push_back(slice.sub(start, end));
  return answer;
}

}  // namespace quartermaster::gateway
