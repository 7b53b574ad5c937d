#include "platform/base/together.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace quartermaster::base {
namespace {

class Counted final : public PutOff {
 public:
  void DoNow() override { ++count; }
  int count = 0;
};

TEST(TogetherTest, DoesOnceAtTheEndWhatSeveralAskedFor) {
  const auto one = std::make_shared<Counted>();
  const auto other = std::make_shared<Counted>();

  DoTogether([&] {
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(PutOff::ToTheEnd(one));
    DoTogether([&] { EXPECT_TRUE(PutOff::ToTheEnd(other)); });
    EXPECT_EQ(one->count + other->count, 0);
  });

  EXPECT_EQ(one->count, 1);
  EXPECT_EQ(other->count, 1);
}

TEST(TogetherTest, SaysThatNothingIsDoneTogether) {
  const auto work = std::make_shared<Counted>();

  EXPECT_FALSE(PutOff::ToTheEnd(work));
  DoTogether([] {});
  EXPECT_FALSE(PutOff::ToTheEnd(work));

  EXPECT_EQ(work->count, 0);
}

TEST(TogetherTest, DoesItEvenIfTheWorkThrows) {
  const auto work = std::make_shared<Counted>();

  EXPECT_THROW(DoTogether([&] {
                 PutOff::ToTheEnd(work);
                 throw std::runtime_error("told to");
               }),
               std::runtime_error);

  EXPECT_EQ(work->count, 1);
  EXPECT_FALSE(PutOff::ToTheEnd(work));
}

// Goal: what one throws costs the others nothing.
TEST(TogetherTest, DoesAllEvenIfOneThrows) {
  struct Thrower final : PutOff {
    void DoNow() override { throw std::runtime_error("told to"); }
  };
  const auto thrower = std::make_shared<Thrower>();
  const auto work = std::make_shared<Counted>();

  EXPECT_THROW(DoTogether([&] {
                 PutOff::ToTheEnd(thrower);
                 PutOff::ToTheEnd(work);
               }),
               std::runtime_error);

  EXPECT_EQ(work->count, 1);
  EXPECT_FALSE(PutOff::ToTheEnd(work));
}

}  // namespace
}  // namespace quartermaster::base
