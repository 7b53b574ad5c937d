#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "protos/api_files.h"
#include "qmctl/commands/commands.h"
#include "qmctl/io/file.h"
#include "quartermaster/type/v1/options.pb.h"

namespace quartermaster::qmctl {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;

struct CallOptions {
  std::string method;
  std::string data = "{}";
  bool is_list = false;
};

// All methods that this program was built with.
std::vector<const MethodDescriptor*> AllMethods() {
  std::vector<const MethodDescriptor*> methods;
  for (const google::protobuf::ServiceDescriptor* interface : PublicInterfaces()) {
    for (int i = 0; i < interface->method_count(); ++i) {
      // A stream has a command of its own.
      if (!interface->method(i)->server_streaming()) methods.push_back(interface->method(i));
    }
  }
  return methods;
}

std::string PathOf(const MethodDescriptor& method) {
  return absl::StrCat(method.service()->full_name(), "/", method.name());
}

// Finds `Ledger/PostMovement`, `Ledger.PostMovement` or either with the package in front.
const MethodDescriptor* FindMethod(const std::string& written) {
  const std::string wanted = absl::StrReplaceAll(written, {{"/", "."}});
  for (const MethodDescriptor* method : AllMethods()) {
    if (method->full_name() == wanted || absl::EndsWith(method->full_name(), "." + wanted)) {
      return method;
    }
  }
  return nullptr;
}

void ListMethods(Session& session) {
  Table table{.columns = {{.title = "method"}, {.title = "permission"}}};
  for (const MethodDescriptor* method : AllMethods()) {
    table.rows.push_back({absl::StrCat(method->service()->name(), "/", method->name()),
                          method->options().GetExtension(type::v1::permission)});
  }
  std::cout << (session.is_table() ? RenderTable(table) : RenderTableAsCsv(table));
}

// How many letters are to be changed, put in or left out to make one word of the other.
size_t DistanceOf(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

// Follows a path as the parser of JSON tells it, `lines[0].quantity`. Null if there is none such.
const Descriptor* FindMessage(const Descriptor* message, absl::string_view path) {
  for (absl::string_view step : absl::StrSplit(path, '.', absl::SkipEmpty())) {
    step = step.substr(0, step.find('['));
    for (int i = 0; i < message->field_count(); ++i) {
      const FieldDescriptor& field = *message->field(i);
      if (field.json_name() != step && field.name() != step) continue;
      message = field.message_type();
      if (message == nullptr) return nullptr;
      step = "";
      break;
    }
    if (!step.empty()) return nullptr;
  }
  return message;
}

// What to tell of what the parser of JSON said. A field that is not there, `(lines[0]) amont:
// Cannot find field.`, is told with the message that lacks it and the fields that it has.
std::string ExplainJson(const Descriptor& request, absl::string_view said) {
  const std::string plain = absl::StrCat("-d is not a ", request.name(), ": ", said);
  absl::string_view field = said;
  if (!absl::ConsumeSuffix(&field, ": Cannot find field.")) return plain;
  absl::string_view path;
  if (absl::ConsumePrefix(&field, "(")) {
    const size_t end = field.find(") ");
    if (end == absl::string_view::npos) return plain;
    path = field.substr(0, end);
    field.remove_prefix(end + 2);
  }
  const Descriptor* const message = FindMessage(&request, path);
  if (message == nullptr || message->field_count() == 0) return plain;
  std::vector<std::string> names;
  for (int i = 0; i < message->field_count(); ++i) names.push_back(message->field(i)->json_name());
  const std::string nearest = *std::ranges::min_element(
      names, {}, [&](const std::string& name) { return DistanceOf(name, field); });
  const std::string there = absl::StrCat("there is no field ", field, " in ", message->name());
  if (DistanceOf(nearest, field) <= 2 && field.size() > 2) {
    return absl::StrCat(there, "; did you mean ", nearest, "?");
  }
  return absl::StrCat(there, "; there are ", absl::StrJoin(names, ", "));
}

// Makes the request from JSON. A write without a request id gets a new one.
bool ReadRequest(Session& session, const std::string& json, google::protobuf::Message& request) {
  google::protobuf::util::JsonParseOptions strict;
  strict.ignore_unknown_fields = false;
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, &request, strict);
  if (!parsed.ok()) {
    session.FailUsage(ExplainJson(*request.GetDescriptor(), std::string(parsed.message())));
    return false;
  }
  const auto* request_id = request.GetDescriptor()->FindFieldByName("request_id");
  if (request_id != nullptr && request.GetReflection()->GetString(request, request_id).empty()) {
    const std::string made = MakeRequestId();
    request.GetReflection()->SetString(&request, request_id, made);
    std::cerr << "requestId: " << made << "\n";
  }
  return true;
}

void RunCall(Session& session, const CallOptions& options) {
  if (options.is_list || options.method.empty()) return ListMethods(session);
  const MethodDescriptor* method = FindMethod(options.method);
  if (method == nullptr) {
    return session.FailUsage(
        absl::StrCat("there is no method ", options.method,
                     "; qmctl call --list names them all, but for the stream, qmctl watch"));
  }
  std::string json = options.data;
  if (json == "-" || absl::StartsWith(json, "@")) {
    absl::StatusOr<std::string> read = ReadFile(json == "-" ? "-" : json.substr(1));
    if (!read.ok()) return session.FailUsage(read.status().message());
    json = *std::move(read);
  }
  auto* factory = google::protobuf::MessageFactory::generated_factory();
  const std::unique_ptr<google::protobuf::Message> request(
      factory->GetPrototype(method->input_type())->New());
  const std::unique_ptr<google::protobuf::Message> response(
      factory->GetPrototype(method->output_type())->New());
  if (!ReadRequest(session, json, *request)) return;
  if (session.Call(PathOf(*method), *request, *response)) session.PrintJson(*response);
}

}  // namespace

void AddCall(CLI::App& app, Session& session) {
  auto options = std::make_shared<CallOptions>();
  CLI::App* call = app.add_subcommand("call", "call any method with JSON and print its answer");
  call->add_option("method", options->method, "for instance Ledger/GetMovement");
  call->add_option("-d,--data", options->data, "the request: JSON, @FILE, or - for standard input")
      ->capture_default_str();
  call->add_flag("--list", options->is_list, "list the methods and the permission each needs");
  call->callback([&session, options] { RunCall(session, *options); });
}

}  // namespace quartermaster::qmctl
