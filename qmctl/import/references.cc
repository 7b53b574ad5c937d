#include "qmctl/import/references.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "qmctl/import/differences.h"
#include "qmctl/import/transfer_matches.h"

namespace quartermaster::qmctl {
namespace {

// The server does not tell one from the other.
constexpr absl::string_view kNoUnit = "there is no such unit, or you may not see it";

// Names that exist, or will once the plan has been carried out.
class Names {
 public:
  Names(const Plan& plan, const Books& books) {
    for (const auto& [name, unit] : books.units) units_.insert(name);
    for (const auto& unit : plan.units) {
      units_.insert(absl::StrCat("units/", unit.request.unit_id()));
    }
    for (const auto& [name, location] : books.locations) places_.insert(name);
    for (const auto& location : plan.locations) {
      places_.insert(
          absl::StrCat(location.request.parent(), "/locations/", location.request.location_id()));
    }
    for (const PlannedItem& item : plan.items) AddItem(item.request.item(), item);
    for (const auto& [name, item] : books.items) AddItem(name, item);
    for (const auto& [name, lot] : books.lots) lots_.insert(name);
    for (const auto& lot : plan.lots) {
      lots_.insert(absl::StrCat(lot.request.parent(), "/lots/", lot.request.lot_id()));
    }
  }

  bool HasUnit(const std::string& name) const { return units_.contains(name); }
  bool HasPlace(const std::string& name) const { return places_.contains(name); }
  bool HasItem(const std::string& name) const { return measures_.contains(name); }
  bool HasLot(const std::string& name) const { return lots_.contains(name); }
  // Units that quantities of the item may be written in.
  const std::set<std::string>& MeasuresOf(const std::string& item) const {
    return measures_.at(item);
  }

 private:
  void AddItem(const std::string& name, const pb::Item& item) {
    std::set<std::string>& measures = measures_[name];
    measures.insert({"", item.base_unit()});
    for (const pb::ItemUnit& unit : item.units()) measures.insert(unit.unit());
    for (const pb::Pack& pack : item.packs()) measures.insert(pack.pack());
  }
  void AddItem(const pb::Item& item, const PlannedItem& planned) {
    const std::string name = absl::StrCat("items/", planned.request.item_id());
    AddItem(name, item);
    for (const auto& pack : planned.packs) measures_[name].insert(pack.pack().pack());
  }

  absl::flat_hash_set<std::string> units_;
  absl::flat_hash_set<std::string> places_;
  absl::flat_hash_map<std::string, std::set<std::string>> measures_;
  absl::flat_hash_set<std::string> lots_;
};

// The order in which an item declares its units means nothing.
void SortUnits(pb::Item& item) {
  std::sort(item.mutable_units()->begin(), item.mutable_units()->end(),
            [](const pb::ItemUnit& a, const pb::ItemUnit& b) { return a.unit() < b.unit(); });
}

class Checker {
 public:
  Checker(const Plan& plan, const Books& books, std::vector<Problem>& problems)
      : plan_(plan), books_(books), names_(plan, books), problems_(problems) {}

  void CheckUnits() {
    bool has_root = !books_.units.empty();
    for (const auto& planned : plan_.units) {
      pb::Unit wanted = planned.request.unit();
      wanted.set_name(absl::StrCat("units/", planned.request.unit_id()));
      if (const auto found = books_.units.find(wanted.name()); found != books_.units.end()) {
        TellDifferences(planned.origin, found->second, wanted);
      } else if (wanted.parent().empty()) {
        if (has_root) Tell(planned.origin, "parent", "", "the tree has a root already");
        has_root = true;
      } else if (!names_.HasUnit(wanted.parent())) {
        Tell(planned.origin, "parent", wanted.parent(), kNoUnit);
      }
    }
  }

  void CheckLocations() {
    for (const auto& planned : plan_.locations) {
      pb::Location wanted = planned.request.location();
      wanted.set_name(
          absl::StrCat(planned.request.parent(), "/locations/", planned.request.location_id()));
      if (const auto found = books_.locations.find(wanted.name());
          found != books_.locations.end()) {
        TellDifferences(planned.origin, found->second, wanted);
      } else if (!names_.HasUnit(planned.request.parent())) {
        Tell(planned.origin, "unit", planned.request.parent(), kNoUnit);
      }
    }
  }

