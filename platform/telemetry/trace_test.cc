#include "platform/telemetry/trace.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

namespace quartermaster::telemetry {
namespace {

constexpr char kParent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(TraceparentTest, GoesThereAndBack) {
  const std::optional<base::TraceContext> trace = ParseTraceparent(kParent);
  ASSERT_TRUE(trace.has_value());
  EXPECT_EQ(trace->trace_id, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(trace->span_id, "b7ad6b7169203331");
  EXPECT_EQ(RenderTraceparent(*trace), kParent);
  EXPECT_TRUE(ParseTraceparent(RenderTraceparent(StartTrace())).has_value());
}

TEST(TraceparentTest, IgnoresWhatALaterVersionAdds) {
  EXPECT_TRUE(
      ParseTraceparent("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more").has_value());
  EXPECT_TRUE(
      ParseTraceparent("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").has_value());
}

TEST(TraceparentTest, RefusesWhatIsMalformed) {
  for (const char* text : {
           "",
           "00",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
           "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
           "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
           "00-00000000000000000000000000000000-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
           "00-0af7651916cd43dd8448eb211c80319cxb7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319\"-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333g-01",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-zz",
       }) {
    EXPECT_FALSE(ParseTraceparent(text).has_value()) << text;
  }
}

TEST(TraceTest, MakesNewIds) {
  const base::TraceContext one = StartTrace();
  const base::TraceContext other = StartTrace();
  const base::TraceContext child = StartSpan(one);
  EXPECT_NE(one.trace_id, other.trace_id);
  EXPECT_EQ(child.trace_id, one.trace_id);
  EXPECT_NE(child.span_id, one.span_id);
}

// Goal: no two spans share an id, whichever thread makes them.
// Method: far more ids than are drawn at once, of both lengths in turn, on several threads.
TEST(TraceTest, MakesNoIdTwice) {
  constexpr int kThreadCount = 4;
  constexpr int kCount = 1000;
  std::vector<std::vector<std::string>> made(kThreadCount);
  {
    std::vector<std::jthread> threads;
    for (std::vector<std::string>& ids : made) {
      threads.emplace_back([&ids] {
        for (int i = 0; i < kCount; ++i) {
          const base::TraceContext trace = StartTrace();
          ids.insert(ids.end(), {trace.trace_id, trace.span_id, StartSpan(trace).span_id});
        }
      });
    }
  }

  std::set<std::string> all;
  for (const std::vector<std::string>& ids : made) all.insert(ids.begin(), ids.end());
  EXPECT_EQ(all.size(), 3u * kThreadCount * kCount);
}

}  // namespace
}  // namespace quartermaster::telemetry
