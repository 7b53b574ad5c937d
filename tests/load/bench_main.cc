// qm-bench: measures the real programs on this machine and prints ratios within one run.
//
// What is compared is run in turn, A B C A B C …, so that the machine's moods meet all alike. Each
// figure is the median of the repetitions; a goal is missed when the upper quartile misses it.

#include <iostream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "tests/load/lanes_bench.h"
#include "tests/load/long_bench.h"
#include "tests/load/paths_bench.h"
#include "tests/load/sealing_bench.h"
#include "tests/load/situation_bench.h"

namespace quartermaster::load {
namespace {

struct Part {
  absl::string_view name;
  absl::Status (*measure)(int repetition_count);
  // Runs only when it is asked for.
  bool is_long = false;
};

constexpr Part kParts[] = {
    {"lanes", MeasureLanes},     {"paths", MeasurePaths},           {"situation", MeasureSituation},
    {"sealing", MeasureSealing}, {"long", MeasureLongLedger, true},
};

constexpr char kUsage[] =
    "usage: qm-bench [--only=lanes|paths|situation|sealing|long] [--long] [REPETITIONS]\n"
    "  --only=PART  measures that alone\n"
    "  --long       also measures a ledger of ten million lines: many minutes\n"
    "  REPETITIONS  1 to 100; default 3\n";

}  // namespace
}  // namespace quartermaster::load

int main(int argc, char** argv) {
  using quartermaster::load::kParts;
  using quartermaster::load::Part;
  int repetition_count = 3;
  bool is_long = false;
  const Part* only = nullptr;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    bool is_known = true;
    if (argument == "--long") {
      is_long = true;
    } else if (absl::ConsumePrefix(&argument, "--only=")) {
      for (const Part& part : kParts) {
        if (part.name == argument) only = &part;
      }
      is_known = only != nullptr;
    } else {
      is_known = absl::SimpleAtoi(argument, &repetition_count) && repetition_count >= 1 &&
                 repetition_count <= 100;
    }
    if (!is_known) {
      std::cerr << quartermaster::load::kUsage;
      return 2;
    }
  }
  for (const Part& part : kParts) {
    if (only != nullptr ? &part != only : part.is_long && !is_long) continue;
    if (const absl::Status measured = part.measure(repetition_count); !measured.ok()) {
      std::cerr << "qm-bench: " << part.name << ": " << measured.message() << "\n";
      return 1;
    }
    std::cout << std::endl;
  }
  return 0;
}
