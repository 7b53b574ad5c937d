#pragma once

#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/auth/watched_file.h"
#include "platform/base/mutex.h"

namespace quartermaster::gateway {

// The certificate and key that HTTPS is served with, read again when the files change, so that a
// renewed certificate needs no restart. Connections keep what they began with.
//
// A pair that cannot be used, also because one file was replaced and the other is not yet, changes
// nothing: the last good one stays in force. Thread-safe.
class TlsFiles {
 public:
  struct Options {
    // PEM.
    std::string certificate_file;
    std::string key_file;
    // The files are looked at no more often than this.
    absl::Duration check_interval = absl::Seconds(10);
    // Told once per version that cannot be used. May be empty.
    std::function<void(const absl::Status&)> on_problem;
  };

  // INVALID_ARGUMENT, naming the file, if the first pair cannot be used.
  static absl::StatusOr<std::unique_ptr<TlsFiles>> Open(Options options);

  // Returns the pair in force.
  std::shared_ptr<boost::asio::ssl::context> Current(absl::Time now);

 private:
  using Stamps = std::pair<auth::FileStamp, auth::FileStamp>;

  explicit TlsFiles(Options options) : options_(std::move(options)) {}
  Stamps ReadStamps() const;

  const Options options_;
  base::Mutex mutex_;
  Stamps stamps_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<boost::asio::ssl::context> context_ ABSL_GUARDED_BY(mutex_);
  absl::Time next_check_time_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace quartermaster::gateway
