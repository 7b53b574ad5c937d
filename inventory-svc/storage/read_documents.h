#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/base/status_macros.h"
#include "platform/document/version_store.h"
#include "platform/document/write.h"
#include "platform/mysql/pool.h"

namespace quartermaster::inventory {

template <typename T>
absl::StatusOr<std::vector<document::Versioned<T>>> ReadAll(
    const std::vector<document::StoredVersion>& stored) {
  std::vector<document::Versioned<T>> found;
  found.reserve(stored.size());
  for (const document::StoredVersion& version : stored) {
    QM_ASSIGN_OR_RETURN(document::Versioned<T> body, document::Read<T>(version));
    found.push_back(std::move(body));
  }
  return found;
}

// Reads the newest version of each document of `names`, in the order of their names; one that does
// not exist is missing.
template <typename T>
absl::StatusOr<std::vector<document::Versioned<T>>> ReadDocuments(
    mysql::Pool& pool, absl::Time deadline, const std::vector<std::string>& names) {
  QM_ASSIGN_OR_RETURN(mysql::Lease lease, pool.Acquire(deadline));
  QM_ASSIGN_OR_RETURN(const std::vector<document::StoredVersion> stored,
                      document::FindNewestVersions(*lease, names));
  return ReadAll<T>(stored);
}

// The same as of a past moment; one that did not exist then is missing.
template <typename T>
absl::StatusOr<std::vector<document::Versioned<T>>> ReadDocumentsAsOf(
    mysql::Pool& pool, absl::Time deadline, const std::vector<std::string>& names,
    const document::VersionBounds& bounds) {
  QM_ASSIGN_OR_RETURN(mysql::Lease lease, pool.Acquire(deadline));
  QM_ASSIGN_OR_RETURN(const std::vector<document::StoredVersion> stored,
                      document::FindVersionsAsOf(*lease, names, bounds));
  return ReadAll<T>(stored);
}

}  // namespace quartermaster::inventory
