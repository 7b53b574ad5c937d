#pragma once

#include <string>

#include "gateway/edge/http_server.h"
#include "gateway/overview/situation_report.h"
#include "gateway/routes/site.h"
#include "platform/auth/edge_authenticator.h"
#include "platform/config/settings.h"
#include "platform/rpc/client.h"
#include "platform/rpc/server.h"

namespace quartermaster::gateway {

// All that an operator may set, with its defaults.
struct Options {
  Options();

  rpc::ServerOptions server;
  HttpServer::Options http;
  // Where to write the HTTP address, with the port that it got, once requests are taken.
  std::string http_address_file;
  Site::Options site;
  rpc::ClientOptions inventory;
  // At once, postings aside, and those.
  int inventory_calls_max = 1024;
  // More than inventory reads of one gateway's stream, and that more than half of what waits for
  // its lanes, so that a caller's share is judged before anybody is refused.
  int inventory_postings_max = 4096;
  // Streams by which postings go to inventory together; 0: each goes by itself.
  int inventory_posting_streams = 1;
  SituationReport::Options report;
  auth::EdgeAuthenticator::Options authenticator;
  // PEM, Ed25519.
  std::string identity_key;

  // Declares every setting, all named `QM_GATEWAY_…`.
  void Declare(config::Settings& settings);

 private:
  void DeclareHttp(config::Settings& settings);
  void DeclareAuth(config::Settings& settings);
};

}  // namespace quartermaster::gateway
