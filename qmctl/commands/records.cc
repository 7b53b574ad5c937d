#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>

#include <fstream>
#include <iostream>
#include <limits>
#include <memory>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/sha256.h"
#include "platform/status/error.h"
#include "protos/api_files.h"
#include "qmctl/commands/commands.h"
#include "qmctl/commands/lines.h"
#include "qmctl/import/names.h"
#include "qmctl/verify/verify.h"
#include "quartermaster/inventory/v1/records.pb.h"
#include "quartermaster/type/v1/record.pb.h"

namespace quartermaster::qmctl {
namespace {

using type::v1::RecordBatch;

// Ends in a row without a single batch between them, before the error is believed.
constexpr int kEndsInVainMax = 5;
constexpr absl::Duration kPause = absl::Milliseconds(500);

struct WatchOptions {
  int64_t after_sequence = 0;
  bool follows = false;
  bool has_heads_only = false;
  std::string unit;
  std::vector<std::string> method_prefixes;
  std::vector<std::string> resource_prefixes;
};

struct VerifyOptions {
  std::string file;
  std::string heads_file;
};

void PrintBatch(const Session& session, const RecordBatch& batch, bool has_heads_only) {
  if (session.is_json()) {
    RecordBatch printed = batch;
    if (has_heads_only) printed.clear_records();
    if (printed.records().empty() && printed.blocks().empty()) return;
    std::string line;
    if (google::protobuf::util::MessageToJsonString(printed, &line).ok()) {
      std::cout << line << std::endl;
    }
    return;
  }
  const char* const gap = session.is_table() ? "  " : ",";
  for (const type::v1::Record& record : batch.records()) {
    if (has_heads_only) break;
    std::cout << record.sequence() << gap << RenderTime(record.record_time()) << gap
              << record.caller() << gap << record.method() << gap << record.resource() << "\n";
  }
  for (const type::v1::RecordBlock& block : batch.blocks()) {
    if (!has_heads_only) break;
    std::cout << block.number() << gap << block.last_sequence() << gap
              << RenderTime(block.seal_time()) << gap
              << base::ToHex(absl::string_view(block.hash())) << "\n";
  }
  std::cout << std::flush;
}

// The end of a stream that is no answer: time is over, the server goes, or we were slow.
bool IsToBeResumed(const absl::Status& end) {
  return absl::IsDeadlineExceeded(end) || absl::IsUnavailable(end) ||
         status::GetReason(end) == "READER_TOO_SLOW";
}

// Finds what begins as `written` among the methods, each by its full name or without its package,
// as `Ledger/Post`. Returns the beginnings as records have them; none if there is no such method.
std::set<std::string> FindMethodPrefixes(const std::string& written) {
  std::set<std::string> prefixes;
  for (const google::protobuf::FileDescriptor* file : ApiFiles()) {
    for (int i = 0; i < file->service_count(); ++i) {
      const google::protobuf::ServiceDescriptor& service = *file->service(i);
      for (int j = 0; j < service.method_count(); ++j) {
        const std::string path = absl::StrCat(service.name(), "/", service.method(j)->name());
        const std::string package = file->package() + ".";
        if (absl::StartsWith(path, written)) prefixes.insert(package + written);
        if (absl::StartsWith(package + path, written)) prefixes.insert(written);
      }
    }
  }
  return prefixes;
}

// Says what to watch. On a mistake tells the person and returns false.
bool MakeRequest(Session& session, const WatchOptions& options,
                 inventory::v1::WatchRequest& request) {
  request.set_after_sequence(options.after_sequence);
  if (!options.unit.empty()) request.set_unit(AddCollection("units", options.unit));
  for (const std::string& written : options.method_prefixes) {
    const std::set<std::string> prefixes = FindMethodPrefixes(written);
    if (prefixes.empty()) {
      session.FailUsage(
          absl::StrCat("no method begins with ", written, "; qmctl call --list names them all"));
      return false;
    }
    for (const std::string& prefix : prefixes) request.add_method_prefixes(prefix);
  }
  for (const std::string& prefix : options.resource_prefixes) {
    request.add_resource_prefixes(prefix);
  }
  return true;
}

void Watch(Session& session, const WatchOptions& options) {
  inventory::v1::WatchRequest request;
  if (!MakeRequest(session, options, request)) return;
  const absl::StatusOr<std::unique_ptr<Client>> client = session.Connect();
  if (!client.ok()) return session.FailUsage(client.status().message());
  bool has_begun = false;
  for (int ends_in_vain = 0;;) {
    const absl::Status end = (*client)->Watch(request, [&](const RecordBatch& batch) {
      PrintBatch(session, batch, options.has_heads_only);
      request.set_after_sequence(batch.sequence());
      ends_in_vain = 0;
      has_begun = true;
      return options.follows || batch.sequence() < batch.sealed_sequence();
    });
    if (end.ok()) break;
    if (!IsToBeResumed(end) || ++ends_in_vain == kEndsInVainMax) {
      session.Fail(end);
      break;
    }
    if (!absl::IsDeadlineExceeded(end)) absl::SleepFor(kPause);
  }
  if (!has_begun) return;
  std::cerr << session.Say("To go on: --from ", "继续：--from ") << request.after_sequence()
            << "\n";
}

// Says what the verdict does not speak of.
void TellUncovered(const Session& session, const Verdict& verdict, bool has_heads) {
  if (verdict.first_block > 1) {
    std::cout << session.Say("not in the export, so not verified: blocks 1 - ",
                             "不在导出中，未核验：区块 1 - ")
              << verdict.first_block - 1 << session.Say(", records 1 - ", "，记录 1 - ")
              << verdict.first_sequence - 1;
    if (has_heads) {
      std::cout << session.Say("; heads kept of them: ", "；其另存链头：")
                << verdict.earlier_head_count;
    }
    std::cout << "\n";
  }
  const int64_t last_covered = verdict.last_sequence - verdict.uncovered_count;
  if (has_heads && verdict.vouched_sequence < last_covered) {
    std::cout << session.Say("later than every head kept: records ", "晚于全部另存链头：记录 ")
              << verdict.vouched_sequence + 1 << " - " << last_covered << "\n";
  }
  if (verdict.uncovered_count > 0) {
    std::cout << session.Say("not covered by a block yet: ", "尚未封入区块：")
              << verdict.uncovered_count << "\n";
  }
}

void Verify(Session& session, const VerifyOptions& options) {
  std::ifstream exported(options.file);
  if (!exported) return session.FailUsage(absl::StrCat("cannot read ", options.file));
  std::ifstream heads;
  if (!options.heads_file.empty()) {
    heads.open(options.heads_file);
    if (!heads) return session.FailUsage(absl::StrCat("cannot read ", options.heads_file));
  }
  const absl::StatusOr<Verdict> verdict =
      VerifyExport(exported, options.heads_file.empty() ? nullptr : &heads);
  if (!verdict.ok()) return session.FailUsage(verdict.status().message());
  if (verdict->misfit_sequence != 0) {
    std::cout << session.Say("does not fit from ", "从此处起不符：") << verdict->misfit_sequence
              << session.Say(" on: ", "：") << verdict->misfit << "\n";
    session.exit_code = ExitCode::kRefused;
    return;
  }
  std::cout << session.Say("records ", "记录 ") << verdict->first_sequence << " - "
            << verdict->last_sequence << session.Say(" fit, in blocks: ", " 相符，区块：")
            << verdict->block_count
            << session.Say("; heads kept elsewhere that fit: ", "；与另存链头相符：")
            << verdict->matched_head_count;
  const bool has_heads = !options.heads_file.empty();
  if (has_heads) std::cout << session.Say(" of ", " / ") << verdict->kept_head_count;
  std::cout << "\n";
  TellUncovered(session, *verdict, has_heads);
}

}  // namespace

void AddRecords(CLI::App& app, Session& session) {
  auto watched = std::make_shared<WatchOptions>();
  CLI::App* watch = app.add_subcommand(
      "watch", "the sealed record of every write, oldest first; --output json is an export");
  watch->add_option("--from", watched->after_sequence, "what comes after this sequence")
      ->check(CLI::Range(int64_t{0}, std::numeric_limits<int64_t>::max()));
  watch->add_flag("--follow", watched->follows, "wait for what comes, until interrupted");
  CLI::Option* heads = watch->add_flag("--heads", watched->has_heads_only,
                                       "the heads alone, to be kept elsewhere for verify");
  // Heads are of all records.
  watch->add_option("--unit", watched->unit, "only what touches this unit or one beneath it")
      ->excludes(heads);
  watch
      ->add_option("--method", watched->method_prefixes,
                   "only methods that begin so: Ledger/, Transfers/Create")
      ->excludes(heads);
  watch->add_option("--resource", watched->resource_prefixes, "only resources that begin so")
      ->excludes(heads);
  watch->callback([&session, watched] { Watch(session, *watched); });

  auto verified = std::make_shared<VerifyOptions>();
  CLI::App* verify = app.add_subcommand(
      "verify",
      "checks an export of watch against its hashes, without a server; exits with 1 if it does not "
      "fit");
  verify->add_option("file", verified->file, "lines of watch --output json")->required();
  verify->add_option("--heads", verified->heads_file,
                     "lines of watch --output json --heads that were kept elsewhere");
  verify->callback([&session, verified] { Verify(session, *verified); });
}

}  // namespace quartermaster::qmctl
