#include "tests/load/probes.h"

#include <algorithm>

#include "absl/strings/str_format.h"

namespace quartermaster::load {

double PerSecond(const RunResult& result) { return result.per_second(); }
double P50(const RunResult& result) { return result.p50_ms; }
double P99(const RunResult& result) { return result.p99_ms; }

double Quantile(std::vector<double> values, double fraction) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(values.size() * fraction))];
}

double Median(const Probe& probe, Figure figure) {
  std::vector<double> values;
  for (const RunResult& result : probe.results) values.push_back(figure(result));
  return Quantile(std::move(values), 0.5);
}

Ratio RatioOf(const Probe& a, const Probe& b, Figure figure, bool less_is_better) {
  std::vector<double> ratios;
  for (size_t i = 0; i < a.results.size(); ++i) {
    if (figure(b.results[i]) > 0) ratios.push_back(figure(a.results[i]) / figure(b.results[i]));
  }
  if (ratios.empty()) return {};
  return {.median = Quantile(ratios, 0.5),
          .worst_quarter = Quantile(ratios, less_is_better ? 0.75 : 0.25)};
}

void PrintGoal(const std::string& what, const Ratio& ratio, double goal, bool less_is_better) {
  const bool is_met = less_is_better ? ratio.worst_quarter <= goal : ratio.worst_quarter >= goal;
  absl::PrintF("| %s | %.2f | %.2f | %.2f | %s |\n", what, ratio.median, ratio.worst_quarter, goal,
               is_met ? "met" : "MISSED");
}

void PrintRatio(const std::string& what, const Ratio& ratio) {
  absl::PrintF("| %s | %.2f | %.2f | - | |\n", what, ratio.median, ratio.worst_quarter);
}

std::string PrintProbe(const Probe& probe) {
  int64_t errors = 0;
  std::string first_error;
  for (const RunResult& result : probe.results) {
    errors += result.error_count;
    if (first_error.empty()) first_error = result.first_error;
  }
  absl::PrintF("| %s | %.0f | %.1f | %.1f | %d |\n", probe.name, Median(probe, PerSecond),
               Median(probe, P50), Median(probe, P99), errors);
  return errors > 0 ? probe.name + ": " + first_error : "";
}

}  // namespace quartermaster::load
