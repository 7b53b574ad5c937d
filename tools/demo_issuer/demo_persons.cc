#include "tools/demo_issuer/demo_persons.h"

namespace quartermaster::demo {
namespace {

constexpr char kCity[] = "units/jiangcheng";
constexpr char kSwat[] = "units/swat";
constexpr char kEastBureau[] = "units/east-bureau";
constexpr char kPost[] = "units/north-toll-post";
// The books have one catalog for the whole tree: whoever keeps it needs the root.

}  // namespace

std::span<const Person> Persons() {
  static const auto* const persons = new std::vector<Person>{
      {"dispatcher-lin", "林知远", "Lin Zhiyuan", {{"dispatcher", kCity}}},
      {"clerk-shen", "沈若川", "Shen Ruochuan", {{"issuing-clerk", kCity}}},
      {"quartermaster-lu", "陆青禾", "Lu Qinghe", {{"unit-quartermaster", kCity}}},
      {"quartermaster-qiao", "乔以安", "Qiao Yi'an", {{"unit-quartermaster", kSwat}}},
      {"quartermaster-meng", "孟听澜", "Meng Tinglan", {{"unit-quartermaster", kEastBureau}}},
      {"custodian-he", "贺平川", "He Pingchuan", {{"custodian", kPost}}},
      {"approver-wei", "卫明棠", "Wei Mingtang", {{"approver", kCity}}},
      {"leader-jiang", "江望舒", "Jiang Wangshu", {{"leader", kCity}, {"duty-leader", kCity}}},
      {"auditor-tan", "谈守一", "Tan Shouyi", {{"auditor", kCity}}},
      {"operator-xu", "许南乔", "Xu Nanqiao", {{"operator", kCity}}},
      {"administrator-yan", "严序", "Yan Xu", {{"administrator", kCity}}},
  };
  return *persons;
}

const Person* FindPerson(absl::string_view subject) {
  for (const Person& person : Persons()) {
    if (person.subject == subject) return &person;
  }
  return nullptr;
}

}  // namespace quartermaster::demo
