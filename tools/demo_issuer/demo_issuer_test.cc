#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "platform/auth/edge_authenticator.h"
#include "platform/auth/identity_minter.h"
#include "platform/auth/roles.h"
#include "platform/auth/service_authenticator.h"
#include "platform/auth/systems.h"
#include "platform/auth/test_files.h"
#include "tools/demo_issuer/demo_keys.h"
#include "tools/demo_issuer/demo_persons.h"
#include "tools/demo_issuer/demo_pki.h"
#include "tools/demo_issuer/private_file.h"

namespace quartermaster::demo {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

class DemoIssuerTest : public testing::Test {
 protected:
  // What is in each file.
  std::map<std::string, std::string> Snapshot() {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
      files[entry.path().filename()] = *ReadFile(entry.path());
    }
    return files;
  }
  unsigned ModeOf(const std::string& path) {
    struct stat found;
    return stat(path.c_str(), &found) == 0 ? found.st_mode & 0777u : 0;
  }
  std::shared_ptr<X509> Certificate(const std::string& name) {
    const std::string pem = *ReadFile(absl::StrCat(dir_, "/", name, ".pem"));
    BIO* memory = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    std::shared_ptr<X509> certificate(PEM_read_bio_X509(memory, nullptr, nullptr, nullptr),
                                      X509_free);
    BIO_free(memory);
    return certificate;
  }
  // Verifies against the demo's authority for one side of TLS; returns OpenSSL's verdict.
  int Verify(const std::string& name, int purpose, absl::Time now) {
    X509_STORE* store = X509_STORE_new();
    const auto authority = Certificate("ca");
    X509_STORE_add_cert(store, authority.get());
    X509_STORE_CTX* context = X509_STORE_CTX_new();
    const auto certificate = Certificate(name);
    X509_STORE_CTX_init(context, store, certificate.get(), nullptr);
    X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(parameters, absl::ToTimeT(now));
    X509_VERIFY_PARAM_set_purpose(parameters, purpose);
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
    X509_verify_cert(context);
    const int verdict = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return verdict;
  }

  auth::TestFolder folder_;
  const std::string dir_ = folder_.PathOf("demo");
};

TEST_F(DemoIssuerTest, MakesKeysOnceAndForTheirOwnerAlone) {
  ASSERT_TRUE(MakeKeys(dir_).ok());
  const auto first = Snapshot();

  ASSERT_TRUE(MakeKeys(dir_).ok());

  EXPECT_EQ(first.size(), 4u);
  EXPECT_EQ(Snapshot(), first);
  EXPECT_EQ(ModeOf(dir_), 0700u);
  for (const auto& [name, text] : first) EXPECT_EQ(ModeOf(dir_ + "/" + name), 0600u) << name;
}

TEST_F(DemoIssuerTest, OverwritesNoKeySetOfAnotherKey) {
  ASSERT_TRUE(MakeKeys(dir_).ok());
  folder_.Put("demo/issuer-key.pem", auth::JwtSigner::GenerateKey());
  const auto before = Snapshot();

  const absl::Status made = MakeKeys(dir_);

  EXPECT_EQ(made.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(made.message()), HasSubstr("issuer-jwks.json"));
  EXPECT_EQ(Snapshot(), before);
  EXPECT_EQ(WriteNewFile(dir_ + "/issuer-key.pem", "x").code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Snapshot(), before);
}

