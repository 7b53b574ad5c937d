#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "qmctl/client/client.h"
#include "qmctl/client/outcome.h"

namespace quartermaster::qmctl {

// A gateway that answers as it was told, and runs commands against itself. For tests. Not
// thread-safe.
class FakeGateway {
 public:
  // What a run of qmctl printed and ended with.
  struct Run {
    ExitCode exit_code = ExitCode::kOk;
    std::string out;
    std::string err;
  };

  // Answers calls of `method`, as `Ledger/TraceLot`, with these, in turn and the last for ever.
  // Each is the answer as protobuf text.
  void Answer(const std::string& method, std::vector<std::string> answers);
  // Ends each stream of records with this, after these batches as protobuf text.
  void AnswerWatch(std::vector<std::string> batches, absl::Status end);

  // Runs qmctl with these arguments, in English. Refused by the parser is kUsage.
  Run Execute(std::vector<std::string> arguments);

  // The requests so far, each as `Ledger/TraceLot name: "…"`.
  const std::vector<std::string>& requests() const { return requests_; }

 private:
  class FakeClient;

  std::map<std::string, std::vector<std::string>> answers_;
  std::vector<std::string> batches_;
  absl::Status watch_end_;
  std::vector<std::string> requests_;
};

}  // namespace quartermaster::qmctl
