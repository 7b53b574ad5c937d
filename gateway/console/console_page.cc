#include "gateway/console/console_page.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gateway/console/console_html.h"
#include "platform/base/check.h"
#include "platform/base/sha256.h"

namespace quartermaster::gateway {
namespace {

// The hash of what stands between the only `<tag>` of the page and its end, as the policy wants it.
std::string HashOf(absl::string_view page, absl::string_view tag) {
  const std::string open = absl::StrCat("<", tag, ">");
  const size_t begin = page.find(open);
  const size_t end = page.find(absl::StrCat("</", tag, ">"));
  QM_CHECK(begin != absl::string_view::npos && end != absl::string_view::npos);
  const base::Sha256Digest digest =
      base::Sha256(page.substr(begin + open.size(), end - begin - open.size()));
  return absl::StrCat("'sha256-",
                      absl::Base64Escape(absl::string_view(
                          reinterpret_cast<const char*>(digest.data()), digest.size())),
                      "'");
}

}  // namespace

HttpResponse RenderConsole() {
  const absl::string_view page = ConsoleHtml();
  return {.headers = {{"Content-Type", "text/html; charset=utf-8"},
                      {"Content-Security-Policy",
                       absl::StrCat("default-src 'none'; script-src ", HashOf(page, "script"),
                                    "; style-src ", HashOf(page, "style"),
                                    "; connect-src 'self'; img-src data:; base-uri 'none'; "
                                    "form-action 'none'; frame-ancestors 'none'")}},
          .body = std::string(page)};
}

}  // namespace quartermaster::gateway