// Goal: what the demo makes opens the real doors, from the person's token to the service's caller.
TEST_F(DemoIssuerTest, LetsItsPersonsInAllTheWay) {
  ASSERT_TRUE(MakeKeys(dir_).ok());
  ASSERT_TRUE(MakePki(dir_, kNow).ok());
  const auto edge = auth::EdgeAuthenticator::Make({.issuer = auth::kDemoIssuer,
                                                   .keys_path = dir_ + "/issuer-jwks.json",
                                                   .allow_demo_issuer = true});
  ASSERT_TRUE(edge.ok()) << edge.status();
  const auto minter = auth::IdentityMinter::Make(*ReadFile(dir_ + "/gateway-identity-key.pem"), {});
  ASSERT_TRUE(minter.ok()) << minter.status();
  const auto service = auth::ServiceAuthenticator::Make(
      {.gateway_keys_path = dir_ + "/gateway-jwks.json", .systems_path = dir_ + "/systems.json"});
  ASSERT_TRUE(service.ok()) << service.status();

  for (const Person& person : Persons()) {
    SCOPED_TRACE(person.subject);
    const auto token = MakeToken(dir_, person.subject, person.grants, absl::Hours(12), kNow);
    ASSERT_TRUE(token.ok()) << token.status();
    const auto known = (*edge)->Identify("Bearer " + *token, kNow);
    ASSERT_TRUE(known.ok()) << known.status();
    const auto identity = (*minter)->Mint((*known)->claims, kNow);
    ASSERT_TRUE(identity.ok()) << identity.status();
    const auto caller = (*service)->Authenticate(
        {.identity_token = *identity, .peer_spiffe_ids = {"spiffe://quartermaster/gateway"}}, kNow);
    ASSERT_TRUE(caller.ok()) << caller.status();
    EXPECT_EQ(caller->name, "persons/" + person.subject);
    EXPECT_EQ(caller->MayAnywhere("units.read", kNow), person.subject != "operator-xu");
  }
  EXPECT_TRUE((*service)
                  ->Authenticate(
                      {.peer_spiffe_ids = {"spiffe://quartermaster/systems/province-demo"}}, kNow)
                  .ok());
}

TEST_F(DemoIssuerTest, GivesEachPersonARoleThatThereIs) {
  std::set<std::string> subjects;
  for (const Person& person : Persons()) {
    EXPECT_TRUE(subjects.insert(person.subject).second) << person.subject;
    EXPECT_EQ(FindPerson(person.subject), &person);
    for (const auth::RoleGrant& grant : person.grants) {
      EXPECT_NE(auth::Roles::BuiltIn().Find(grant.role), nullptr) << grant.role;
    }
  }
  EXPECT_EQ(FindPerson("nobody"), nullptr);
}

TEST_F(DemoIssuerTest, RefusesTokensThatTheGatewayWouldRefuse) {
  ASSERT_TRUE(MakeKeys(dir_).ok());
  const std::vector<auth::RoleGrant> good = {{"auditor", "units/a"}};
  const struct {
    const char* name;
    std::string subject;
    std::vector<auth::RoleGrant> grants;
    absl::Duration lifetime;
  } kRows[] = {
      {"no subject", "", good, absl::Hours(1)},
      {"subject with a slash", "a/b", good, absl::Hours(1)},
      {"no such role", "lin", {{"tailor", "units/a"}}, absl::Hours(1)},
      {"too many grants", "lin", std::vector(auth::kGrantsMax + 1, good[0]), absl::Hours(1)},
      {"no life", "lin", good, absl::ZeroDuration()},
      {"negative life", "lin", good, -absl::Hours(1)},
      {"too long a life", "lin", good, absl::Hours(25)},
      {"endless life", "lin", good, absl::InfiniteDuration()},
  };
  ASSERT_TRUE(MakeToken(dir_, "lin", good, absl::Hours(1), kNow).ok());
  for (const auto& row : kRows) {
    EXPECT_FALSE(MakeToken(dir_, row.subject, row.grants, row.lifetime, kNow).ok()) << row.name;
  }
  EXPECT_FALSE(MakeToken(folder_.PathOf("other"), "lin", good, absl::Hours(1), kNow).ok());
}

TEST_F(DemoIssuerTest, MakesCertificatesThatVerifyForTheirUseOnly) {
  ASSERT_TRUE(MakePki(dir_, kNow).ok());

  for (const char* name : {"gateway", "inventory"}) {
    SCOPED_TRACE(name);
    EXPECT_EQ(Verify(name, X509_PURPOSE_SSL_SERVER, kNow), X509_V_OK);
    EXPECT_EQ(Verify(name, X509_PURPOSE_SSL_CLIENT, kNow), X509_V_OK);
    const auto certificate = Certificate(name);
    EXPECT_EQ(X509_check_host(certificate.get(), "localhost", 0, 0, nullptr), 1);
    EXPECT_EQ(X509_check_ip_asc(certificate.get(), "127.0.0.1", 0), 1);
    EXPECT_EQ(X509_check_ip_asc(certificate.get(), "::1", 0), 1);
    EXPECT_EQ(X509_check_host(certificate.get(), "example.org", 0, 0, nullptr), 0);
  }
  EXPECT_EQ(Verify("province-demo", X509_PURPOSE_SSL_CLIENT, kNow), X509_V_OK);
  EXPECT_EQ(Verify("province-demo", X509_PURPOSE_SSL_SERVER, kNow), X509_V_ERR_INVALID_PURPOSE);
  EXPECT_EQ(Verify("gateway", X509_PURPOSE_SSL_SERVER, kNow + kCertificateLifetime * 1.01),
            X509_V_ERR_CERT_HAS_EXPIRED);
  for (const auto& [name, text] : Snapshot()) EXPECT_EQ(ModeOf(dir_ + "/" + name), 0600u) << name;
}

