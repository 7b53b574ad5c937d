#pragma once

#include <google/protobuf/message.h>

#include <string>

namespace quartermaster::qmctl {

// Says how what is in the books differs from what the file asks for, field by field, in words;
// empty if it does not. Output-only fields and those not set in `wanted` at the top (what the file
// leaves to the server) are not compared. Both are of one type.
std::string DescribeDifferences(const google::protobuf::Message& in_books,
                                const google::protobuf::Message& wanted);

}  // namespace quartermaster::qmctl
