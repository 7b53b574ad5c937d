#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/load/callers.h"

// Figures of one run: what was measured again and again, and how two of them compare.
namespace quartermaster::load {

// One thing that is measured, again and again.
struct Probe {
  std::string name;
  std::function<RunResult()> run;
  std::vector<RunResult> results = {};
};

double PerSecond(const RunResult& result);
double P50(const RunResult& result);
double P99(const RunResult& result);

// Returns the value below which `fraction` of `values` lie; at least one value.
double Quantile(std::vector<double> values, double fraction);

using Figure = double (*)(const RunResult&);
double Median(const Probe& probe, Figure figure);

// The ratios of two probes, repetition by repetition: their median and the quarter that is worse,
// which is the lower one unless less is better.
struct Ratio {
  double median = 0;
  double worst_quarter = 0;
};
Ratio RatioOf(const Probe& a, const Probe& b, Figure figure = PerSecond,
              bool less_is_better = false);

// Prints a row of a table: the ratio, its goal, and whether that is met.
void PrintGoal(const std::string& what, const Ratio& ratio, double goal,
               bool less_is_better = false);

// Prints the same row for a ratio that has no goal.
void PrintRatio(const std::string& what, const Ratio& ratio);

// Prints a row of a table of postings. Returns the first error of a call, if there was one.
std::string PrintProbe(const Probe& probe);

}  // namespace quartermaster::load
