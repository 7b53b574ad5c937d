#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "platform/document/document.h"

namespace quartermaster::document {

// Documents in memory, for the tests of what is built on `Book`. It has no transactions: what was
// appended stays. Not thread-safe.
class FakeBook : public Book {
 public:
  absl::StatusOr<std::optional<EarlierWrite>> FindEarlier(const Request& request) override {
    const auto found = requests_.find({request.caller, request.request_id});
    if (found == requests_.end()) return std::optional<EarlierWrite>();
    const StoredVersion& stored =
        versions_.at(found->second.name).at(static_cast<size_t>(found->second.version - 1));
    return std::optional<EarlierWrite>({.content_hash = found->second.content_hash,
                                        .version = stored.version,
                                        .record_time = stored.record_time,
                                        .snapshot = stored.snapshot});
  }

  absl::StatusOr<std::optional<StoredVersion>> FindNewest(absl::string_view name) override {
    const auto found = versions_.find(std::string(name));
    if (found == versions_.end()) return std::optional<StoredVersion>();
    return std::optional<StoredVersion>(found->second.back());
  }

  absl::StatusOr<std::optional<StoredVersion>> LockNewest(absl::string_view name) override {
    return FindNewest(name);
  }

  absl::Status Append(const Request& request, const NewVersion& version) override {
    requests_[{request.caller, request.request_id}] = {request.content_hash, version.name,
                                                       version.version};
    versions_[version.name].push_back({version.version, version.record_time, version.snapshot});
    tasks_[version.name] = version.tasks;
    return absl::OkStatus();
  }

  const std::vector<Task>& tasks(const std::string& name) { return tasks_[name]; }
  size_t version_count(const std::string& name) { return versions_[name].size(); }

 private:
  struct Answer {
    base::Sha256Digest content_hash;
    std::string name;
    int32_t version;
  };

  std::map<std::pair<std::string, base::Uuid>, Answer> requests_;
  std::map<std::string, std::vector<StoredVersion>> versions_;
  std::map<std::string, std::vector<Task>> tasks_;
};

}  // namespace quartermaster::document
