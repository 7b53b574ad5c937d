#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "platform/mysql/connection.h"

// The versions by which replicas tell that what they keep in memory has changed.
namespace quartermaster::inventory {

inline constexpr char kUnitsDirectory[] = "units";
inline constexpr char kItemsDirectory[] = "items";

// Returns a directory's version; 0 before its first change.
absl::StatusOr<int64_t> ReadDirectoryVersion(mysql::Connection& connection, const char* directory);

// Takes the lock under which a directory changes, until the transaction ends, and returns its
// version.
absl::StatusOr<int64_t> LockDirectory(mysql::Connection& connection, const char* directory);

// Sets the version of a directory that is locked.
absl::Status SetDirectoryVersion(mysql::Connection& connection, const char* directory,
                                 int64_t version);

}  // namespace quartermaster::inventory
