#pragma once

#include <google/protobuf/descriptor.h>

#include <vector>

namespace quartermaster {

// Every file of protos/quartermaster that declares an interface, and those of what they share.
//
// Who goes through all methods or messages asks here: a generated file of which a program names
// nothing is not linked into it, and then its descriptors are not there.
std::vector<const google::protobuf::FileDescriptor*> ApiFiles();

// The interfaces that callers may use: all but those between our own programs, which are of the
// package `quartermaster.internal`.
std::vector<const google::protobuf::ServiceDescriptor*> PublicInterfaces();

}  // namespace quartermaster
