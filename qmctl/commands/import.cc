#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "qmctl/commands/commands.h"
#include "qmctl/import/books.h"
#include "qmctl/import/plan.h"
#include "qmctl/import/references.h"
#include "qmctl/import/run.h"
#include "qmctl/io/file.h"

namespace quartermaster::qmctl {
namespace {

struct ImportOptions {
  std::string what;
  std::string file;
  TokenSource receiver;
  int in_flight = 4;
  bool is_dry_run = false;
};

struct Kind {
  const char* word;
  FileKind kind;
};
// In the order in which a folder's files are imported.
constexpr Kind kKinds[] = {{"units", FileKind::kUnits},
                           {"locations", FileKind::kLocations},
                           {"items", FileKind::kItems},
                           {"lots", FileKind::kLots},
                           {"movements", FileKind::kMovements}};

// How many problems or refusals are told one by one.
constexpr size_t kToldMax = 50;

struct InputFile {
  std::string path;
  FileKind kind;
};

absl::StatusOr<std::vector<InputFile>> ChooseFiles(const ImportOptions& options) {
  const auto* kind = std::ranges::find(kKinds, options.what,
                                       [](const Kind& each) { return std::string(each.word); });
  if (kind != std::end(kKinds)) {
    if (options.file.empty())
      return absl::InvalidArgumentError("which file? qmctl import KIND FILE");
    return std::vector<InputFile>{{options.file, kind->kind}};
  }
  std::error_code error;
  if (!options.file.empty() || !std::filesystem::is_directory(options.what, error)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", options.what,
                     "\" is neither a folder nor units, locations, items, lots or movements"));
  }
  std::vector<InputFile> files;
  for (const Kind& each : kKinds) {
    const std::filesystem::path path =
        std::filesystem::path(options.what) / absl::StrCat(each.word, ".csv");
    if (std::filesystem::exists(path, error)) files.push_back({path.string(), each.kind});
  }
  if (files.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(options.what,
                     " holds none of units.csv, locations.csv, items.csv, lots.csv, "
                     "movements.csv"));
  }
  return files;
}

absl::StatusOr<Plan> ReadPlan(const std::vector<InputFile>& files, std::vector<Problem>& problems) {
  Plan plan;
  for (const InputFile& input : files) {
    const absl::StatusOr<std::string> text = ReadFile(input.path);
    if (!text.ok()) return text.status();
    const CsvFile csv = ReadCsv(input.path, *text, problems);
    // Without a header that can be read, which columns are missing says nothing.
    if (!csv.columns.empty()) PlanFile(input.kind, csv, plan, problems);
  }
  return plan;
}

// Tells all that is wrong with the files; returns whether nothing is.
bool CheckNoProblems(Session& session, std::vector<Problem>& problems) {
  if (problems.empty()) return true;
  // By file and line, as one mends them.
  std::ranges::stable_sort(problems, [](const Problem& a, const Problem& b) {
    return a.file == b.file && a.line < b.line;
  });
  for (size_t i = 0; i < std::min(problems.size(), kToldMax); ++i) {
    std::cerr << RenderProblem(problems[i]) << "\n";
  }
  if (problems.size() > kToldMax) {
    std::cerr << session.Say("… and ", "……另有 ") << problems.size() - kToldMax
              << session.Say(" more\n", " 处\n");
  }
  session.FailUsage(absl::StrCat(
      problems.size(), session.Say(" problems; nothing was sent", " 处问题；未提交任何内容")));
  return false;
}

void PrintReport(const Session& session, const ImportReport& report, bool is_dry_run) {
  Table table{.columns = {{.title = session.Say("what", "内容")},
                          {.title = is_dry_run ? session.Say("to create", "将新建")
                                               : session.Say("created", "新建"),
                           .is_number = true},
                          {.title = session.Say("there already", "已有"), .is_number = true}}};
  if (!is_dry_run) {
    table.columns.push_back({.title = session.Say("refused", "被拒"), .is_number = true});
    table.columns.push_back({.title = session.Say("left out", "未办"), .is_number = true});
    table.columns.push_back({.title = session.Say("seconds", "秒"), .is_number = true});
  }
  for (const StageReport& stage : report.stages) {
    table.rows.push_back(
        {stage.stage, absl::StrCat(stage.created_count), absl::StrCat(stage.there_already_count)});
    if (is_dry_run) continue;
    table.rows.back().push_back(absl::StrCat(stage.refused_count));
    table.rows.back().push_back(absl::StrCat(stage.left_out_count));
    table.rows.back().push_back(absl::StrFormat("%.1f", absl::ToDoubleSeconds(stage.took)));
  }
  std::cout << (session.is_table() ? RenderTable(table) : RenderTableAsCsv(table));
}

void TellRefusals(Session& session, const ImportReport& report) {
  for (size_t i = 0; i < std::min(report.refusals.size(), kToldMax); ++i) {
    const Refusal& refusal = report.refusals[i];
    std::cerr << refusal.origin.file << ":" << refusal.origin.line << ": "
              << RenderErrorLine(refusal.error) << "\n";
  }
  if (report.refusals.size() > kToldMax) {
    std::cerr << session.Say("… and ", "……另有 ") << report.refusals.size() - kToldMax
              << session.Say(" more\n", " 处\n");
  }
  if (!report.broken.ok()) {
    session.Fail(report.broken);
    std::cerr << session.Say("Run the same import again: it goes on where it stopped.\n",
                             "再次执行同一导入即可从中断处继续。\n");
  } else if (!report.refusals.empty()) {
    session.exit_code = report.has_created() ? ExitCode::kPartlyImported : ExitCode::kRefused;
  }
}

