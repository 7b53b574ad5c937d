#pragma once

#include <string>

namespace quartermaster::inventory {

// A name as people read it.
struct Title {
  // In Chinese.
  std::string zh;
  // In English; empty: show `zh`.
  std::string en = "";

  friend bool operator==(const Title&, const Title&) = default;
};

template <typename V>
void VisitFields(V& visit, Title& title) {
  visit(title.zh, title.en);
}

}  // namespace quartermaster::inventory
