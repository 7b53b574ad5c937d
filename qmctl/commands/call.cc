#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>

#include <iostream>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "protos/api_files.h"
#include "qmctl/commands/commands.h"
#include "quartermaster/type/v1/options.pb.h"

namespace quartermaster::qmctl {
namespace {

using google::protobuf::FileDescriptor;
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

// Makes the request from JSON. A write without a request id gets a new one.
bool ReadRequest(Session& session, const std::string& json, google::protobuf::Message& request) {
  google::protobuf::util::JsonParseOptions strict;
  strict.ignore_unknown_fields = false;
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, &request, strict);
  if (!parsed.ok()) {
    session.FailUsage(absl::StrCat("-d is not a ", request.GetDescriptor()->name(), ": ",
                                   std::string(parsed.message())));
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
        absl::StrCat("there is no method ", options.method, "; qmctl call --list names them all"));
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
