#include "qmctl/commands/commands.h"

namespace quartermaster::qmctl {

// In the order in which help lists them.
void AddCommands(CLI::App& app, Session& session) {
  AddBoard(app, session);
  AddReads(app, session);
  AddSuggest(app, session);
  AddTrace(app, session);
  AddProve(app, session);
  AddPostings(app, session);
  AddTransfers(app, session);
  AddImport(app, session);
  AddRecords(app, session);
  AddCall(app, session);
}

}  // namespace quartermaster::qmctl
