#include "qmctl/client/outcome.h"

#include <gtest/gtest.h>

#include "platform/status/error.h"

namespace quartermaster::qmctl {
namespace {

TEST(RenderErrorTest, TellsEachFieldOnce) {
  const absl::Status one = status::InvalidFields({{"lines[0].lot", "is required"}});
  const absl::Status two =
      status::InvalidFields({{"lines[0].lot", "is required"}, {"note", "is too long"}});

  EXPECT_EQ(RenderError(one, Language::kEnglish), "INVALID_FIELD: lines[0].lot: is required");
  EXPECT_EQ(RenderErrorLine(one), "INVALID_FIELD: lines[0].lot: is required");
  EXPECT_EQ(RenderError(two, Language::kEnglish),
            "INVALID_FIELD:\n  lines[0].lot: is required\n  note: is too long");
  EXPECT_EQ(RenderErrorLine(two), "INVALID_FIELD: lines[0].lot: is required; note: is too long");
}

TEST(RenderErrorTest, KeepsAMessageThatSaysMoreThanItsFields) {
  const absl::Status error =
      status::MakeError(absl::StatusCode::kInvalidArgument, "the whole is wrong",
                        {.reason = "INVALID_FIELD", .field_violations = {{"note", "is too long"}}});

  EXPECT_EQ(RenderErrorLine(error), "INVALID_FIELD: the whole is wrong; note: is too long");
}

TEST(RenderErrorTest, NamesEveryWayToGiveCredentials) {
  const std::string text = RenderError(status::CredentialsInvalid("none"), Language::kEnglish);

  for (const char* option : {"--token-file", "QMCTL_TOKEN", "--as"}) {
    EXPECT_NE(text.find(option), std::string::npos) << text;
  }
}

TEST(RenderErrorTest, NamesWhereToLookNamesUp) {
  const absl::Status error = status::MakeError(absl::StatusCode::kNotFound, "there is no items/msk",
                                               {.reason = "ITEM_NOT_FOUND"});

  EXPECT_EQ(RenderError(error, Language::kEnglish),
            "ITEM_NOT_FOUND: there is no items/msk\nWhat to do: check the name: qmctl items");
}

}  // namespace
}  // namespace quartermaster::qmctl
