#pragma once

#include "qmctl/import/plan.h"

namespace quartermaster::qmctl {

// Gives every movement and transfer its wave. A wave may be sent in any order and all at once, and
// still no balance falls below zero that would not in the order of the file: what takes from an
// account comes in a later wave than everything that stands above it in the file and puts into that
// account. Taking late and putting early is always safe, so nothing else has to wait.
void AssignWaves(Plan& plan);

}  // namespace quartermaster::qmctl
