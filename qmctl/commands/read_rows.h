#pragma once

#include <algorithm>
#include <iostream>
#include <string>

#include "qmctl/commands/session.h"

namespace quartermaster::qmctl {

// Reads pages into one answer until there are no more or it has `row_count_max` rows. `rows` is the
// list that pages add to.
template <typename Request, typename Response, typename Rows>
bool ReadRows(Session& session, const std::string& method, Request request, int row_count_max,
              Response& all, Rows rows) {
  do {
    request.set_page_size(std::min(1000, row_count_max - rows(all).size()));
    Response page;
    if (!session.Call(method, request, page)) return false;
    request.set_page_token(page.next_page_token());
    rows(all).MergeFrom(rows(page));
    all.set_next_page_token(page.next_page_token());
  } while (!request.page_token().empty() && rows(all).size() < row_count_max);
  return true;
}

// Prints what `ReadRows` has read, and says so if that is not all.
template <typename Response>
void PrintRows(const Session& session, const Table& table, const Response& all) {
  session.Print(table, all);
  if (all.next_page_token().empty()) return;
  std::cerr << session.Say("There are more; a higher --limit shows them.\n",
                           "还有更多，可加大 --limit 查看。\n");
}

}  // namespace quartermaster::qmctl
