#include "platform/telemetry/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "platform/telemetry/process_metrics.h"

namespace quartermaster::telemetry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(MetricsTest, RendersCountersGaugesAndHistograms) {
  Metrics metrics("depot");
  metrics.AddCounter("postings_total", "Postings.", {"outcome"}).With({"committed"}).Increment(2);
  metrics.AddGauge("queue_bytes", "Bytes.").Only().Set(7);
  metrics.AddHistogram("turn_seconds", "Turns.", {}, {0.1, 1}).Only().Observe(0.5);

  const std::string text = metrics.Render();

  EXPECT_THAT(text, HasSubstr("# HELP qm_depot_postings_total Postings.\n"));
  EXPECT_THAT(text, HasSubstr("qm_depot_postings_total{outcome=\"committed\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("qm_depot_queue_bytes 7\n"));
  EXPECT_THAT(text, HasSubstr("qm_depot_turn_seconds_bucket{le=\"0.1\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("qm_depot_turn_seconds_bucket{le=\"1\"} 1\n"));
}

// Goal: whatever becomes a label, memory has a bound.
TEST(MetricsTest, PutsSeriesBeyondTheBoundTogether) {
  Metrics metrics("depot");
  CounterSeries& calls = metrics.AddCounter("calls_total", "Calls.", {"method"}, 2);

  for (int i = 0; i < 100; ++i) calls.With({absl::StrCat("m", i)}).Increment();

  const std::string text = metrics.Render();
  EXPECT_THAT(text, HasSubstr("qm_depot_calls_total{method=\"m1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("qm_depot_calls_total{method=\"other\"} 98\n"));
  EXPECT_THAT(text, Not(HasSubstr("m2")));
}

TEST(MetricsTest, RefreshesBeforeItRenders) {
  Metrics metrics("depot");
  prometheus::Gauge& queued = metrics.AddGauge("queued_count", "Queued.").Only();
  int length = 3;
  metrics.BeforeRender([&] { queued.Set(length); });

  EXPECT_THAT(metrics.Render(), HasSubstr("qm_depot_queued_count 3\n"));
  length = 4;
  EXPECT_THAT(metrics.Render(), HasSubstr("qm_depot_queued_count 4\n"));
}

TEST(MetricsTest, CountsFromManyThreads) {
  Metrics metrics("depot");
  CounterSeries& calls = metrics.AddCounter("calls_total", "Calls.", {"method"});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) calls.With({absl::StrCat(i % 10)}).Increment();
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_THAT(metrics.Render(), HasSubstr("qm_depot_calls_total{method=\"3\"} 400\n"));
}

double ValueOf(const std::string& text, const std::string& name) {
  const size_t line = text.find("\n" + name + " ");
  return line == std::string::npos ? -1 : std::stod(text.substr(line + name.size() + 2));
}

TEST(ProcessMetricsTest, FollowTheProcess) {
  Metrics metrics("depot");
  AddProcessMetrics(metrics);
  const std::string before = metrics.Render();
  std::vector<char> block(64 << 20, 'x');
  const int file = dup(0);

  const std::string after = metrics.Render();

  close(file);
  EXPECT_EQ(block.back(), 'x');
  EXPECT_GT(ValueOf(before, "qm_depot_process_cpu_seconds"), 0);
  EXPECT_GT(ValueOf(after, "qm_depot_process_cpu_seconds"),
            ValueOf(before, "qm_depot_process_cpu_seconds"));
  EXPECT_GT(ValueOf(after, "qm_depot_process_resident_bytes"),
            ValueOf(before, "qm_depot_process_resident_bytes") + (32 << 20));
  EXPECT_EQ(ValueOf(after, "qm_depot_process_open_files_count"),
            ValueOf(before, "qm_depot_process_open_files_count") + 1);
}

TEST(MetricsDeathTest, KeepsToTheNames) {
  Metrics metrics("depot");
  EXPECT_DEATH(metrics.AddCounter("calls", "No unit."), "broken promise");
  EXPECT_DEATH(metrics.AddCounter("Calls_total", "Upper case."), "broken promise");
  EXPECT_DEATH(Metrics("depot-1"), "broken promise");
}

}  // namespace
}  // namespace quartermaster::telemetry
