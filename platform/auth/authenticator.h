#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/base/call.h"

namespace quartermaster::auth {

// Metadata in which the gateway passes its signed identity of a person on to a service.
inline constexpr char kIdentityMetadata[] = "qm-identity";
// Who signs those identities, and for whom.
inline constexpr char kGatewayIssuer[] = "quartermaster-gateway";
inline constexpr char kServicesAudience[] = "quartermaster-services";
// Their `typ`, so that no other token can be taken for one.
inline constexpr char kIdentityType[] = "qm-identity+jwt";

// What a call brings along to say who makes it. A call that repeats one of the metadata must be
// refused before it comes here: two answers to "who are you" are none. A plain value.
struct Credentials {
  // Metadata `qm-identity`; empty if absent.
  std::string identity_token;
  // SPIFFE ids (URI subject alternative names) of the verified client certificate; empty without
  // one.
  std::vector<std::string> peer_spiffe_ids;
  // Metadata or header `authorization`, as it came: `Bearer …`; empty if absent.
  std::string authorization;
};

// Until when what these credentials prove may be believed: the `exp` of the identity that the
// gateway signed; infinite for a certificate, whose end is the connection's. For credentials that
// an `Authenticator` has just found good; the past for a token that cannot be read.
absl::Time ReadExpireTime(const Credentials& credentials);

// Tells who makes a call. Thread-safe.
class Authenticator {
 public:
  virtual ~Authenticator();

  // Returns the caller with the grants that the credentials prove at `now`. Fails with
  // UNAUTHENTICATED, `CREDENTIALS_INVALID`, whose text never repeats the credentials. A role that
  // this program does not know gives nothing.
  virtual absl::StatusOr<base::Caller> Authenticate(const Credentials& credentials,
                                                    absl::Time now) = 0;

  // Tells whether whoever is at the other end of the connection may carry calls of others, each of
  // which is authenticated by itself with its own identity token. A relay has no rights of its own.
  // Fails with PERMISSION_DENIED, `PERMISSION_DENIED`; unless told otherwise, always.
  virtual absl::Status CheckRelay(const Credentials& credentials);
};

}  // namespace quartermaster::auth
