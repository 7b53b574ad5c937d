#include "inventory-svc/storage/movement_hash.h"

#include <sys/random.h>

#include "platform/base/check.h"
#include "platform/values/canonical.h"

namespace quartermaster::inventory {
namespace {

constexpr size_t kSaltBytes = 16;

std::string DrawSalt() {
  std::string salt(kSaltBytes, '\0');
  QM_CHECK(getrandom(salt.data(), salt.size(), 0) == static_cast<ssize_t>(kSaltBytes));
  return salt;
}

// The note is there by its salted hash, so that its text can go.
struct SealedMovement {
  Movement movement;
  std::string note_hash;
  std::string salt;
};

template <typename V>
void VisitFields(V& visit, SealedMovement& sealed) {
  Movement& movement = sealed.movement;
  visit(movement.movement_id, movement.reason, movement.lines, movement.occurred_time,
        movement.record_time, movement.caller, movement.source_document, movement.reverses,
        movement.document, sealed.note_hash);
  canonical::VisitGrown(visit, sealed.salt);
}

}  // namespace

MovementSalts DrawSalts(const Movement& movement) {
  return {.movement = DrawSalt(), .note = movement.note.empty() ? "" : DrawSalt()};
}

base::Sha256Digest HashMovement(const Movement& movement, const MovementSalts& salts) {
  SealedMovement sealed{.movement = movement, .salt = salts.movement};
  if (!movement.note.empty()) {
    const base::Sha256Digest hash = base::Sha256(salts.note + movement.note);
    sealed.note_hash.assign(reinterpret_cast<const char*>(hash.data()), hash.size());
  }
  return canonical::Hash("movement.1", sealed);
}

}  // namespace quartermaster::inventory
