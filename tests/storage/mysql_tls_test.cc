// Encryption and identity of the link to the database, against real servers: most of the
// connector's options that sound like this connect in the clear without a word.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/mysql/connection.h"
#include "tests/harness/mariadb_server.h"

namespace quartermaster::mysql {
namespace {

using testing::MariaDbServer;
using testing::ProcessOptions;

// Certificates made for this run by the openssl program.
class Certificates {
 public:
  Certificates() : directory_(*testing::MakeShortDirectory()) {
    MakeAuthority("ca");
    MakeAuthority("other-ca");
    Issue("server", "DNS:localhost");
    Issue("elsewhere", "DNS:db.elsewhere.example");
    Issue("client", "URI:spiffe://quartermaster/inventory");
  }
  ~Certificates() { testing::RemoveTree(directory_); }

  std::string Path(const std::string& name) const { return absl::StrCat(directory_, "/", name); }

 private:
  static void Openssl(std::vector<std::string> arguments) {
    const absl::Status done = testing::RunProgram(
        {.program = "openssl", .arguments = std::move(arguments)}, absl::Now() + absl::Seconds(30));
    ASSERT_TRUE(done.ok()) << done;
  }

  void MakeAuthority(const std::string& name) {
    Openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-days", "2", "-subj", absl::StrCat("/CN=", name), "-keyout", Path(name + ".key"),
             "-out", Path(name + ".pem")});
  }

  void Issue(const std::string& name, const std::string& subject_alt_name) {
    std::ofstream(Path(name + ".ext")) << "subjectAltName=" << subject_alt_name << "\n";
    Openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
             absl::StrCat("/CN=", name == "server" ? "localhost" : name), "-keyout",
             Path(name + ".key"), "-out", Path(name + ".csr")});
    Openssl({"x509", "-req", "-in", Path(name + ".csr"), "-CA", Path("ca.pem"), "-CAkey",
             Path("ca.key"), "-CAcreateserial", "-days", "2", "-extfile", Path(name + ".ext"),
             "-out", Path(name + ".pem")});
  }

  const std::string directory_;
};

class MysqlTlsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    certificates_ = new Certificates;
    plain_ = StartServer({"--skip-ssl"});
    encrypted_ = StartServer(FlagsFor("server"));
    misnamed_ = StartServer(FlagsFor("elsewhere"));
  }
  static void TearDownTestSuite() {
    delete plain_;
    delete encrypted_;
    delete misnamed_;
    delete certificates_;
  }

  static std::vector<std::string> FlagsFor(const std::string& name) {
    return {absl::StrCat("--ssl-ca=", certificates_->Path("ca.pem")),
            absl::StrCat("--ssl-cert=", certificates_->Path(name + ".pem")),
            absl::StrCat("--ssl-key=", certificates_->Path(name + ".key"))};
  }

  static MariaDbServer* StartServer(std::vector<std::string> flags) {
    auto server = MariaDbServer::Start({.listens_on_tcp = true, .flags = std::move(flags)});
    EXPECT_TRUE(server.ok()) << server.status();
    auto admin = Connection::Open((*server)->connection_options());
    EXPECT_TRUE(admin.ok()) << admin.status();
    EXPECT_TRUE((*admin)->Execute("CREATE USER app@'%' IDENTIFIED BY 'geheim'").ok());
    EXPECT_TRUE((*admin)->Execute("CREATE USER strict@'%' REQUIRE X509").ok());
    return std::move(*server).release();
  }

  // By TCP, with verification against `authority`.
  static ConnectionOptions Verified(const MariaDbServer& server,
                                    const std::string& authority = "ca.pem") {
    ConnectionOptions options;
    options.host = "localhost";
    options.port = server.port();
    options.user = "app";
    options.password = Password("geheim");
    options.ssl_ca = certificates_->Path(authority);
    return options;
  }

  inline static Certificates* certificates_ = nullptr;
  inline static MariaDbServer* plain_ = nullptr;
  inline static MariaDbServer* encrypted_ = nullptr;
  inline static MariaDbServer* misnamed_ = nullptr;
};

TEST_F(MysqlTlsTest, EncryptsToTheServerItKnows) {
  const auto connection = Connection::Open(Verified(*encrypted_));

  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_NE((*connection)->ssl_cipher(), "");
  const auto cipher = (*connection)->Query("SHOW STATUS LIKE 'Ssl_cipher'");
  EXPECT_NE((*cipher)[0].String(1), "");
}

TEST_F(MysqlTlsTest, RefusesAServerWithoutTls) {
  const absl::Status refused = Connection::Open(Verified(*plain_)).status();

  EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
}

TEST_F(MysqlTlsTest, RefusesACertificateOfAnotherAuthority) {
  const absl::Status refused = Connection::Open(Verified(*encrypted_, "other-ca.pem")).status();

  EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
}

TEST_F(MysqlTlsTest, RefusesACertificateForAnotherName) {
  const absl::Status refused = Connection::Open(Verified(*misnamed_)).status();

  EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
}

TEST_F(MysqlTlsTest, RefusesAnAuthorityThatCannotBeRead) {
  const absl::Status refused = Connection::Open(Verified(*encrypted_, "missing.pem")).status();

  EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
}

TEST_F(MysqlTlsTest, ShowsItsOwnCertificateWhereOneIsAskedFor) {
  ConnectionOptions options = Verified(*encrypted_);
  options.user = "strict";
  options.password = Password();
  EXPECT_TRUE(absl::IsUnavailable(Connection::Open(options).status()));

  options.ssl_certificate = certificates_->Path("client.pem");
  options.ssl_key = certificates_->Path("client.key");
  const auto connection = Connection::Open(options);

  EXPECT_TRUE(connection.ok()) << connection.status();
}

// The options that look as if they asked for all this, which is why they are not let through.
TEST_F(MysqlTlsTest, LetsNoOptionThroughThatOnlyLooksSafe) {
  for (const char* name : {"OPT_SSL_MODE", "sslEnforce", "sslVerify", "sslCA"}) {
    ConnectionOptions options = Verified(*plain_);
    options.ssl_ca.clear();
    options.host = "127.0.0.1";
    options.connector_options[name] = "true";

    EXPECT_TRUE(absl::IsInvalidArgument(Connection::Open(options).status())) << name;
  }
}

TEST_F(MysqlTlsTest, RefusesAFarHostInTheClear) {
  ConnectionOptions options = Verified(*plain_);
  options.ssl_ca.clear();
  options.host = "db.example.org";

  EXPECT_TRUE(absl::IsInvalidArgument(Connection::Open(options).status()));
}

}  // namespace
}  // namespace quartermaster::mysql
