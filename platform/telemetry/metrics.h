#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "platform/base/mutex.h"

// A program's metrics, as Prometheus reads them.
//
//   telemetry::Metrics metrics("inventory");
//   auto& postings = metrics.AddCounter("postings_total", "Postings by outcome.", {"outcome"});
//   postings.With({"committed"}).Increment();
//   // qm_inventory_postings_total{outcome="committed"} 1
namespace quartermaster::telemetry {

// All series of one metric. A label's values are a short list known to us (a method, a code), never
// what a caller sent; should they be more than `series_max` after all, the rest share one series
// whose labels all say `other`.
//
// Thread-safe. What `With` returns lives as long as the `Metrics`.
template <typename Metric>
class Series {
 public:
  using Make = std::function<Metric&(const prometheus::Labels&)>;

  Series(std::vector<std::string> label_names, size_t series_max, Make make)
      : label_names_(std::move(label_names)), series_max_(series_max), make_(std::move(make)) {}

  // Returns the series with these values, one for each label name, in their order.
  Metric& With(const std::vector<std::string>& label_values);
  // The only series of a metric without labels.
  Metric& Only() { return With({}); }

 private:
  const std::vector<std::string> label_names_;
  const size_t series_max_;
  const Make make_;
  base::Mutex mutex_;
  absl::flat_hash_map<std::vector<std::string>, Metric*> by_values_ ABSL_GUARDED_BY(mutex_);
};

using CounterSeries = Series<prometheus::Counter>;
using GaugeSeries = Series<prometheus::Gauge>;
using HistogramSeries = Series<prometheus::Histogram>;

// Bounds in seconds for calls: half a millisecond to a minute.
std::vector<double> LatencyBuckets();

// Holds the metrics of one program. Names are made `qm_<program>_<name>`, and `name` ends with its
// unit: `_total`, `_seconds`, `_bytes`. A name may be added once.
//
// Thread-safe. Must outlive everything that it handed out.
class Metrics {
 public:
  static constexpr size_t kSeriesMax = 2000;

  // `program` is a word such as `inventory`.
  explicit Metrics(absl::string_view program);
  ~Metrics();

  CounterSeries& AddCounter(absl::string_view name, absl::string_view help,
                            std::vector<std::string> label_names = {},
                            size_t series_max = kSeriesMax);
  GaugeSeries& AddGauge(absl::string_view name, absl::string_view help,
                        std::vector<std::string> label_names = {}, size_t series_max = kSeriesMax);
  HistogramSeries& AddHistogram(absl::string_view name, absl::string_view help,
                                std::vector<std::string> label_names = {},
                                std::vector<double> buckets = LatencyBuckets(),
                                size_t series_max = kSeriesMax);

  // Calls `refresh` before each `Render`, to set gauges that are read rather than counted: the
  // length of a queue, connections in use. It must not block, and must work until this ends.
  void BeforeRender(std::function<void()> refresh);

  // Renders everything in the Prometheus text format.
  std::string Render();

 private:
  std::string FullName(absl::string_view name) const;

  const std::string prefix_;
  prometheus::Registry registry_;
  base::Mutex mutex_;
  std::vector<std::unique_ptr<CounterSeries>> counters_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<GaugeSeries>> gauges_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<HistogramSeries>> histograms_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> refreshes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace quartermaster::telemetry
