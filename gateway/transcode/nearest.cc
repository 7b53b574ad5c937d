#include "gateway/transcode/nearest.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"

namespace quartermaster::gateway {
namespace {

constexpr size_t kLengthMax = 64;

std::string Folded(absl::string_view text) {
  std::string folded;
  for (const char c : text.substr(0, kLengthMax)) {
    if (c != '_') folded.push_back(absl::ascii_tolower(static_cast<unsigned char>(c)));
  }
  return folded;
}

// The optimal string alignment distance.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::array<std::array<size_t, kLengthMax + 1>, 3> rows;
  for (size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i + 2) % 3];
    const auto& above_two = rows[(i + 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], above_two[j - 2] + 1);
      }
    }
  }
  return rows[a.size() % 3][b.size()];
}

}  // namespace

std::string NearestOf(absl::string_view text, const std::vector<std::string>& candidates) {
  const std::string folded = Folded(text);
  size_t best = std::max<size_t>(2, folded.size() / 3) + 1;
  std::string nearest;
  for (const std::string& candidate : candidates) {
    const std::string folded_candidate = Folded(candidate);
    const size_t distance = Distance(folded, folded_candidate);
    if (distance < best && distance < folded_candidate.size()) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace quartermaster::gateway
