#include "inventory-svc/domain/full_proof.h"

#include <limits>
#include <sstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "platform/base/status_macros.h"

namespace quartermaster::inventory {
namespace {

// Balances that are looked at together.
constexpr int kBalancesAtOnce = 100;
// A page ends when it has found so many: there are two for a balance at most.
constexpr size_t kDifferencesEnough = 100;

std::string ToText(absl::int128 number) {
  std::ostringstream text;
  text << number;
  return text.str();
}

LineSpan SpanOf(const StandingBalance& balance, bool is_source) {
  return {
      .balance = balance.id, .is_source = is_source, .last_record_time = balance.last_record_time};
}

// One page while it is made.
class Prover {
 public:
  Prover(LineBooks& books, absl::Time deadline, std::optional<ItemId> item, const Moment& moment,
         const ProofPosition& from, int64_t line_count)
      : books_(books), deadline_(deadline), item_(item), moment_(moment), lines_left_(line_count) {
    page_.position = from;
  }

  absl::StatusOr<ProofPage> Run() {
    while (lines_left_ > 0 && page_.differences.size() < kDifferencesEnough && !page_.is_done) {
      QM_RETURN_IF_ERROR(page_.position.open.has_value() ? SumPiece() : SumWholeBalances());
    }
    return std::move(page_);
  }

 private:
  // Takes the next balances together, as many as have no more lines than are left.
  absl::Status SumWholeBalances() {
    QM_ASSIGN_OR_RETURN(
        std::vector<StandingBalance> balances,
        books_.ListBalances(deadline_, item_, page_.position.place, kBalancesAtOnce));
    if (balances.empty()) {
      EndItem();
      page_.is_done = true;
      return absl::OkStatus();
    }
    std::vector<LineSpan> spans;
    for (const StandingBalance& balance : balances) {
      for (const bool is_source : {true, false}) spans.push_back(SpanOf(balance, is_source));
    }
    QM_ASSIGN_OR_RETURN(const std::vector<SpanCut> cuts,
                        books_.CutSpans(deadline_, spans, lines_left_ + 1));
    size_t fitting = 0;
    for (int64_t line_count = 0; fitting < balances.size(); ++fitting) {
      line_count += cuts[2 * fitting].line_count + cuts[2 * fitting + 1].line_count;
      if (line_count > lines_left_) break;
    }
    if (fitting == 0) {
      BeginItem(balances[0].item);
      page_.position.open = {.balance = balances[0]};
      return absl::OkStatus();
    }
    balances.resize(fitting);
    spans.resize(2 * fitting);
    QM_ASSIGN_OR_RETURN(const std::vector<LineSum> sums,
                        books_.SumLines(deadline_, spans, moment_));
    return Judge(balances, sums);
  }

  // Compares whole balances with what they gave and got.
  absl::Status Judge(const std::vector<StandingBalance>& balances,
                     const std::vector<LineSum>& sums) {
    std::vector<BalanceId> ids;
    for (const StandingBalance& balance : balances) ids.push_back(balance.id);
    QM_ASSIGN_OR_RETURN(const std::vector<absl::int128> history,
                        books_.ReadHistory(deadline_, ids, moment_));
    for (size_t i = 0; i < balances.size(); ++i) {
      const LineSum& gave = sums[2 * i];
      const LineSum& got = sums[2 * i + 1];
      Count(gave.line_count + got.line_count);
      End(balances[i], got.standing - gave.standing, got.at_moment - gave.at_moment, history[i]);
    }
    return absl::OkStatus();
  }

  // Sums up a part of a balance that has very many lines.
  absl::Status SumPiece() {
    OpenBalance& open = *page_.position.open;
    LineSpan span = SpanOf(open.balance, open.is_source);
    span.after = open.after;
    QM_ASSIGN_OR_RETURN(const std::vector<SpanCut> cuts,
                        books_.CutSpans(deadline_, {span}, lines_left_));
    const bool has_more = cuts[0].line_count == lines_left_;
    if (has_more) span.through = cuts[0].last;
    QM_ASSIGN_OR_RETURN(const std::vector<LineSum> sums,
                        books_.SumLines(deadline_, {span}, moment_));
    Count(sums[0].line_count);
    open.standing += open.is_source ? -sums[0].standing : sums[0].standing;
    open.at_moment += open.is_source ? -sums[0].at_moment : sums[0].at_moment;
    open.after = has_more ? cuts[0].last : base::Uuid();
    if (has_more) return absl::OkStatus();
    if (open.is_source) {
      open.is_source = false;
      return absl::OkStatus();
    }
    QM_ASSIGN_OR_RETURN(const std::vector<absl::int128> history,
                        books_.ReadHistory(deadline_, {open.balance.id}, moment_));
    const OpenBalance whole = open;
    page_.position.open.reset();
    End(whole.balance, whole.standing, whole.at_moment, history[0]);
    return absl::OkStatus();
  }

  void Count(int64_t line_count) {
    lines_left_ -= line_count;
    page_.position.summed_line_count += line_count;
  }

