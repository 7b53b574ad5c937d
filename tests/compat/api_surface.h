#pragma once

#include <google/protobuf/descriptor.h>

#include <set>
#include <string>
#include <vector>

namespace quartermaster::compat {

// One line for everything that a client relies on: each method with its messages, route and
// permission, each field with its number and type, each enum value with its number. Lines are made
// so that a change which breaks a client changes or removes one.
std::set<std::string> DescribeApi(
    const std::vector<const google::protobuf::FileDescriptor*>& files);

// Returns the lines of `published` that `today` lacks: what a client built then would miss.
std::vector<std::string> FindBroken(const std::set<std::string>& published,
                                    const std::set<std::string>& today);

}  // namespace quartermaster::compat