// Shows on a terminal how far it is. Called by one thread at a time.
class Progress {
 public:
  ~Progress() {
    if (is_shown_) std::cerr << "\r\x1b[K";
  }
  void Show(absl::string_view stage, size_t done_count, size_t count) {
    if (isatty(STDERR_FILENO) == 0) return;
    is_shown_ = true;
    std::cerr << absl::StrFormat("\r\x1b[K%s %d/%d", stage, done_count, count);
  }

 private:
  bool is_shown_ = false;
};

bool NeedsReceiver(const Plan& plan) {
  return std::ranges::any_of(plan.transfers, [](const PlannedTransfer& transfer) {
    return transfer.outcome == PlannedTransfer::Outcome::kReceived;
  });
}

void RunImport(Session& session, const ImportOptions& options) {
  const absl::StatusOr<std::vector<InputFile>> files = ChooseFiles(options);
  if (!files.ok()) return session.FailUsage(files.status().message());
  std::vector<Problem> problems;
  const absl::StatusOr<Plan> plan = ReadPlan(*files, problems);
  if (!plan.ok()) return session.FailUsage(plan.status().message());
  if (!CheckNoProblems(session, problems)) return;

  TokenSource receiver_source = options.receiver;
  if (!receiver_source.is_given()) {
    const char* token = std::getenv("QMCTL_RECEIVER_TOKEN");
    if (token != nullptr) receiver_source.token = token;
  }
  if (NeedsReceiver(*plan) && !receiver_source.is_given() && !options.is_dry_run) {
    return session.FailUsage(session.Say(
        "transfers that arrive are signed for by a second person: --receiver-token-file",
        "调拨收货须由第二人签收：--receiver-token-file"));
  }
  const absl::StatusOr<std::unique_ptr<Client>> caller = session.Connect();
  if (!caller.ok()) return session.FailUsage(caller.status().message());
  const absl::StatusOr<std::unique_ptr<Client>> receiver = session.ConnectAs(receiver_source);
  if (!receiver.ok()) return session.FailUsage(receiver.status().message());

  const absl::StatusOr<Books> books = ReadBooks(**caller, *plan);
  if (!books.ok()) return session.Fail(books.status());
  CheckReferences(*plan, *books, problems);
  if (!CheckNoProblems(session, problems)) return;
  if (options.is_dry_run) return PrintReport(session, RehearseImport(*plan, *books), true);

  ImportReport report;
  {
    Progress progress;
    report = RunImport(*plan, *books,
                       {.caller = caller->get(),
                        .receiver = receiver->get(),
                        .in_flight = options.in_flight,
                        .on_progress = [&](absl::string_view stage, size_t done, size_t count) {
                          progress.Show(stage, done, count);
                        }});
  }
  PrintReport(session, report, false);
  TellRefusals(session, report);
}

constexpr char kDescription[] =
    "read CSV files into the books; `qmctl import --help` says which columns";

constexpr char kColumns[] =
    "Files are CSV in UTF-8 with a header; a folder's are read in the order below.\n"
    "  units      unit_id parent kind title_zh [priority establishment title_en]\n"
    "  locations  unit location_id kind title_zh [title_en custodian]\n"
    "  items      item_id title_zh base_unit [title_en units packs category_code is_expiring\n"
    "             is_durable hazard substitutes]; units: pair=2; packs: box50=50 piece\n"
    "  lots       item lot_id origin owner [origin_reference expiry_date]\n"
    "  movements  kind issuer number line item lot quantity [unit reason occurred_time "
    "arrived_time\n"
    "             source source_state destination destination_state outcome damaged short note];\n"
    "             kind: movement or transfer; outcome of a transfer: draft, on-the-way, received;\n"
    "             a place is UNIT/LOCATION; rows of one paper stand together\n"
    "Columns basis, note, claim and event are for people. What is wrong is told with row and "
    "column,\n"
    "before anything is sent, in two rounds: first all that shows in the files themselves; when\n"
    "nothing is left of that, all that does not go with the books, as an item nobody knows.\n"
    "Running an import again, by a colleague too, changes nothing: rows carry their paper.";

}  // namespace

void AddImport(CLI::App& app, Session& session) {
  auto options = std::make_shared<ImportOptions>();
  CLI::App* import = app.add_subcommand("import", kDescription);
  import->footer(kColumns);
  import
      ->add_option("what", options->what,
                   "units, locations, items, lots or movements and a FILE; or a folder of them")
      ->required();
  import->add_option("file", options->file, "the file, - for standard input");
  import->add_flag("--dry-run", options->is_dry_run, "check everything, send nothing");
  import->add_option("--receiver-token-file", options->receiver.file,
                     "token of who signs for transfers; or QMCTL_RECEIVER_TOKEN");
  import->add_option("--receiver-as", options->receiver.person,
                     "demo person who signs for transfers");
  import->add_option("--in-flight", options->in_flight, "requests at a time")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  import->callback([&session, options] { RunImport(session, *options);
});
}  // namespace quartermaster::qmctl

}  // namespace quartermaster::qmctl
