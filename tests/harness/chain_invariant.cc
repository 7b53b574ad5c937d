#include "tests/harness/chain_invariant.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "platform/base/status_macros.h"
#include "platform/records/chain.h"
#include "platform/records/chain_store.h"

namespace quartermaster::testing {
namespace {

constexpr int64_t kRecordsPerPage = 2000;

std::string Sentence(const records::ChainCheck::Misfit& misfit) {
  return absl::StrCat("broken: the sealed chain verifies: at ", misfit.sequence, ": ", misfit.what);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> FindChainViolations(mysql::Connection& connection) {
  records::ChainCheck check;
  for (int64_t first = 1;; first += kRecordsPerPage) {
    const int64_t last = first + kRecordsPerPage - 1;
    QM_ASSIGN_OR_RETURN(const std::vector<records::SealedRecord> page,
                        records::ReadSealed(connection, first, last));
    QM_ASSIGN_OR_RETURN(const std::vector<records::Block> blocks,
                        records::ReadBlocks(connection, first, last, kRecordsPerPage));
    auto block = blocks.begin();
    for (const records::SealedRecord& sealed : page) {
      if (check.last_sequence() == 0 && sealed.sequence != 1) {
        return std::vector{absl::StrCat("broken: the sealed chain begins at ", sealed.sequence)};
      }
      if (const auto misfit = check.Add(sealed)) return std::vector{Sentence(*misfit)};
      for (; block != blocks.end() && block->last_sequence <= sealed.sequence; ++block) {
        if (const auto misfit = check.Add(*block)) return std::vector{Sentence(*misfit)};
      }
    }
    if (block != blocks.end()) {
      return std::vector{absl::StrCat("broken: block ", block->number, " covers records to ",
                                      block->last_sequence, ", which are not there")};
    }
    if (page.size() < kRecordsPerPage) break;
  }
  if (check.uncovered_count() == 0) return std::vector<std::string>();
  return std::vector{absl::StrCat("broken: of the records to ", check.last_sequence(), ", ",
                                  check.uncovered_count(), " are sealed but in no block")};
}

}  // namespace quartermaster::testing
