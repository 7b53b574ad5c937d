#pragma once

#include <span>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "platform/auth/grants.h"

namespace quartermaster::demo {

// Somebody who works in the invented city of Jiangcheng.
struct Person {
  std::string subject;
  std::string name_zh;
  std::string name_en;
  std::vector<auth::RoleGrant> grants;
};

// The demo's persons. All of them are invented.
std::span<const Person> Persons();
// Returns the person or null.
const Person* FindPerson(absl::string_view subject);

}  // namespace quartermaster::demo
