#include "platform/base/utf8.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quartermaster::base {
namespace {

TEST(Utf8Test, CountsCodePointsNotBytes) {
  EXPECT_EQ(CountCodePoints(""), 0);
  EXPECT_EQ(CountCodePoints("N95"), 3);
  EXPECT_EQ(CountCodePoints("粮草官"), 3);
  EXPECT_EQ(CountCodePoints("\xF0\xA0\xAE\xB7"), 1);  // U+20BB7, outside the basic plane.
  EXPECT_EQ(CountCodePoints("\xF4\x8F\xBF\xBF"), 1);  // U+10FFFF, the last one.
}

TEST(Utf8Test, RefusesWhatIsNotWellFormed) {
  const struct {
    const char* name;
    absl::string_view bytes;
  } cases[] = {
      {"lone continuation byte", "\x80"},       {"cut short", "\xE7\xB2"},
      {"overlong slash", "\xC0\xAF"},           {"overlong of three bytes", "\xE0\x80\xAF"},
      {"overlong of four", "\xF0\x80\x80\xAF"}, {"surrogate", "\xED\xA0\x80"},
      {"beyond U+10FFFF", "\xF4\x90\x80\x80"},  {"five bytes", "\xF8\x88\x80\x80\x80"},
      {"continuation missing", "\xE7\x41\x41"}, {"0xFF", "\xFF"},
  };
  for (const auto& c : cases) EXPECT_EQ(CountCodePoints(c.bytes), std::nullopt) << c.name;
}

TEST(Utf8Test, CleansAndCutsBetweenCodePoints) {
  EXPECT_EQ(CleanUtf8("粮草", 100), "粮草");
  EXPECT_EQ(CleanUtf8("粮草", 5), "粮");
  EXPECT_EQ(CleanUtf8("a\xFF\x62", 100), "a\xEF\xBF\xBD\x62");
  EXPECT_EQ(CleanUtf8("粮", 2), "");
}

}  // namespace
}  // namespace quartermaster::base