  // A balance is done.
  void End(const StandingBalance& balance, absl::int128 standing, absl::int128 at_moment,
           absl::int128 history) {
    using Kind = BalanceDifference::Kind;
    BeginItem(balance.item);
    if (standing != balance.quantity) {
      page_.differences.push_back({Kind::kBalance, balance.id, standing, balance.quantity});
    }
    if (at_moment != history) {
      page_.differences.push_back({Kind::kHistory, balance.id, at_moment, history});
    }
    ItemSums& sums = page_.position.sums;
    (IsInside(balance.state) ? sums.inside : sums.outside) += at_moment;
    if (IsInside(balance.state) && at_moment < 0) ++sums.negative_count;
    ++sums.balance_count;
    ++page_.position.checked_balance_count;
    page_.position.place = {
        .item = balance.item, .state = static_cast<uint8_t>(balance.state), .balance = balance.id};
  }

  void BeginItem(ItemId item) {
    if (page_.position.place.item == item) return;
    EndItem();
    page_.position.place = {.item = item};
  }

  void EndItem() {
    if (page_.position.sums.balance_count > 0) {
      page_.items.push_back({page_.position.place.item, page_.position.sums});
    }
    page_.position.sums = {};
  }

  LineBooks& books_;
  const absl::Time deadline_;
  const std::optional<ItemId> item_;
  const Moment& moment_;
  int64_t lines_left_;
  ProofPage page_;
};

// Takes the words of a text one by one. Not thread-safe.
class Words {
 public:
  explicit Words(const std::string& text) : words_(absl::StrSplit(text, '/')) {}

  template <typename Number>
  Number Take(Number min, Number max) {
    Number number = 0;
    is_whole_ = is_whole_ && next_ < words_.size() && absl::SimpleAtoi(words_[next_], &number) &&
                number >= min && number <= max;
    ++next_;
    return is_whole_ ? number : min;
  }
  base::Uuid TakeUuid() {
    const std::optional<base::Uuid> uuid =
        next_ < words_.size() ? base::Uuid::Parse(words_[next_]) : std::nullopt;
    is_whole_ = is_whole_ && uuid.has_value();
    ++next_;
    return uuid.value_or(base::Uuid());
  }
  bool has_more() const { return next_ < words_.size(); }
  bool is_whole() const { return is_whole_ && next_ == words_.size(); }

 private:
  const std::vector<std::string> words_;
  size_t next_ = 0;
  bool is_whole_ = true;
};

}  // namespace

std::string ProofPosition::ToText() const {
  std::string text = absl::StrJoin(
      {absl::StrCat(sequence), absl::StrCat(ToNumber(place.item)), absl::StrCat(place.state),
       absl::StrCat(ToNumber(place.balance)), inventory::ToText(sums.inside),
       inventory::ToText(sums.outside), absl::StrCat(sums.balance_count),
       absl::StrCat(sums.negative_count), absl::StrCat(checked_balance_count),
       absl::StrCat(summed_line_count), absl::StrCat(balance_count)},
      "/");
  if (!open.has_value()) return text;
  const StandingBalance& balance = open->balance;
  absl::StrAppend(&text, "/", ToNumber(balance.id), "/", ToNumber(balance.item), "/",
                  static_cast<int>(balance.state), "/", balance.quantity, "/",
                  absl::ToUnixMicros(balance.last_record_time), "/", open->is_source ? 1 : 0, "/",
                  open->after.ToString(), "/", inventory::ToText(open->standing), "/",
                  inventory::ToText(open->at_moment));
  return text;
}

std::optional<ProofPosition> ProofPosition::FromText(const std::string& text) {
  // Far more than any books hold, and far from where adding to it would overflow: the text comes
  // from outside.
  constexpr int64_t kCountMax = int64_t{1} << 60;
  constexpr absl::int128 kSumMax = absl::int128(1) << 110;
  constexpr int64_t kMicrosMax = 253'402'300'799'999'999;
  Words words(text);
  const auto count = [&] { return words.Take<int64_t>(0, kCountMax); };
  const auto sum = [&] { return words.Take<absl::int128>(-kSumMax, kSumMax); };
  const auto id = [&] { return words.Take<uint32_t>(0, std::numeric_limits<uint32_t>::max()); };
  const auto state = [&] { return static_cast<uint8_t>(words.Take<uint32_t>(0, 255)); };
  ProofPosition position;
  position.sequence = count();
  position.place = {.item = ItemId{id()}, .state = state(), .balance = BalanceId{id()}};
  position.sums.inside = sum();
  position.sums.outside = sum();
  position.sums.balance_count = count();
  position.sums.negative_count = count();
  position.checked_balance_count = count();
  position.summed_line_count = count();
  position.balance_count = count();
  if (words.has_more()) {
    OpenBalance& open = position.open.emplace();
    open.balance.id = BalanceId{id()};
    open.balance.item = ItemId{id()};
    open.balance.state = static_cast<State>(state());
    open.balance.quantity = words.Take<int64_t>(std::numeric_limits<int64_t>::min(),
                                                std::numeric_limits<int64_t>::max());
    open.balance.last_record_time = absl::FromUnixMicros(words.Take<int64_t>(0, kMicrosMax));
    open.is_source = words.Take<uint32_t>(0, 1) != 0;
    open.after = words.TakeUuid();
    open.standing = sum();
    open.at_moment = sum();
  }
  if (!words.is_whole()) return std::nullopt;
  return position;
}

absl::StatusOr<ProofPage> ProveOn(LineBooks& books, absl::Time deadline, std::optional<ItemId> item,
                                  const Moment& moment, const ProofPosition& from,
                                  int64_t line_count) {
  return Prover(books, deadline, item, moment, from, line_count).Run();
}

}  // namespace quartermaster::inventory
