// Tokens. An input that begins with `!` is a token as it stands, after a key of ours, and must
// never be believed. Any other is the header and the payload of a token, on a line each, that we
// sign: so the fuzzer gets past the signature. Who is then believed has a name that may stand in a
// resource name, and a token of our issuer for us that is not over.

#include <string>

#include "absl/status/status.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "platform/auth/base64url.h"
#include "platform/auth/jwk.h"
#include "platform/auth/jwt.h"
#include "platform/auth/test_tokens.h"
#include "platform/base/check.h"
#include "tests/fuzz/fuzz.h"

namespace quartermaster::testing {
namespace {

// 2026-02-03T08:00:00+08:00
constexpr int64_t kNow = 1770076800;

const auth::KeySet& Keys() {
  static const auto* const keys = [] {
    auto parsed = auth::KeySet::Parse(auth::RenderJwks({auth::TestEd25519().Jwk("key")}));
    QM_CHECK(parsed.ok());
    return new auth::KeySet(*std::move(parsed));
  }();
  return *keys;
}

}  // namespace

void TryInput(absl::string_view input) {
  static const auth::JwtVerifier verifier({.issuer = "https://id.example", .audience = "qm"});
  const absl::Time now = absl::FromUnixSeconds(kNow);
  if (absl::ConsumePrefix(&input, "!")) {
    QM_CHECK(absl::IsUnauthenticated(verifier.Verify(input, Keys(), now).status()));
    return;
  }
  const size_t line_end = input.find('\n');
  if (line_end == absl::string_view::npos) return;
  const std::string signed_part =
      auth::RenderUnsigned(input.substr(0, line_end), input.substr(line_end + 1));
  const std::string token =
      signed_part + "." + auth::EncodeBase64Url(auth::TestEd25519().Sign(signed_part));
  const auto claims = verifier.Verify(token, Keys(), now);
  if (!claims.ok()) {
    QM_CHECK(absl::IsUnauthenticated(claims.status()));
    return;
  }
  QM_CHECK(auth::IsSubject(claims->subject));
  QM_CHECK(verifier.BelievableUntil(*claims) > now);
  QM_CHECK(claims->expire_time - claims->issue_time <= absl::Hours(24));
  // One changed letter of the signature, and nobody is believed.
  std::string forged = token;
  char& letter = forged[forged.size() - 10];
  letter = letter == 'A' ? 'B' : 'A';
  QM_CHECK(!verifier.Verify(forged, Keys(), now).ok());
}

}  // namespace quartermaster::testing
