#include "qmctl/commands/fake_gateway.h"

#include <google/protobuf/text_format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "platform/base/check.h"
#include "qmctl/commands/commands.h"
#include "qmctl/commands/session.h"

namespace quartermaster::qmctl {
namespace {

// Catches what goes to a stream while it lives.
class Captured {
 public:
  explicit Captured(std::ostream& stream) : stream_(stream), before_(stream.rdbuf(text_.rdbuf())) {}
  ~Captured() { stream_.rdbuf(before_); }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;

  std::string text() const { return text_.str(); }

 private:
  std::ostream& stream_;
  std::ostringstream text_;
  std::streambuf* const before_;
};

std::string ShortenMethod(absl::string_view method) {
  return std::string(absl::StripPrefix(absl::StripPrefix(method, "quartermaster.inventory.v1."),
                                       "quartermaster.gateway.v1."));
}

}  // namespace

// One connection to it.
class FakeGateway::FakeClient final : public Client {
 public:
  explicit FakeClient(FakeGateway& gateway) : gateway_(gateway) {}

  absl::Status Call(absl::string_view method, const google::protobuf::Message& request,
                    google::protobuf::Message& response) const override {
    const std::string name = ShortenMethod(method);
    gateway_.requests_.push_back(absl::StrCat(name, " ", request.ShortDebugString()));
    const auto found = gateway_.answers_.find(name);
    if (found == gateway_.answers_.end()) return absl::PermissionDeniedError(name);
    std::vector<std::string>& answers = found->second;
    QM_CHECK(google::protobuf::TextFormat::ParseFromString(answers.front(), &response));
    if (answers.size() > 1) answers.erase(answers.begin());
    return absl::OkStatus();
  }

  absl::Status Watch(const inventory::v1::WatchRequest& request,
                     absl::FunctionRef<bool(const type::v1::RecordBatch&)> take) const override {
    gateway_.requests_.push_back(absl::StrCat("Records/Watch ", request.ShortDebugString()));
    for (const std::string& text : gateway_.batches_) {
      type::v1::RecordBatch batch;
      QM_CHECK(google::protobuf::TextFormat::ParseFromString(text, &batch));
      if (!take(batch)) return absl::OkStatus();
    }
    return gateway_.watch_end_;
  }

 private:
  FakeGateway& gateway_;
};

void FakeGateway::Answer(const std::string& method, std::vector<std::string> answers) {
  QM_CHECK(!answers.empty());
  answers_[method] = std::move(answers);
}

void FakeGateway::AnswerWatch(std::vector<std::string> batches, absl::Status end) {
  batches_ = std::move(batches);
  watch_end_ = std::move(end);
}

FakeGateway::Run FakeGateway::Execute(std::vector<std::string> arguments) {
  Session session([this](const ClientOptions&) { return std::make_unique<FakeClient>(*this); });
  session.options.language = "en";
  CLI::App app;
  app.add_option("-o,--output", session.options.output);
  app.fallthrough();
  AddCommands(app, session);
  // CLI11 takes them from the end.
  std::ranges::reverse(arguments);
  const Captured out(std::cout);
  const Captured err(std::cerr);
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    session.exit_code = error.get_exit_code() == 0 ? ExitCode::kOk : ExitCode::kUsage;
    app.exit(error);
  }
  return {.exit_code = session.exit_code, .out = out.text(), .err = err.text()};
}

}  // namespace quartermaster::qmctl
