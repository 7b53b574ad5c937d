#include "platform/telemetry/metrics.h"

#include <prometheus/text_serializer.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "platform/base/check.h"

namespace quartermaster::telemetry {
namespace {

constexpr absl::string_view kUnits[] = {"_total", "_seconds", "_bytes", "_count", "_ratio"};

bool EndsWithItsUnit(absl::string_view name) {
  return std::ranges::any_of(kUnits,
                             [&](absl::string_view unit) { return absl::EndsWith(name, unit); });
}

bool IsSnakeCase(absl::string_view name) {
  return std::ranges::all_of(
      name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

}  // namespace

template <typename Metric>
Metric& Series<Metric>::With(const std::vector<std::string>& label_values) {
  QM_CHECK(label_values.size() == label_names_.size());
  base::MutexLock lock(&mutex_);
  const auto found = by_values_.find(label_values);
  if (found != by_values_.end()) return *found->second;
  const std::vector<std::string> values =
      by_values_.size() < series_max_ ? label_values
                                      : std::vector<std::string>(label_names_.size(), "other");
  Metric*& metric = by_values_[values];
  if (metric == nullptr) {
    prometheus::Labels labels;
    for (size_t i = 0; i < values.size(); ++i) labels[label_names_[i]] = values[i];
    metric = &make_(labels);
  }
  return *metric;
}

template class Series<prometheus::Counter>;
template class Series<prometheus::Gauge>;
template class Series<prometheus::Histogram>;

std::vector<double> LatencyBuckets() {
  return {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
}

Metrics::Metrics(absl::string_view program) : prefix_(absl::StrCat("qm_", program, "_")) {
  QM_CHECK(IsSnakeCase(program));
}

Metrics::~Metrics() = default;

std::string Metrics::FullName(absl::string_view name) const {
  QM_CHECK(IsSnakeCase(name) && EndsWithItsUnit(name));
  return absl::StrCat(prefix_, name);
}

CounterSeries& Metrics::AddCounter(absl::string_view name, absl::string_view help,
                                   std::vector<std::string> label_names, size_t series_max) {
  auto& family =
      prometheus::BuildCounter().Name(FullName(name)).Help(std::string(help)).Register(registry_);
  base::MutexLock lock(&mutex_);
  return *counters_.emplace_back(std::make_unique<CounterSeries>(
      std::move(label_names), series_max,
      [&family](const prometheus::Labels& labels) -> prometheus::Counter& {
        return family.Add(labels);
      }));
}

GaugeSeries& Metrics::AddGauge(absl::string_view name, absl::string_view help,
                               std::vector<std::string> label_names, size_t series_max) {
  auto& family =
      prometheus::BuildGauge().Name(FullName(name)).Help(std::string(help)).Register(registry_);
  base::MutexLock lock(&mutex_);
  return *gauges_.emplace_back(std::make_unique<GaugeSeries>(
      std::move(label_names), series_max,
      [&family](const prometheus::Labels& labels) -> prometheus::Gauge& {
        return family.Add(labels);
      }));
}

HistogramSeries& Metrics::AddHistogram(absl::string_view name, absl::string_view help,
                                       std::vector<std::string> label_names,
                                       std::vector<double> buckets, size_t series_max) {
  auto& family =
      prometheus::BuildHistogram().Name(FullName(name)).Help(std::string(help)).Register(registry_);
  base::MutexLock lock(&mutex_);
  return *histograms_.emplace_back(std::make_unique<HistogramSeries>(
      std::move(label_names), series_max,
      [&family, buckets = std::move(buckets)](const prometheus::Labels& labels)
          -> prometheus::Histogram& { return family.Add(labels, buckets); }));
}

void Metrics::BeforeRender(std::function<void()> refresh) {
  base::MutexLock lock(&mutex_);
  refreshes_.push_back(std::move(refresh));
}

std::string Metrics::Render() {
  std::vector<std::function<void()>> refreshes;
  {
    base::MutexLock lock(&mutex_);
    refreshes = refreshes_;
  }
  for (const auto& refresh : refreshes) refresh();
  return prometheus::TextSerializer().Serialize(registry_.Collect());
}

}  // namespace quartermaster::telemetry
