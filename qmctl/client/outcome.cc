#include "qmctl/client/outcome.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "platform/status/error.h"
#include "qmctl/io/display.h"

namespace quartermaster::qmctl {
namespace {

// What to do about an error, by its reason or, without a row for that, by its code.
struct Advice {
  const char* reason;
  const char* english;
  const char* chinese;
};
constexpr Advice kByReason[] = {
    {"CREDENTIALS_INVALID",
     "get a new token and give it by --token-file or QMCTL_TOKEN; for the demo: --as PERSON",
     "换一个有效的令牌（--token-file 或 QMCTL_TOKEN）；本机演示：--as 人员"},
    {"PERMISSION_DENIED", "ask somebody who answers for that unit, or use their token",
     "请由该单位有权限的人员办理"},
    {"INSUFFICIENT_STOCK", "look at what is there: qmctl balances UNIT --item ITEM",
     "先看库存：qmctl balances 单位 --item 物资"},
    {"ETAG_MISMATCH", "somebody changed it meanwhile: look at it again, then repeat",
     "他人刚刚改动过：重新查看后再办理"},
    {"REQUEST_ID_REUSED", "that request id belongs to other content: leave --request-id out",
     "该请求号已用于其他内容：请勿指定 --request-id"},
    {"SOURCE_DOCUMENT_POSTED", "that paper is in the books; reverse its movement to enter it anew",
     "该单据已入账；如需更正，先冲销原记录"},
    {"FOUR_EYES_REQUIRED", "another person has to take this step", "该步骤须由另一人办理"},
    {"HAZARD_STORE_REQUIRED", "choose a location of kind FLAMMABLES_STORE", "请选择易燃品库"},
    {"OUTCOME_UNKNOWN", "run the same again with the same --request-id: it tells what happened",
     "用同一 --request-id 再执行一次即可得知结果"},
    {"UNIT_NOT_FOUND", "check the name: qmctl units", "核对名称：qmctl units"},
    {"LOCATION_NOT_FOUND", "check the name: qmctl locations UNIT",
     "核对名称：qmctl locations 单位"},
    {"ITEM_NOT_FOUND", "check the name: qmctl items", "核对名称：qmctl items"},
    {"LOT_NOT_FOUND", "check the name: qmctl lots ITEM", "核对名称：qmctl lots 物资"},
    {"UNIT_OF_MEASURE_UNKNOWN", "look at how it is counted: qmctl items",
     "查看可用的计量单位：qmctl items"},
    {"SEQUENCE_NOT_SEALED",
     "go on from a sequence of this database; if it was restored, begin anew with --from 0",
     "请用本库已有的序号；若数据库曾恢复，请以 --from 0 重新开始"},
    {"OWNED_BY_DOCUMENT", "undo the document that posted it", "请撤销产生该记录的单据"},
};
const char* FindAdvice(const absl::Status& error, Language language) {
  const std::string reason = status::GetReason(error);
  const auto* row = std::ranges::find(
      kByReason, reason, [](const Advice& advice) { return absl::string_view(advice.reason); });
  if (row != std::end(kByReason)) {
    return language == Language::kChinese ? row->chinese : row->english;
  }
  const bool is_chinese = language == Language::kChinese;
  switch (error.code()) {
    case absl::StatusCode::kUnavailable:
      return is_chinese ? "稍后再试；本机演示可执行 ./quartermaster status 查看"
                        : "try again; for the demo on this machine see ./quartermaster status";
    case absl::StatusCode::kDeadlineExceeded:
      return is_chinese ? "再执行一次是安全的；必要时加大 --timeout"
                        : "running it again is safe; a longer --timeout may help";
    case absl::StatusCode::kNotFound:
      return is_chinese ? "核对名称" : "check the name";
    case absl::StatusCode::kUnimplemented:
      return is_chinese ? "服务器不支持该方法：核对版本" : "the server lacks it: compare versions";
    default:
      return "";
  }
}

std::string NameOf(const absl::Status& error) {
  const std::string reason = status::GetReason(error);
  return reason.empty() ? absl::StatusCodeToString(error.code()) : reason;
}

std::string RenderViolation(const status::FieldViolation& violation) {
  return absl::StrCat(EscapeControls(violation.field), ": ", EscapeControls(violation.description));
}

// Tells whether the message says no more than the fields that are told with it.
bool IsOfFields(const absl::Status& error, const status::ErrorDetail& detail) {
  if (detail.field_violations.empty()) return false;
  const status::FieldViolation& first = detail.field_violations[0];
  return absl::StartsWith(EscapeControls(absl::string_view(error.message())),
                          RenderViolation(first));
}

}  // namespace

ExitCode ToExitCode(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kOk;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
      return ExitCode::kUnreachable;
    default:
      return ExitCode::kRefused;
  }
}

std::string RenderError(const absl::Status& error, Language language) {
  const status::ErrorDetail detail = status::GetErrorDetail(error);
  std::string text = absl::StrCat(NameOf(error), ":");
  if (!IsOfFields(error, detail)) {
    absl::StrAppend(&text, " ", EscapeControls(absl::string_view(error.message())));
  }
  for (const status::FieldViolation& violation : detail.field_violations) {
    const bool is_alone = IsOfFields(error, detail) && detail.field_violations.size() == 1;
    absl::StrAppend(&text, is_alone ? " " : "\n  ", RenderViolation(violation));
  }
  if (!detail.metadata.empty()) {
    absl::StrAppend(&text, "\n  (",
                    absl::StrJoin(detail.metadata, ", ",
                                  [](std::string* out, const auto& pair) {
                                    absl::StrAppend(out, EscapeControls(pair.first), "=",
                                                    EscapeControls(pair.second));
                                  }),
                    ")");
  }
  if (const absl::string_view advice = FindAdvice(error, language); !advice.empty()) {
    absl::StrAppend(&text, "\n", Pick(language, "What to do: ", "怎么办："), advice);
  }
  return text;
}

std::string RenderErrorLine(const absl::Status& error) {
  const status::ErrorDetail detail = status::GetErrorDetail(error);
  std::vector<std::string> parts;
  if (!IsOfFields(error, detail)) {
    parts.push_back(EscapeControls(absl::string_view(error.message())));
  }
  for (const status::FieldViolation& violation : detail.field_violations) {
    parts.push_back(RenderViolation(violation));
  }
  return absl::StrCat(NameOf(error), ": ", absl::StrJoin(parts, "; "));
}

}  // namespace quartermaster::qmctl