  void CheckItems() {
    for (const PlannedItem& planned : plan_.items) {
      pb::Item wanted = planned.request.item();
      wanted.set_name(absl::StrCat("items/", planned.request.item_id()));
      if (const auto found = books_.items.find(wanted.name()); found != books_.items.end()) {
        pb::Item in_books = found->second;
        SortUnits(in_books);
        SortUnits(wanted);
        TellDifferences(planned.origin, in_books, wanted);
      }
      for (const std::string& substitute : wanted.substitutes()) {
        if (!names_.HasItem(substitute)) {
          Tell(planned.origin, "substitutes", substitute, "there is no such item");
        }
      }
    }
  }

  void CheckLots() {
    for (const auto& planned : plan_.lots) {
      pb::Lot wanted = planned.request.lot();
      wanted.set_name(absl::StrCat(planned.request.parent(), "/lots/", planned.request.lot_id()));
      if (const auto found = books_.lots.find(wanted.name()); found != books_.lots.end()) {
        TellDifferences(planned.origin, found->second, wanted);
        continue;
      }
      if (!names_.HasItem(planned.request.parent())) {
        Tell(planned.origin, "item", planned.request.parent(), "there is no such item");
      }
      if (!names_.HasUnit(wanted.owner())) {
        Tell(planned.origin, "owner", wanted.owner(), kNoUnit);
      }
    }
  }

  void CheckMovements() {
    for (const PlannedMovement& planned : plan_.movements) {
      for (int i = 0; i < planned.request.lines_size(); ++i) {
        const pb::MovementLine& line = planned.request.lines(i);
        const Origin origin = {planned.origin.file, planned.rows[i]};
        CheckLine(origin, line.lot(), line.quantity());
        CheckPlace(origin, "source", line.source().location());
        if (line.destination().location() != line.source().location()) {
          CheckPlace(origin, "destination", line.destination().location());
        }
      }
    }
  }

  void CheckTransfers() {
    for (const PlannedTransfer& planned : plan_.transfers) {
      CheckPlace(planned.origin, "source", planned.request.source());
      CheckPlace(planned.origin, "destination", planned.request.destination());
      for (int i = 0; i < planned.request.lines_size(); ++i) {
        const pb::TransferLine& line = planned.request.lines(i);
        CheckLine({planned.origin.file, planned.rows[i]}, line.lot(), line.quantity());
      }
    }
    const TransferMatches matches = MatchTransfers(plan_, books_);
    for (size_t i = 0; i < plan_.transfers.size(); ++i) {
      if (matches[i] == nullptr) continue;
      TellDifferences(plan_.transfers[i].origin, ContentOf(*matches[i]),
                      ContentOf(plan_.transfers[i].request));
    }
  }

 private:
  void CheckPlace(const Origin& origin, absl::string_view column, const std::string& place) {
    if (!names_.HasPlace(place))
      Tell(origin, column, place, "there is no such location, or you may not see it");
  }

  void CheckLine(const Origin& origin, const std::string& lot, const type::v1::Quantity& quantity) {
    const std::string item = lot.substr(0, lot.find("/lots/"));
    if (!names_.HasItem(item)) {
      Tell(origin, "item", item, "there is no such item");
    } else if (!names_.MeasuresOf(item).contains(quantity.unit())) {
      Tell(origin, "unit", quantity.unit(),
           absl::StrCat(item, " is written in ", absl::StrJoin(names_.MeasuresOf(item), " ")));
    }
    if (names_.HasItem(item) && !names_.HasLot(lot)) {
      Tell(origin, "lot", lot, "there is no such lot");
    }
  }

  void TellDifferences(const Origin& origin, const google::protobuf::Message& in_books,
                       const google::protobuf::Message& wanted) {
    const std::string differences = DescribeDifferences(in_books, wanted);
    if (differences.empty()) return;
    problems_.push_back(
        {.file = origin.file,
         .line = origin.line,
         .description = absl::StrCat("is in the books otherwise: ", differences,
                                     "; correct the row, or change it there first")});
  }

  void Tell(const Origin& origin, absl::string_view column, absl::string_view value,
            absl::string_view description) {
    Problem problem{.file = origin.file,
                    .line = origin.line,
                    .column = std::string(column),
                    .value = std::string(value),
                    .description = std::string(description)};
    // The rows of one paper share its place.
    if (problems_.empty() || problems_.back() != problem) problems_.push_back(std::move(problem));
  }

  const Plan& plan_;
  const Books& books_;
  const Names names_;
  std::vector<Problem>& problems_;
};

}  // namespace

void CheckReferences(const Plan& plan, const Books& books, std::vector<Problem>& problems) {
  Checker checker(plan, books, problems);
  checker.CheckUnits();
  checker.CheckLocations();
  checker.CheckItems();
  checker.CheckLots();
  checker.CheckMovements();
  checker.CheckTransfers();
}

}  // namespace quartermaster::qmctl
