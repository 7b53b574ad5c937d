#include "platform/auth/roles.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "protos/api_files.h"
#include "quartermaster/type/v1/options.pb.h"

namespace quartermaster::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Permissions that no method asks for by itself: what is posted does.
const char* const kExtraPermissions[] = {"ledger.correct", "ledger.dispose", "ledger.open"};

// The permissions that the methods of all our interfaces ask for.
std::set<std::string> PermissionsOfMethods() {
  std::set<std::string> permissions;
  for (const google::protobuf::FileDescriptor* file : ApiFiles()) {
    for (int i = 0; i < file->service_count(); ++i) {
      for (int j = 0; j < file->service(i)->method_count(); ++j) {
        const auto* method = file->service(i)->method(j);
        permissions.insert(method->options().GetExtension(type::v1::permission));
      }
    }
  }
  return permissions;
}

std::set<std::string> PermissionsOfRoles() {
  std::set<std::string> permissions;
  for (const auto& [name, role] : Roles::BuiltIn().all()) {
    permissions.insert(role.permissions->begin(), role.permissions->end());
  }
  return permissions;
}

TEST(BuiltInRolesTest, NamesNoPermissionThatNothingAsksFor) {
  std::set<std::string> asked = PermissionsOfMethods();
  asked.insert(std::begin(kExtraPermissions), std::end(kExtraPermissions));

  for (const std::string& permission : PermissionsOfRoles()) {
    EXPECT_EQ(asked.count(permission), 1u)
        << permission << " is in roles.json; nothing asks for it";
  }
}

TEST(BuiltInRolesTest, LetsSomebodyCallEveryMethod) {
  const std::set<std::string> given = PermissionsOfRoles();

  ASSERT_GE(PermissionsOfMethods().size(), 14u);
  for (const std::string& permission : PermissionsOfMethods()) {
    EXPECT_EQ(given.count(permission), 1u) << permission << " is in no role of roles.json";
  }
  for (const char* permission : kExtraPermissions) {
    EXPECT_EQ(given.count(permission), 1u) << permission << " is in no role of roles.json";
  }
}

TEST(BuiltInRolesTest, KeepsDutiesApart) {
  const Roles& roles = Roles::BuiltIn();
  const auto may = [&roles](const char* role, const char* permission) {
    return roles.Find(role)->permissions->contains(permission);
  };

  EXPECT_THAT(*roles.Find("operator")->permissions, IsEmpty());
  for (const char* reader : {"leader", "auditor"}) {
    for (const std::string& permission : *roles.Find(reader)->permissions) {
      const bool changes_nothing = permission.ends_with(".read") || permission == "ledger.prove" ||
                                   permission == "records.watch";
      EXPECT_TRUE(changes_nothing) << reader << " may " << permission;
    }
  }
  for (const auto& [name, role] : roles.all()) {
    EXPECT_EQ(may(name.c_str(), "ledger.open"), name == "administrator") << name;
    if (name != "approver") {
      EXPECT_FALSE(may(name.c_str(), "ledger.reverse")) << name;
      EXPECT_FALSE(may(name.c_str(), "ledger.dispose")) << name;
    }
  }
  // Whoever says what became of missing goods neither sends nor receives for a unit.
  EXPECT_FALSE(may("unit-quartermaster", "transfers.resolve"));
  EXPECT_FALSE(may("custodian", "transfers.resolve"));
}

TEST(RolesTest, ResolvesGrantsAndGivesNothingForUnknownRoles) {
  const auto roles = Roles::Parse(
      R"({"clerk": {"title": {"zh": "员", "en": "Clerk"}, "permissions": ["ledger.post"]},
          "operator": {"title": {"zh": "员", "en": "Operator"}, "permissions": []}})");
  ASSERT_TRUE(roles.ok()) << roles.status();
  const absl::Time end = absl::FromUnixSeconds(1'790'000'000);

  const auto grants = roles->Resolve({{"clerk", "units/a", end},
                                      {"tailor", "units/b"},
                                      {"operator", "units/c"},
                                      {"clerk", "units/d"}});

  ASSERT_EQ(grants.size(), 2u);
  EXPECT_EQ(grants[0].unit, "units/a");
  EXPECT_EQ(grants[0].end_time, end);
  EXPECT_THAT(*grants[0].permissions, ElementsAre("ledger.post"));
  EXPECT_EQ(grants[1].unit, "units/d");
  EXPECT_EQ(grants[1].permissions, grants[0].permissions);
}

TEST(RolesTest, MakesAPersonOfClaims) {
  const base::Caller caller =
      MakeCaller({.subject = "lin", .grants = {{"dispatcher", "units/a"}}}, Roles::BuiltIn());

  EXPECT_EQ(caller.name, "persons/lin");
  EXPECT_TRUE(caller.MayAnywhere("transfers.dispatch", absl::UnixEpoch()));
  EXPECT_FALSE(caller.MayAnywhere("ledger.post", absl::UnixEpoch()));
}

TEST(RolesTest, RefusesMalformedFiles) {
  const struct {
    const char* name;
    const char* json;
    const char* why;
  } kRows[] = {
      {"not JSON", "roles", "not JSON"},
      {"an array", "[]", "object"},
      {"bad name", R"({"Clerk":{"title":{"zh":"a","en":"a"},"permissions":[]}})", "bad name"},
      {"twice", R"({"a":{},"a":{}})", "twice"},
      {"no permissions", R"({"a":{"title":{"zh":"a","en":"a"}}})", "permissions"},
      {"no title", R"({"a":{"permissions":[]}})", "title"},
      {"title in one language", R"({"a":{"title":{"zh":"a"},"permissions":[]}})", "en"},
      {"permission twice", R"({"a":{"title":{"zh":"a","en":"a"},"permissions":["x","x"]}})",
       "twice"},
      {"permission empty", R"({"a":{"title":{"zh":"a","en":"a"},"permissions":[""]}})", "string"},
      {"permission a number", R"({"a":{"title":{"zh":"a","en":"a"},"permissions":[1]}})", "string"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.name);

    const auto roles = Roles::Parse(row.json);

    ASSERT_FALSE(roles.ok());
    EXPECT_THAT(std::string(roles.status().message()), HasSubstr(row.why));
  }
}

}  // namespace
}  // namespace quartermaster::auth
