#include "gateway/routes/site.h"

#include <gmock/gmock.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "gateway/testing/gateway_world.h"
#include "gateway/testing/raw_client.h"

namespace quartermaster::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SiteTest : public GatewayWorld {
 protected:
  std::string AskAs(absl::string_view host, absl::string_view target) {
    RawClient client(gateway_->http_address());
    client.Send(
        absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: ", host, "\r\nConnection: close\r\n\r\n"));
    return client.ReadToEnd();
  }
};

TEST_F(SiteTest, ServesTheConsoleWithAPolicyThatNamesItsOwnScript) {
  Start();
  const HttpAnswer answer = Http("GET", "/", "");

  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.head, HasSubstr("Content-Type: text/html; charset=utf-8"));
  EXPECT_THAT(answer.head, HasSubstr("script-src 'sha256-"));
  EXPECT_THAT(answer.head, Not(HasSubstr("unsafe-inline")));
  EXPECT_THAT(answer.body, HasSubstr("粮草官"));
  EXPECT_THAT(answer.body, Not(HasSubstr("innerHTML")));
  EXPECT_THAT(answer.body, Not(HasSubstr("https://")));
  EXPECT_EQ(Http("POST", "/", "").status, 405);
}

// What is refused before anybody knows which method was meant is in the log and the metrics too.
TEST_F(SiteTest, CountsWhatItRefuses) {
  Start();
  EXPECT_EQ(Http("GET", "/nothing", "").status, 404);
  EXPECT_THAT(AskAs("evil.example", "/"), HasSubstr("421"));
  RawClient broken(gateway_->http_address());
  broken.Send("GET / HTTP/1.1\n\n");
  EXPECT_THAT(broken.ReadUntil("MALFORMED_REQUEST"), HasSubstr("400"));

  const std::string metrics = gateway_->server_parts().metrics.Render();

  EXPECT_THAT(metrics,
              HasSubstr("calls_total{code=\"NOT_FOUND\",method=\"unknown\",protocol=\"http\"} 1"));
  EXPECT_THAT(
      metrics,
      HasSubstr("calls_total{code=\"INVALID_ARGUMENT\",method=\"unknown\",protocol=\"http\"} 2"));
}

TEST_F(SiteTest, IsAlive) {
  Start();
  EXPECT_EQ(Http("GET", "/healthz", "").body, "ok\n");
  EXPECT_THAT(AskAs("10.1.2.3:8080", "/healthz"), HasSubstr("200 OK"));
}

// Goal: who has not said who he is gets no room for a body, or few of them would fill all there is.
// Method: a body is announced and never sent; only a server that does not wait for it answers.
TEST_F(SiteTest, TakesNoBodies) {
  Start();
  for (const absl::string_view target : {"/", "/healthz"}) {
    for (const absl::string_view body : {"Content-Length: 4194304", "Transfer-Encoding: chunked"}) {
      RawClient client(gateway_->http_address());
      client.Send(
          absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: localhost\r\n", body, "\r\n\r\n"));
      EXPECT_THAT(client.ReadUntil("\r\n\r\n"), HasSubstr("HTTP/1.1 400 ")) << target << body;
    }
  }
  EXPECT_EQ(Http("POST", "/healthz", "").status, 405);
}

TEST_F(SiteTest, AnswersToNoNameButItsOwn) {
  Start();
  for (const absl::string_view host : {"localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:80"}) {
    EXPECT_THAT(AskAs(host, "/"), HasSubstr("200 OK")) << host;
  }
  for (const absl::string_view host : {"evil.example", "localhost.evil.example", "127.0.0.1.x"}) {
    EXPECT_THAT(AskAs(host, "/"), HasSubstr("HTTP/1.1 421 ")) << host;
    EXPECT_THAT(AskAs(host, "/v1/units"), HasSubstr("HTTP/1.1 421 ")) << host;
  }
}

TEST_F(SiteTest, HandsOutTheDemoPersonsInTheDemoAlone) {
  Start();
  EXPECT_EQ(Http("GET", "/demo/persons", "").status, 404);
  EXPECT_EQ(Http("GET", "/nothing", "").status, 404);
}

TEST_F(SiteTest, ReadsTheDemoPersonsAnewEachTime) {
  options_.site.demo_persons_file = directory_ + "/persons.json";
  Start();
  EXPECT_EQ(Http("GET", "/demo/persons", "").status, 503);
  std::ofstream(options_.site.demo_persons_file) << R"([{"subject": "lin"}])";
  EXPECT_EQ(Http("GET", "/demo/persons", "").json()[0]["subject"], "lin");
}

TEST(OptionsTest, RefusesTheDemoPersonsOutsideTheDemo) {
  const auto mistakes = [](config::Environment environment) {
    environment.merge(config::Environment{{"QM_GATEWAY_INVENTORY_ADDRESS", "127.0.0.1:1"},
                                          {"QM_GATEWAY_AUTH_JWKS_FILE", "x"},
                                          {"QM_GATEWAY_AUTH_ISSUER", "https://issuer.test"},
                                          {"QM_GATEWAY_AUTH_IDENTITY_KEY", "x"}});
    config::Settings settings("QM_GATEWAY_", environment);
    Options options;
    options.Declare(settings);
    return std::string(settings.Check().message());
  };
  EXPECT_EQ(mistakes({}), "");
  EXPECT_THAT(mistakes({{"QM_GATEWAY_DEMO_PERSONS_FILE", "p.json"}}), HasSubstr("demo only"));
  EXPECT_EQ(mistakes({{"QM_GATEWAY_DEMO_PERSONS_FILE", "p"}, {"QM_GATEWAY_AUTH_DEMO", "true"}}),
            "");
  EXPECT_THAT(mistakes({{"QM_GATEWAY_HTTP_ADDRESS", "0.0.0.0:8080"}}), HasSubstr("loopback"));
  EXPECT_EQ(mistakes({{"QM_GATEWAY_HTTP_ADDRESS", "0.0.0.0:8080"},
                      {"QM_GATEWAY_HTTP_PLAINTEXT", "true"}}),
            "");
  EXPECT_THAT(mistakes({{"QM_GATEWAY_HTTP_TLS_KEY_FILE", "k.pem"}}), HasSubstr("together"));
}

}  // namespace
}  // namespace quartermaster::gateway
