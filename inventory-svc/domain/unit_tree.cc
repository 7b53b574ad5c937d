#include "inventory-svc/domain/unit_tree.h"

#include <utility>

#include "platform/status/error.h"

namespace quartermaster::inventory {

absl::StatusOr<UnitTree> UnitTree::Make(std::vector<UnitNode> nodes) {
  UnitTree tree;
  if (nodes.empty()) return tree;
  std::optional<size_t> root;
  absl::flat_hash_map<UnitId, std::vector<size_t>> children;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!tree.ids_.emplace(nodes[i].name, nodes[i].id).second) {
      return status::Internal("two units have the name " + nodes[i].name);
    }
    if (nodes[i].parent.has_value()) {
      children[*nodes[i].parent].push_back(i);
    } else if (!std::exchange(root, i).has_value()) {
      continue;
    } else {
      return status::Internal("two units have no parent");
    }
  }
  if (!root.has_value()) return status::Internal("no unit is the root");

  // Depth first without recursion: a node is entered, then left when all beneath it were.
  struct Step {
    size_t node;
    bool is_leaving;
  };
  std::vector<Step> steps = {{*root, false}};
  while (!steps.empty()) {
    const Step step = steps.back();
    steps.pop_back();
    const UnitId id = nodes[step.node].id;
    if (step.is_leaving) {
      tree.spans_.at(id).end = tree.nodes_.size();
      continue;
    }
    tree.spans_[id] = {.first = tree.nodes_.size(), .end = 0};
    tree.nodes_.push_back(nodes[step.node]);
    steps.push_back({step.node, true});
    if (const auto below = children.find(id); below != children.end()) {
      for (const size_t child : below->second) steps.push_back({child, false});
    }
  }
  if (tree.nodes_.size() != nodes.size()) {
    return status::Internal("some units are not beneath the root");
  }
  return tree;
}

absl::string_view UnitTree::root_name() const {
  return nodes_.empty() ? absl::string_view() : absl::string_view(nodes_.front().name);
}

std::optional<UnitTree::Span> UnitTree::FindSpan(absl::string_view name) const {
  const auto id = ids_.find(name);
  if (id == ids_.end()) return std::nullopt;
  return spans_.at(id->second);
}

bool UnitTree::Covers(absl::string_view ancestor_unit_name, absl::string_view unit_name) const {
  const std::optional<Span> ancestor = FindSpan(ancestor_unit_name);
  if (!ancestor.has_value()) return false;
  const std::optional<Span> unit = FindSpan(unit_name);
  if (!unit.has_value()) return ancestor_unit_name == root_name();
  return ancestor->first <= unit->first && unit->first < ancestor->end;
}

std::optional<UnitId> UnitTree::Find(absl::string_view name) const {
  const auto id = ids_.find(name);
  if (id == ids_.end()) return std::nullopt;
  return id->second;
}

absl::string_view UnitTree::NameOf(UnitId unit) const {
  const auto span = spans_.find(unit);
  return span == spans_.end() ? absl::string_view() : nodes_[span->second.first].name;
}

std::optional<UnitId> UnitTree::ParentOf(UnitId unit) const {
  const auto span = spans_.find(unit);
  if (span == spans_.end()) return std::nullopt;
  return nodes_[span->second.first].parent;
}

std::vector<UnitId> UnitTree::Subtree(UnitId unit) const {
  std::vector<UnitId> units;
  if (const auto span = spans_.find(unit); span != spans_.end()) {
    units.reserve(span->second.end - span->second.first);
    for (size_t i = span->second.first; i < span->second.end; ++i) units.push_back(nodes_[i].id);
  }
  return units;
}

}  // namespace quartermaster::inventory
