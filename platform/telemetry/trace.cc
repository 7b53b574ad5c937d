#include "platform/telemetry/trace.h"

#include <openssl/rand.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/base/sha256.h"

namespace quartermaster::telemetry {
namespace {

bool IsLowerHex(absl::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsAllZero(absl::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c == '0'; });
}

// Random bytes of one thread, drawn many at a time: to ask OpenSSL costs more for its locks than
// for its bytes, and each call of a service takes some.
class RandomBytes {
 public:
  // At most `kSize`.
  absl::string_view Take(size_t count) {
    if (left_.size() < count) {
      QM_CHECK(RAND_bytes(bytes_, kSize) == 1);
      left_ = absl::string_view(reinterpret_cast<const char*>(bytes_), kSize);
    }
    const absl::string_view taken = left_.substr(0, count);
    left_.remove_prefix(count);
    return taken;
  }

 private:
  static constexpr int kSize = 1024;
  unsigned char bytes_[kSize];
  absl::string_view left_;
};

std::string RandomHex(size_t byte_count) {
  thread_local RandomBytes random;
  absl::string_view bytes;
  do {
    bytes = random.Take(byte_count);
  } while (std::ranges::all_of(bytes, [](char c) { return c == '\0'; }));
  return base::ToHex(bytes);
}

}  // namespace

std::optional<base::TraceContext> ParseTraceparent(absl::string_view text) {
  // 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
  constexpr size_t kLength = 55;
  if (text.size() < kLength || text[2] != '-' || text[35] != '-' || text[52] != '-') {
    return std::nullopt;
  }
  const absl::string_view version = text.substr(0, 2);
  const absl::string_view trace_id = text.substr(3, 32);
  const absl::string_view span_id = text.substr(36, 16);
  const absl::string_view flags = text.substr(53, 2);
  if (!IsLowerHex(version) || !IsLowerHex(trace_id) || !IsLowerHex(span_id) || !IsLowerHex(flags) ||
      version == "ff" || IsAllZero(trace_id) || IsAllZero(span_id)) {
    return std::nullopt;
  }
  if (text.size() > kLength && (version == "00" || text[kLength] != '-')) return std::nullopt;
  return base::TraceContext{.trace_id = std::string(trace_id), .span_id = std::string(span_id)};
}

std::string RenderTraceparent(const base::TraceContext& trace) {
  return absl::StrCat("00-", trace.trace_id, "-", trace.span_id, "-01");
}

base::TraceContext StartTrace() { return {.trace_id = RandomHex(16), .span_id = RandomHex(8)}; }

base::TraceContext StartSpan(const base::TraceContext& parent) {
  return {.trace_id = parent.trace_id, .span_id = RandomHex(8)};
}

}  // namespace quartermaster::telemetry
