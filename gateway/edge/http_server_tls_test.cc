#include <gmock/gmock.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/edge/http_server.h"
#include "gateway/testing/raw_client.h"
#include "platform/base/mutex.h"
#include "platform/rpc/test_certificates.h"

namespace quartermaster::gateway {
namespace {

namespace net = boost::asio;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class HelloHandler : public HttpHandler {
 public:
  std::optional<HttpResponse> Refuse(HttpRequest&) override { return std::nullopt; }
  void Handle(HttpRequest request, std::shared_ptr<HttpExchange> exchange) override {
    exchange->Respond({.body = absl::StrCat("hello ", request.body.size())});
  }
  void OnRefused(const absl::Status&) override {}
};

class HttpServerTlsTest : public ::testing::Test {
 protected:
  HttpServerTlsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "qm-edge-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    const rpc::TestCa::Pair pair = authority_.Sign("spiffe://quartermaster/gateway");
    rpc::WriteFile(directory_ + "/c.pem", pair.certificate);
    rpc::WriteFile(directory_ + "/k.pem", pair.key);
    options_ = {.address = "127.0.0.1:0",
                .certificate_file = directory_ + "/c.pem",
                .key_file = directory_ + "/k.pem",
                .head_time_max = absl::Milliseconds(500)};
  }
  ~HttpServerTlsTest() override { std::filesystem::remove_all(directory_); }

  void Start() {
    absl::StatusOr<std::unique_ptr<HttpServer>> server = HttpServer::Start(options_, handler_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  // Sends the bytes over TLS after verifying the server; returns what comes back, or the error.
  std::string Ask(const std::string& bytes, net::ssl::context::method method) {
    return Ask(bytes, method, authority_);
  }
  std::string Ask(const std::string& bytes, net::ssl::context::method method,
                  const rpc::TestCa& trusted) {
    net::io_context io;
    net::ssl::context context(method);
    context.add_certificate_authority(
        net::buffer(trusted.certificate().data(), trusted.certificate().size()));
    context.set_verify_mode(net::ssl::verify_peer);
    net::ssl::stream<net::ip::tcp::socket> stream(io, context);
    stream.set_verify_callback(net::ssl::host_name_verification("localhost"));
    const std::string& address = server_->address();
    const auto port = std::stoi(address.substr(address.rfind(':') + 1));
    boost::system::error_code error;
    stream.lowest_layer().connect({net::ip::address_v4::loopback(), static_cast<uint16_t>(port)},
                                  error);
    if (!error) stream.handshake(net::ssl::stream_base::client, error);
    if (error) return "refused: " + error.message();
    net::write(stream, net::buffer(bytes), error);
    std::string answer;
    net::read(stream, net::dynamic_buffer(answer), error);
    return answer;
  }

  const rpc::TestCa authority_;
  std::string directory_;
  HelloHandler handler_;
  HttpServer::Options options_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTlsTest, AnswersOverTls) {
  Start();
  const std::string answer =
      Ask(absl::StrCat("POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
                       "Content-Length: 100000\r\n\r\n", std::string(100000, 'x')),
          net::ssl::context::tls_client);

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, HasSubstr("hello 100000"));
  EXPECT_THAT(answer, HasSubstr("Strict-Transport-Security: "));
}

TEST_F(HttpServerTlsTest, SpeaksNoOldTlsAndNoPlaintext) {
  Start();
  EXPECT_THAT(Ask("GET / HTTP/1.1\r\n\r\n", net::ssl::context::tlsv11_client),
              StartsWith("refused: "));
  RawClient plain(server_->address());
  plain.Send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(plain.ReadToEnd().find("hello"), std::string::npos);
}

TEST_F(HttpServerTlsTest, WaitsForAHandshakeNoLongerThanForAHead) {
  Start();
  RawClient silent(server_->address());
  EXPECT_EQ(silent.ReadToEnd(), "");
}

// Goal: a renewed certificate needs no restart, and a broken one takes nothing away.
// Method: the authority that signed the first is replaced; who trusts the new one alone is refused
// until the files are read again. Between, only one of the two files has been replaced.
TEST_F(HttpServerTlsTest, ReadsACertificateThatWasRenewed) {
  options_.tls_refresh_interval = absl::ZeroDuration();
  base::Mutex mutex;
  std::vector<std::string> problems;
  options_.on_tls_problem = [&](const absl::Status& problem) {
    base::MutexLock lock(&mutex);
    problems.emplace_back(problem.message());
  };
  Start();
  const std::string request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  ASSERT_THAT(Ask(request, net::ssl::context::tls_client), HasSubstr("hello 0"));
  const rpc::TestCa renewed;
  const rpc::TestCa::Pair pair = renewed.Sign("spiffe://quartermaster/gateway");

  rpc::WriteFile(directory_ + "/c.pem", pair.certificate);
  EXPECT_THAT(Ask(request, net::ssl::context::tls_client), HasSubstr("hello 0"));
  EXPECT_THAT(Ask(request, net::ssl::context::tls_client, renewed), StartsWith("refused: "));
  rpc::WriteFile(directory_ + "/k.pem", pair.key);

  EXPECT_THAT(Ask(request, net::ssl::context::tls_client, renewed), HasSubstr("hello 0"));
  EXPECT_THAT(Ask(request, net::ssl::context::tls_client), StartsWith("refused: "));
  base::MutexLock lock(&mutex);
  EXPECT_THAT(problems, ElementsAre(HasSubstr("mismatch")));
}

TEST_F(HttpServerTlsTest, NamesTheFileThatCannotBeUsed) {
  options_.key_file = directory_ + "/missing.pem";
  const absl::Status refused = HttpServer::Start(options_, handler_).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("missing.pem"));
}

}  // namespace
}  // namespace quartermaster::gateway