TEST_F(DemoIssuerTest, NamesEachProgramByOneSpiffeId) {
  ASSERT_TRUE(MakePki(dir_, kNow).ok());
  const std::map<std::string, std::string> expected = {
      {"gateway", "spiffe://quartermaster/gateway"},
      {"inventory", "spiffe://quartermaster/inventory"},
      {"province-demo", "spiffe://quartermaster/systems/province-demo"}};

  for (const auto& [name, id] : expected) {
    SCOPED_TRACE(name);
    const auto certificate = Certificate(name);
    std::vector<std::string> ids;
    auto* names = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
      const GENERAL_NAME* entry = sk_GENERAL_NAME_value(names, i);
      if (entry->type != GEN_URI) continue;
      const ASN1_IA5STRING* uri = entry->d.uniformResourceIdentifier;
      ids.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                       static_cast<size_t>(ASN1_STRING_length(uri)));
    }
    GENERAL_NAMES_free(names);
    EXPECT_THAT(ids, testing::ElementsAre(id));
  }
}

// Goal: nothing changes while there is no need, and what runs on never meets a broken pair.
// Method: run again at the edge of each renewal and compare the files.
TEST_F(DemoIssuerTest, RenewsCertificatesInTimeAndKeysNever) {
  ASSERT_TRUE(MakePki(dir_, kNow).ok());
  const auto first = Snapshot();
  const absl::Time renewal = kNow + kCertificateLifetime - kCertificateRenewal;

  ASSERT_TRUE(MakePki(dir_, renewal - absl::Seconds(2)).ok());
  EXPECT_EQ(Snapshot(), first);

  ASSERT_TRUE(MakePki(dir_, renewal + absl::Seconds(2)).ok());
  const auto second = Snapshot();
  ASSERT_EQ(second.size(), first.size());
  for (const auto& [name, text] : second) {
    const bool is_leaf =
        name == "gateway.pem" || name == "inventory.pem" || name == "province-demo.pem";
    EXPECT_EQ(text != first.at(name), is_leaf) << name;
  }
  EXPECT_EQ(Verify("gateway", X509_PURPOSE_SSL_SERVER, kNow + kCertificateLifetime * 1.5),
            X509_V_OK);

  const absl::Time next_year = kNow + kAuthorityLifetime - absl::Hours(24);
  ASSERT_TRUE(MakePki(dir_, next_year).ok());
  EXPECT_NE(Snapshot().at("ca.pem"), first.at("ca.pem"));
  EXPECT_EQ(Snapshot().at("ca-key.pem"), first.at("ca-key.pem"));
  EXPECT_EQ(Verify("inventory", X509_PURPOSE_SSL_SERVER, next_year + absl::Hours(24 * 29)),
            X509_V_OK);
}

TEST_F(DemoIssuerTest, ReplacesACertificateOfAnotherAuthority) {
  ASSERT_TRUE(MakePki(dir_, kNow).ok());
  const std::string foreign = *ReadFile(dir_ + "/gateway.pem");
  std::filesystem::remove(dir_ + "/ca.pem");
  std::filesystem::remove(dir_ + "/ca-key.pem");

  ASSERT_TRUE(MakePki(dir_, kNow).ok());

  EXPECT_NE(*ReadFile(dir_ + "/gateway.pem"), foreign);
  EXPECT_EQ(Verify("gateway", X509_PURPOSE_SSL_SERVER, kNow), X509_V_OK);
}

TEST_F(DemoIssuerTest, LeavesTheSystemsFileAsItIs) {
  ASSERT_TRUE(MakePki(dir_, kNow).ok());
  EXPECT_TRUE(auth::Systems::Parse(*ReadFile(dir_ + "/systems.json"), auth::Roles::BuiltIn()).ok());
  folder_.Put("demo/systems.json", "{}");

  ASSERT_TRUE(MakePki(dir_, kNow).ok());

  EXPECT_EQ(*ReadFile(dir_ + "/systems.json"), "{}");
}

}  // namespace
}  // namespace quartermaster::demo
