#include "platform/telemetry/readiness.h"

#include <utility>

namespace quartermaster::telemetry {

void Readiness::AddCheck(absl::string_view name, Check check) {
  base::MutexLock lock(&mutex_);
  checks_.emplace_back(std::string(name), std::move(check));
}

std::vector<Readiness::Failure> Readiness::FindFailures() {
  std::vector<Failure> failures;
  if (is_draining_) failures.push_back({"serving", "the process is shutting down"});
  base::MutexLock lock(&mutex_);
  for (const auto& [name, check] : checks_) {
    const absl::Status status = check();
    if (!status.ok()) failures.push_back({name, std::string(status.message())});
  }
  return failures;
}

}  // namespace quartermaster::telemetry
