#include "gateway/edge/request_head.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "platform/base/status_macros.h"
#include "platform/status/error.h"

namespace quartermaster::gateway {
namespace {

constexpr size_t kHeadersMax = 100;
constexpr size_t kContentLengthDigitsMax = 15;
constexpr std::array<absl::string_view, 7> kOnlyOnce = {
    "host",         "content-length", "transfer-encoding", "authorization",
    "content-type", "expect",         "traceparent"};

absl::Status Malformed(absl::string_view why) {
  return status::MakeError(absl::StatusCode::kInvalidArgument,
                           absl::StrCat("the request cannot be read: ", why),
                           {.reason = "MALFORMED_REQUEST"});
}

bool IsTokenCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("!#$%&'*+-.^_`|~", absl::string_view(&c, 1));
}

bool IsToken(absl::string_view text) {
  return !text.empty() && std::ranges::all_of(text, IsTokenCharacter);
}

bool IsVisible(absl::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
}

bool IsHeaderValue(absl::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
  });
}

absl::Status CheckRequestLine(absl::string_view line, bool& is_1_1) {
  const std::vector<absl::string_view> parts = absl::StrSplit(line, ' ');
  if (parts.size() != 3) return Malformed("the request line must have three parts");
  if (parts[0].empty() || parts[0].size() > 16 ||
      !std::ranges::all_of(parts[0], [](char c) { return c >= 'A' && c <= 'Z'; })) {
    return Malformed("the method must be a word in upper case");
  }
  if (!absl::StartsWith(parts[1], "/") || !IsVisible(parts[1]) ||
      absl::StrContains(parts[1], "#")) {
    return Malformed("the target must be a path, percent-encoded");
  }
  if (parts[2] != "HTTP/1.1" && parts[2] != "HTTP/1.0") {
    return Malformed("the version must be HTTP/1.1 or HTTP/1.0");
  }
  is_1_1 = parts[2] == "HTTP/1.1";
  return absl::OkStatus();
}

// The headers that decide where a request ends and whom it is for.
struct Framing {
  std::array<int, kOnlyOnce.size()> counts = {};
  std::string content_length;
  std::string transfer_encoding;

  absl::Status Add(absl::string_view name, absl::string_view value) {
    for (size_t i = 0; i < kOnlyOnce.size(); ++i) {
      if (name == kOnlyOnce[i] && ++counts[i] > 1) {
        return Malformed(absl::StrCat("the header ", name, " is given twice"));
      }
    }
    if (name == "content-length") content_length = std::string(value);
    if (name == "transfer-encoding") transfer_encoding = std::string(value);
    return absl::OkStatus();
  }

  absl::Status Check(bool is_1_1) const {
    const bool has_host = counts[0] > 0;
    const bool has_length = counts[1] > 0;
    const bool has_encoding = counts[2] > 0;
    if (is_1_1 && !has_host) return Malformed("HTTP/1.1 needs the header Host");
    if (has_length && has_encoding) {
      return Malformed("Content-Length and Transfer-Encoding cannot be given together");
    }
    if (has_encoding && (!is_1_1 || !absl::EqualsIgnoreCase(transfer_encoding, "chunked"))) {
      return Malformed("the only Transfer-Encoding is chunked, in HTTP/1.1");
    }
    if (has_length && (content_length.empty() || content_length.size() > kContentLengthDigitsMax ||
                       !std::ranges::all_of(content_length, [](char c) {
                         return absl::ascii_isdigit(static_cast<unsigned char>(c));
                       }))) {
      return Malformed("Content-Length must be digits alone");
    }
    return absl::OkStatus();
  }
};

}  // namespace

absl::Status CheckRequestHead(absl::string_view head) {
  std::vector<absl::string_view> lines = absl::StrSplit(head, "\r\n");
  // The head ends with an empty line, so two empty pieces are left at the end.
  if (lines.size() < 3 || !lines[lines.size() - 1].empty() || !lines[lines.size() - 2].empty()) {
    return Malformed("it has no end");
  }
  lines.resize(lines.size() - 2);
  if (lines.size() > kHeadersMax + 1) {
    return Malformed(absl::StrCat("more than ", kHeadersMax, " headers"));
  }
  bool is_1_1 = false;
  QM_RETURN_IF_ERROR(CheckRequestLine(lines[0], is_1_1));
  Framing framing;
  for (size_t i = 1; i < lines.size(); ++i) {
    const size_t colon = lines[i].find(':');
    const absl::string_view name = lines[i].substr(0, colon);
    if (colon == absl::string_view::npos || !IsToken(name)) {
      return Malformed("a header must be a name, a colon and a value");
    }
    const absl::string_view value = lines[i].substr(colon + 1);
    if (!IsHeaderValue(value)) return Malformed("a header holds a control character");
    QM_RETURN_IF_ERROR(framing.Add(absl::AsciiStrToLower(name), absl::StripAsciiWhitespace(value)));
  }
  return framing.Check(is_1_1);
}

bool HasBareLineFeed(absl::string_view text) {
  for (size_t at = text.find('\n'); at != absl::string_view::npos; at = text.find('\n', at + 1)) {
    if (at == 0 || text[at - 1] != '\r') return true;
  }
  return false;
}

}  // namespace quartermaster::gateway
