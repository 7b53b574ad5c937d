#pragma once

#include <cstdint>
#include <random>

#include "google/protobuf/message.h"

namespace quartermaster::gateway {

// Fills `message`, which must be empty, with values that have a JSON form: edges of ranges, text in
// several scripts, nested messages to a depth of four, known types inside Any. The same generator
// state gives the same message.
void FillAtRandom(std::mt19937_64& random, google::protobuf::Message& message, int depth = 0);

}  // namespace quartermaster::gateway
