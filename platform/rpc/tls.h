#pragma once

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// Both ends of mutual TLS. The files are looked at again and again, so that a certificate is
// renewed without a restart; connections that exist keep the old one until they end.
namespace quartermaster::rpc {

// Three PEM files: what this end shows, and whom it believes.
struct TlsFiles {
  std::string certificate;
  std::string key;
  std::string ca;
  // How long after a change it is used, in whole seconds.
  absl::Duration refresh_interval = absl::Seconds(10);
};

// Returns FAILED_PRECONDITION, naming the file, if one cannot be read, holds no certificate or key,
// or if key and certificate are not a pair. Expiry is not looked at: a renewed file may be coming.
absl::Status CheckTlsFiles(const TlsFiles& files);

// Makes credentials for a server. `is_client_certificate_required` false still verifies one that is
// shown. Fails as `CheckTlsFiles`.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsFiles& files, bool is_client_certificate_required);

// Makes credentials for a client, which verifies the server's certificate and its host name. Fails
// as `CheckTlsFiles`.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeClientCredentials(
    const TlsFiles& files);

// Tells whether nobody but this machine reaches `address` (`host:port`, `dns:///host:port`
// or `unix:/path`).
bool IsLoopback(absl::string_view address);

}  // namespace quartermaster::rpc
