#include "platform/rpc/tls.h"

#include <arpa/inet.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "platform/base/status_macros.h"

namespace quartermaster::rpc {
namespace {

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
struct CertificateFreer {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct KeyFreer {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;
using Certificate = std::unique_ptr<X509, CertificateFreer>;
using Key = std::unique_ptr<EVP_PKEY, KeyFreer>;

absl::Status BadFile(absl::string_view path, absl::string_view why) {
  return absl::FailedPreconditionError(absl::StrCat("TLS file \"", path, "\" ", why));
}

absl::StatusOr<File> Open(const std::string& path) {
  File file(std::fopen(path.c_str(), "re"));
  if (file == nullptr) return BadFile(path, "cannot be read");
  return file;
}

absl::StatusOr<Certificate> ReadCertificate(const std::string& path) {
  QM_ASSIGN_OR_RETURN(const File file, Open(path));
  Certificate certificate(PEM_read_X509(file.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) return BadFile(path, "holds no PEM certificate");
  return certificate;
}

// Never asks for a pass phrase on the terminal.
int NoPassPhrase(char*, int, int, void*) { return 0; }

template <typename Options>
void Watch(const std::shared_ptr<grpc::experimental::CertificateProviderInterface>& provider,
           Options& options) {
  options.set_certificate_provider(provider);
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
}

std::shared_ptr<grpc::experimental::CertificateProviderInterface> MakeProvider(
    const TlsFiles& files) {
  return std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      files.key, files.certificate, files.ca,
      static_cast<unsigned int>(absl::ToInt64Seconds(files.refresh_interval)));
}

}  // namespace

absl::Status CheckTlsFiles(const TlsFiles& files) {
  QM_ASSIGN_OR_RETURN(const Certificate certificate, ReadCertificate(files.certificate));
  QM_ASSIGN_OR_RETURN(const Certificate ca, ReadCertificate(files.ca));
  QM_ASSIGN_OR_RETURN(const File key_file, Open(files.key));
  const Key key(PEM_read_PrivateKey(key_file.get(), nullptr, NoPassPhrase, nullptr));
  if (key == nullptr) return BadFile(files.key, "holds no PEM private key without a pass phrase");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return BadFile(files.key, absl::StrCat("is not the key of \"", files.certificate, "\""));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsFiles& files, bool is_client_certificate_required) {
  QM_RETURN_IF_ERROR(CheckTlsFiles(files));
  const auto provider = MakeProvider(files);
  grpc::experimental::TlsServerCredentialsOptions options(provider);
  Watch(provider, options);
  options.set_cert_request_type(is_client_certificate_required
                                    ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                    : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(options);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeClientCredentials(
    const TlsFiles& files) {
  QM_RETURN_IF_ERROR(CheckTlsFiles(files));
  const auto provider = MakeProvider(files);
  grpc::experimental::TlsChannelCredentialsOptions options;
  Watch(provider, options);
  options.set_verify_server_certs(true);
  return grpc::experimental::TlsCredentials(options);
}

bool IsLoopback(absl::string_view address) {
  if (absl::StartsWith(address, "unix:")) return true;
  absl::ConsumePrefix(&address, "dns:///");
  const std::string host(address.substr(0, address.rfind(':')));
  if (host == "localhost" || host == "[::1]") return true;
  in_addr ipv4;
  return inet_pton(AF_INET, host.c_str(), &ipv4) == 1 && ntohl(ipv4.s_addr) >> 24 == 127;
}

}  // namespace quartermaster::rpc
