#include "gateway/overview/titles.h"

namespace quartermaster::gateway {

void Titles::Remember(absl::string_view name, const type::v1::Title& title, absl::Time now) {
  base::MutexLock lock(&mutex_);
  if (by_name_.size() >= options_.size_max) by_name_.clear();
  by_name_[name] = {.title = title, .time = now};
}

bool Titles::Find(const std::vector<std::string>& names, absl::Time now,
                  std::vector<Found>& titles) const {
  titles.clear();
  bool are_all_fresh = true;
  base::MutexLock lock(&mutex_);
  for (const std::string& name : names) {
    const auto known = by_name_.find(name);
    if (known == by_name_.end()) {
      are_all_fresh = false;
      continue;
    }
    if (now - known->second.time > options_.age_max) are_all_fresh = false;
    titles.push_back({.name = name, .title = known->second.title});
  }
  return are_all_fresh;
}

}  // namespace quartermaster::gateway
