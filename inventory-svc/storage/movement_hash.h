#pragma once

#include <string>

#include "inventory-svc/domain/ledger_types.h"
#include "platform/base/sha256.h"

namespace quartermaster::inventory {

// What is kept beside a movement so that its hash tells nothing of what is hashed. Each is sixteen
// random bytes, or empty.
struct MovementSalts {
  // Empty only for a movement that was posted before there were salts.
  std::string movement;
  // Of the note, whose text and salt can be erased; empty if there is none.
  std::string note;
};

// Draws salts for a movement that is about to be written.
MovementSalts DrawSalts(const Movement& movement);

// Returns what the record of a movement covers: everything about it as it was written, its note by
// a hash of its own. Records go to whoever may see a part of the movement, so it is salted. A
// movement without a salt has the form of its time.
base::Sha256Digest HashMovement(const Movement& movement, const MovementSalts& salts);

}  // namespace quartermaster::inventory
