#include "platform/document/write.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "platform/document/fake_book.h"
#include "platform/status/error.h"
#include "platform/values/canonical.h"

namespace quartermaster::document {
namespace {

struct Note {
  static constexpr char kForm[] = "note.1";
  std::string text;
};
template <typename V>
void VisitFields(V& visit, Note& note) {
  visit(note.text);
}

constexpr char kName[] = "notes/a";
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

// A store whose transaction is a plain call; `before_body` lets a twin in after the look-up.
class FakeStore {
 public:
  absl::Status Atomically(absl::Time, absl::FunctionRef<absl::Status(FakeBook&)> body) {
    return body(book_);
  }
  FakeBook& book() { return book_; }

 private:
  FakeBook book_;
};

class WriteTest : public testing::Test {
 protected:
  static Request ARequest(uint8_t id, const std::string& content) {
    Request request{.caller = "persons/a", .method = "Notes/Write"};
    request.request_id.bytes[15] = id;
    request.content_hash = base::Sha256(content);
    return request;
  }

  // Writes `text`; what `authorize` and `decide` say comes from the members.
  absl::StatusOr<Versioned<Note>> WriteText(const Request& request, const std::string& text,
                                            absl::Time now = kNow) {
    return Write<Note, FakeBook>(
        store_, absl::InfiniteFuture(), request, kName, now,
        {.lock = [](FakeBook& book) { return Lock<Note>(book, kName); },
         .authorize = [&](const Current<Note>&) { return authorized_; },
         .decide = [&](FakeBook& book, const Current<Note>&,
                       absl::Time) -> absl::StatusOr<Change<Note>> {
           ++decided_count_;
           if (twin_.has_value()) {
             EXPECT_TRUE(book.Append(*twin_, {.name = kName,
                                              .version = 1,
                                              .record_time = kNow,
                                              .snapshot = canonical::Encode(Note::kForm,
                                                                            Note{"by the twin"})})
                             .ok());
           }
           if (!refused_.ok()) return refused_;
           return Change<Note>{.after = Note{text}};
         }});
  }

  FakeStore store_;
  absl::Status authorized_;
  absl::Status refused_;
  std::optional<Request> twin_;
  int decided_count_ = 0;
};

TEST_F(WriteTest, NumbersVersionsFromOne) {
  const auto first = WriteText(ARequest(1, "one"), "one");
  const auto second = WriteText(ARequest(2, "two"), "two");

  EXPECT_EQ(first->version, 1);
  EXPECT_EQ(second->version, 2);
  EXPECT_EQ(store_.book().version_count(kName), 2u);
}

TEST_F(WriteTest, AnswersARepeatedRequestWithTheVersionThatItWrote) {
  ASSERT_TRUE(WriteText(ARequest(1, "one"), "one").ok());
  ASSERT_TRUE(WriteText(ARequest(2, "two"), "two").ok());

  const auto again = WriteText(ARequest(1, "one"), "one");

  EXPECT_EQ(again->body.text, "one");
  EXPECT_EQ(again->version, 1);
  EXPECT_EQ(decided_count_, 2);
  EXPECT_EQ(store_.book().version_count(kName), 2u);
}

TEST_F(WriteTest, RefusesOtherContentUnderTheSameIdBeforeAnythingElse) {
  ASSERT_TRUE(WriteText(ARequest(1, "one"), "one").ok());
  authorized_ = absl::PermissionDeniedError("no longer");

  EXPECT_EQ(status::GetReason(WriteText(ARequest(1, "other"), "other").status()),
            "REQUEST_ID_REUSED");
}

TEST_F(WriteTest, ChecksPermissionsAgainBeforeItRepeatsAnAnswer) {
  ASSERT_TRUE(WriteText(ARequest(1, "one"), "one").ok());
  authorized_ = absl::PermissionDeniedError("no longer");

  EXPECT_EQ(WriteText(ARequest(1, "one"), "one").status().code(),
            absl::StatusCode::kPermissionDenied);
}

TEST_F(WriteTest, ARefusalLeavesNoTrace) {
  refused_ = absl::FailedPreconditionError("no");

  EXPECT_EQ(WriteText(ARequest(1, "one"), "one").status().code(),
            absl::StatusCode::kFailedPrecondition);
  refused_ = absl::OkStatus();

  EXPECT_EQ(WriteText(ARequest(1, "one"), "one")->version, 1);
}

// A twin that commits between the look-up and the decision has taken what the decision misses: its
// answer is ours, not the refusal.
TEST_F(WriteTest, LooksForItsTwinOnceMoreBeforeItRefuses) {
  refused_ = absl::FailedPreconditionError("the last one is gone");
  twin_ = ARequest(1, "one");

  const auto answer = WriteText(ARequest(1, "one"), "one");

  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->body.text, "by the twin");
}

TEST_F(WriteTest, RecordTimeNeverRunsBackwards) {
  ASSERT_TRUE(WriteText(ARequest(1, "one"), "one", kNow).ok());

  const auto second = WriteText(ARequest(2, "two"), "two", kNow - absl::Hours(1));

  EXPECT_EQ(second->record_time, kNow + absl::Microseconds(1));
}

TEST(EtagTest, ComparesExactly) {
  EXPECT_TRUE(CheckEtag(kName, 3, MakeEtag(3)).ok());
  for (const char* wrong : {"", "3", "v2", "v3 ", "v03"}) {
    EXPECT_EQ(status::GetReason(CheckEtag(kName, 3, wrong)), "ETAG_MISMATCH") << wrong;
  }
}

}  // namespace
}  // namespace quartermaster::document
