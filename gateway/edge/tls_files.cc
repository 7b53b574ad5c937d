#include "gateway/edge/tls_files.h"

#include "absl/strings/str_cat.h"
#include "platform/base/status_macros.h"

namespace quartermaster::gateway {
namespace {

using Context = boost::asio::ssl::context;
using boost::system::error_code;

absl::Status Unusable(absl::string_view what, const std::string& file, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("the ", what, " \"", file, "\" cannot be used: ", why));
}

absl::StatusOr<std::shared_ptr<Context>> Load(const TlsFiles::Options& options) {
  auto context = std::make_shared<Context>(Context::tls_server);
  error_code error;
  context->set_options(Context::default_workarounds | Context::no_sslv2 | Context::no_sslv3 |
                           Context::no_tlsv1 | Context::no_tlsv1_1,
                       error);
  if (!error) context->use_certificate_chain_file(options.certificate_file, error);
  if (error) return Unusable("certificate", options.certificate_file, error.message());
  // Fails for the key of another certificate, too.
  context->use_private_key_file(options.key_file, Context::pem, error);
  if (error) return Unusable("private key", options.key_file, error.message());
  return context;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsFiles>> TlsFiles::Open(Options options) {
  auto files = std::unique_ptr<TlsFiles>(new TlsFiles(std::move(options)));
  base::MutexLock lock(&files->mutex_);
  files->stamps_ = files->ReadStamps();
  QM_ASSIGN_OR_RETURN(files->context_, Load(files->options_));
  return files;
}

TlsFiles::Stamps TlsFiles::ReadStamps() const {
  const auto stamp_of = [](const std::string& path) {
    const absl::StatusOr<auth::FileStamp> stamp = auth::ReadFileStamp(path);
    return stamp.ok() ? *stamp : auth::FileStamp{};
  };
  return {stamp_of(options_.certificate_file), stamp_of(options_.key_file)};
}

std::shared_ptr<Context> TlsFiles::Current(absl::Time now) {
  base::MutexLock lock(&mutex_);
  if (now < next_check_time_) return context_;
  next_check_time_ = now + options_.check_interval;
  // Stamped before they are read: if one changes meanwhile, the next look reads both again.
  const Stamps seen = ReadStamps();
  if (seen == stamps_) return context_;
  stamps_ = seen;
  absl::StatusOr<std::shared_ptr<Context>> loaded = Load(options_);
  if (loaded.ok()) {
    context_ = *std::move(loaded);
  } else if (options_.on_problem) {
    options_.on_problem(loaded.status());
  }
  return context_;
}

}  // namespace quartermaster::gateway
