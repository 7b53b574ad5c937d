#include <google/protobuf/util/json_util.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "qmctl/commands/as_of.h"
#include "qmctl/commands/commands.h"
#include "qmctl/commands/lines.h"
#include "qmctl/import/names.h"
#include "quartermaster/inventory/v1/ledger.pb.h"

namespace quartermaster::qmctl {
namespace {

struct ProveOptions {
  std::string item;
  bool is_from_lines = false;
  int line_count = 0;
  std::string progress_file;
  std::shared_ptr<AsOfOptions> as_of = std::make_shared<AsOfOptions>();
};

// Adds a page to what is known: what was found stays, how far it has come is replaced.
void Add(const pb::ProveConservationResponse& page, pb::ProveConservationResponse& all) {
  const bool is_conserved = all.is_conserved() && page.is_conserved();
  all.MergeFrom(page);
  all.set_is_conserved(is_conserved);
  all.set_next_page_token(page.next_page_token());
}

// Reads what an earlier run left. Nothing if there is no such file.
absl::StatusOr<std::optional<pb::ProveConservationResponse>> ReadProgress(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  pb::ProveConservationResponse all;
  if (!google::protobuf::util::JsonStringToMessage(text, &all).ok() ||
      all.next_page_token().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is not what a proof that was cut short has left"));
  }
  return std::optional(std::move(all));
}

// Replaces the file by one step, so that whoever is killed leaves the old one or the new one.
absl::Status WriteProgress(const std::string& path, const pb::ProveConservationResponse& all) {
  std::string text;
  const auto rendered = google::protobuf::util::MessageToJsonString(all, &text);
  const std::string next = path + ".next";
  std::ofstream file(next, std::ios::trunc);
  file << text << "\n";
  file.close();
  if (!rendered.ok() || !file || std::rename(next.c_str(), path.c_str()) != 0) {
    return absl::InvalidArgumentError(absl::StrCat("cannot write ", path));
  }
  return absl::OkStatus();
}

// Tells whether progress could be kept there, before there is any: leaves no file behind.
absl::Status CheckWritable(const std::string& path) {
  const std::string next = path + ".next";
  if (!std::ofstream(next, std::ios::trunc)) {
    return absl::InvalidArgumentError(absl::StrCat("cannot write ", path));
  }
  std::remove(next.c_str());
  return absl::OkStatus();
}

void TellProgress(const Session& session, const pb::ProveConservationResponse& all) {
  std::cerr << session.Say("accounts ", "账户 ") << RenderCount(all.checked_balance_count())
            << session.Say(" of ", " / ") << RenderCount(all.balance_count())
            << session.Say(", ends of lines ", "，明细端 ") << RenderCount(all.summed_line_count())
            << session.Say(", differences ", "，差异 ") << all.differences_size() << "\n";
}

// Goes on page by page to the end. Returns false if a call failed, which was told.
bool ReadProof(Session& session, const ProveOptions& options, pb::ProveConservationRequest& request,
               pb::ProveConservationResponse& all) {
  do {
    pb::ProveConservationResponse page;
    request.set_page_token(all.next_page_token());
    if (!session.Call("quartermaster.inventory.v1.Ledger/ProveConservation", request, page)) {
      if (options.progress_file.empty() || all.next_page_token().empty()) return false;
      std::cerr << session.Say("The same command goes on from where it stands.\n",
                               "再次运行同一命令即可从中断处继续。\n");
      return false;
    }
    Add(page, all);
    if (!options.is_from_lines) return true;
    TellProgress(session, all);
    if (options.progress_file.empty() || all.next_page_token().empty()) continue;
    if (const absl::Status written = WriteProgress(options.progress_file, all); !written.ok()) {
      session.FailUsage(written.message());
      return false;
    }
  } while (!all.next_page_token().empty());
  if (!options.progress_file.empty()) std::remove(options.progress_file.c_str());
  return true;
}

Table ItemsOf(const Session& session, const pb::ProveConservationResponse& proof) {
  Table table{.columns = {{.title = session.Say("item", "物资")},
                          {.title = session.Say("inside", "内部"), .is_number = true},
                          {.title = session.Say("outside", "外部"), .is_number = true},
                          {.title = session.Say("difference", "差额"), .is_number = true},
                          {.title = session.Say("accounts", "账户"), .is_number = true},
                          {.title = session.Say("below zero", "负数"), .is_number = true}}};
  const auto render = [&](int64_t count) {
    return session.is_table() ? RenderCount(count) : absl::StrCat(count);
  };
  for (const pb::ConservationProof& item : proof.proofs()) {
    table.rows.push_back({Shorten(item.item()), render(item.inside_quantity()),
                          render(item.outside_quantity()), render(item.difference()),
                          render(item.balance_count()), render(item.negative_count())});
  }
  return table;
}

Table DifferencesOf(const Session& session, const pb::ProveConservationResponse& proof) {
  Table table{.columns = {{.title = session.Say("what", "类别")},
                          {.title = session.Say("location", "地点")},
                          {.title = session.Say("state", "状态")},
                          {.title = session.Say("lot", "批次")},
                          {.title = session.Say("by its lines", "明细合计"), .is_number = true},
                          {.title = session.Say("found", "账面"), .is_number = true},
                          {.title = session.Say("held for", "单据")}}};
  for (const pb::BalanceDifference& difference : proof.differences()) {
    table.rows.push_back({pb::BalanceDifference::Kind_Name(difference.kind()),
                          Shorten(difference.account().location()),
                          pb::AccountState_Name(difference.account().state()),
                          Shorten(difference.lot()), RenderCount(difference.expected_quantity()),
                          RenderCount(difference.found_quantity()), difference.account().holder()});
  }
  return table;
}

void Prove(Session& session, const ProveOptions& options) {
  pb::ProveConservationRequest request;
  if (!options.item.empty()) request.set_item(AddCollection("items", options.item));
  request.set_from_lines(options.is_from_lines);
  request.set_page_size(options.line_count);
  if (!SetAsOf(session, *options.as_of, request)) return;
  pb::ProveConservationResponse all;
  all.set_is_conserved(true);
  if (!options.progress_file.empty()) {
    auto earlier = ReadProgress(options.progress_file);
    if (!earlier.ok()) return session.FailUsage(earlier.status().message());
    if (earlier->has_value()) all = **std::move(earlier);
    const absl::Status writable = CheckWritable(options.progress_file);
    if (!writable.ok()) return session.FailUsage(writable.message());
  }
  if (!ReadProof(session, options, request, all)) return;
  session.Print(ItemsOf(session, all), all);
  if (!all.differences().empty()) std::cerr << RenderTable(DifferencesOf(session, all));
  if (!all.is_conserved()) {
    session.Fail(absl::FailedPreconditionError(session.Say("the books do not add up", "账目不平")));
  } else if (session.is_table()) {
    std::cout << session.Say("The books add up.\n", "账目相符。\n");
  }
}

}  // namespace

void AddProve(CLI::App& app, Session& session) {
  auto options = std::make_shared<ProveOptions>();
  CLI::App* command = app.add_subcommand("prove", "that nothing appeared or vanished");
  command->add_option("--item", options->item, "only this item");
  CLI::Option* lines = command->add_flag("--from-lines", options->is_from_lines,
                                         "sum up every line of every movement, page by page");
  command
      ->add_option("--lines", options->line_count,
                   "with --from-lines: about how many one page sums up, 200000 at most")
      ->check(CLI::Range(1, 200'000))
      ->needs(lines);
  command
      ->add_option(
          "--progress", options->progress_file,
          "with --from-lines: a file to keep how far it has come; when it is there, the proof "
          "goes on from it")
      ->needs(lines);
  // On the occurred clock balances may be below zero, so nothing is proven of it.
  AddRecordTime(*command, options->as_of)->needs(lines);
  command->callback([&session, options] { Prove(session, *options); });
}

}  // namespace quartermaster::qmctl
