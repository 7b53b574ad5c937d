#include "tests/load/nginx.h"

#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "platform/base/status_macros.h"

namespace quartermaster::load {
namespace {

// $0: directory, $1: port, $2: upstream.
constexpr char kConfiguration[] = R"(
daemon off;
worker_processes 2;
pid $0/nginx.pid;
error_log $0/nginx-error.log;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path $0/nginx-body;
  proxy_temp_path $0/nginx-proxy;
  fastcgi_temp_path $0/nginx-fastcgi;
  uwsgi_temp_path $0/nginx-uwsgi;
  scgi_temp_path $0/nginx-scgi;
  upstream inventory { server $2; keepalive 128; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:$1 http2;
    keepalive_requests 1000000;
    location / {
      grpc_pass grpcs://inventory;
      grpc_ssl_certificate $0/province-demo.pem;
      grpc_ssl_certificate_key $0/province-demo-key.pem;
      grpc_ssl_trusted_certificate $0/ca.pem;
      grpc_ssl_verify on;
      grpc_ssl_name localhost;
    }
  }
}
)";

}  // namespace

absl::StatusOr<std::unique_ptr<Nginx>> Nginx::Start(const std::string& keys,
                                                    const std::string& upstream) {
  auto nginx = std::unique_ptr<Nginx>(new Nginx);
  QM_ASSIGN_OR_RETURN(const uint16_t port, testing::FindFreePort());
  nginx->address_ = absl::StrCat("127.0.0.1:", port);
  const std::string configuration = keys + "/nginx.conf";
  std::ofstream(configuration) << absl::Substitute(kConfiguration, keys, port, upstream);
  QM_ASSIGN_OR_RETURN(nginx->process_,
                      testing::Process::Start({.program = "nginx",
                                               .arguments = {"-c", configuration, "-p", keys, "-e",
                                                             keys + "/nginx-error.log"},
                                               .log_file = keys + "/nginx.log"}));
  return nginx;
}

}  // namespace quartermaster::load
