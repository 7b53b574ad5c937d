#pragma once

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inventory-svc/domain/catalog.h"
#include "inventory-svc/domain/page.h"
#include "platform/document/document.h"
#include "platform/document/write.h"

namespace quartermaster::inventory {

// Port: items inside one transaction. Valid only within the `Atomically` that handed it out. Not
// thread-safe.
class ItemBook : public virtual document::Book {
 public:
  // Takes the lock that every change of the catalog takes first.
  virtual absl::Status LockCatalog() = 0;
  // Returns those of `names` that are no item.
  virtual absl::StatusOr<std::vector<std::string>> FindMissing(
      const std::vector<std::string>& names) = 0;
  // Writes what postings join, of a new item or of one that changed; its version is appended
  // beside. The catalog must be locked.
  virtual absl::Status RecordItem(const Item& item, bool is_new) = 0;
};

// Port: where items are kept. Thread-safe.
class ItemStore {
 public:
  virtual ~ItemStore() = default;

  // Runs `body` in one transaction and commits if it returns OK. `body` may run again, so it must
  // touch nothing but the book and locals of its own that it sets anew.
  virtual absl::Status Atomically(absl::Time deadline,
                                  absl::FunctionRef<absl::Status(ItemBook&)> body) = 0;

  // Finds items by name, in the order of their names; one that does not exist is missing.
  virtual absl::StatusOr<std::vector<document::Versioned<Item>>> FindItems(
      absl::Time deadline, const std::vector<std::string>& names) = 0;
  virtual absl::StatusOr<Page<document::Versioned<Item>>> ListItems(absl::Time deadline,
                                                                    const PageRequest& page) = 0;
};

}  // namespace quartermaster::inventory
