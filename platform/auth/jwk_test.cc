#include "platform/auth/jwk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/auth/base64url.h"
#include "platform/auth/test_tokens.h"

namespace quartermaster::auth {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

// The worked examples of RFC 7515 (A.2, A.3) and RFC 8037 (A.4): somebody else's signatures.
struct Example {
  const char* name;
  const char* jwk;
  const char* token;
};
const Example kExamples[] = {
    {"RS256",
     R"({"kid":"k","kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPdd)"
     R"(xHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_)"
     R"(7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5Zw)"
     R"(Kh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"})",
     "eyJhbGciOiJSUzI1NiJ9."
     "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc1"
     "9yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-"
     "0Qc_lF5YK"
     "t_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"
     "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHl"
     "b1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"
     "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUT"
     "I8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"},
    {"ES256",
     R"({"kid":"k","kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
     R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})",
     "eyJhbGciOiJFUzI1NiJ9."
     "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc1"
     "9yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-"
     "F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6N"
     "U1Q"},
    {"EdDSA",
     R"({"kid":"k","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
     "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-"
     "09PGcvMg3AIbQR"
     "6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
};

TEST(PublicKeyTest, AgreesWithTheExamplesOfTheStandards) {
  for (const Example& example : kExamples) {
    SCOPED_TRACE(example.name);
    const std::string token = example.token;
    const size_t dot = token.rfind('.');
    const std::string message = token.substr(0, dot);
    std::string signature = *DecodeBase64Url(token.substr(dot + 1));

    const auto keys = KeySet::Parse(RenderJwks({Json::parse(example.jwk)}));

    ASSERT_TRUE(keys.ok()) << keys.status();
    const PublicKey* key = keys->Find("k");
    ASSERT_NE(key, nullptr);
    EXPECT_EQ(RenderAlgorithm(key->algorithm()), example.name);
    EXPECT_TRUE(key->Verifies(message, signature));
    EXPECT_FALSE(key->Verifies(message + "x", signature));
    EXPECT_FALSE(key->Verifies(message, ""));
    EXPECT_FALSE(key->Verifies(message, signature + '\0'));
    signature[5] ^= 1;
    EXPECT_FALSE(key->Verifies(message, signature));
  }
}

TEST(PublicKeyTest, RefusesTheEcdsaSignatureOfAllZeros) {
  const auto keys = KeySet::Parse(RenderJwks({TestP256().Jwk("k")}));

  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_FALSE(keys->Find("k")->Verifies("message", std::string(64, '\0')));
}

TEST(ThumbprintTest, AgreesWithTheExampleOfRfc8037) {
  EXPECT_EQ(Ed25519Thumbprint(*DecodeBase64Url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

TEST(KeySetTest, KnowsKeysByNameAlone) {
  const auto keys = KeySet::Parse(
      RenderJwks({TestRsa().Jwk("rsa"), TestP256().Jwk("ec"), TestEd25519().Jwk("ed")}));

  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_EQ(keys->Find("rsa")->algorithm(), Algorithm::kRs256);
  EXPECT_EQ(keys->Find("ec")->algorithm(), Algorithm::kEs256);
  EXPECT_EQ(keys->Find("ed")->algorithm(), Algorithm::kEdDsa);
  for (const std::string& name : {std::string(), std::string("RSA"), std::string("rsa "),
                                  std::string("../rsa"), std::string("rsa\0", 4)}) {
    EXPECT_EQ(keys->Find(name), nullptr) << name;
  }
}

TEST(KeySetTest, PassesOverKeysItHasNoUseFor) {
  const struct {
    const char* name;
    Json changes;
  } kRows[] = {
      {"for encryption", {{"use", "enc"}}},
      {"for encryption by key_ops", {{"key_ops", Json::array({"encrypt"})}}},
      {"for wrapping", {{"use", "enc"}, {"alg", "RSA-OAEP"}}},
      {"RS512", {{"alg", "RS512"}}},
      {"PS256", {{"alg", "PS256"}}},
      {"unknown type", {{"kty", "AKP"}}},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.name);

    const auto keys =
        KeySet::Parse(RenderJwks({TestRsa().Jwk("odd", row.changes), TestP256().Jwk("good")}));

    ASSERT_TRUE(keys.ok()) << keys.status();
    EXPECT_EQ(keys->Find("odd"), nullptr);
    EXPECT_NE(keys->Find("good"), nullptr);
  }
}

TEST(KeySetTest, RefusesDangerousKeys) {
  const TestKey weak = TestKey::Rsa(1024);
  const std::string long_kid(KeySet::kKeyIdBytesMax + 1, 'k');
  const std::string huge(8192 / 8 + 1, '\x7f');
  const struct {
    const char* name;
    Json jwk;
    const char* why;
  } kRows[] = {
      {"symmetric", {{"kty", "oct"}, {"kid", "k"}, {"k", "c2VjcmV0"}}, "symmetric"},
      {"symmetric in disguise", TestRsa().Jwk("k", {{"k", "c2VjcmV0"}}), "symmetric"},
      {"alg none", TestRsa().Jwk("k", {{"alg", "none"}}), "alg"},
      {"alg HS256", TestRsa().Jwk("k", {{"alg", "HS256"}}), "alg"},
      {"alg empty", TestRsa().Jwk("k", {{"alg", ""}}), "alg"},
      {"alg not a string", TestRsa().Jwk("k", {{"alg", 256}}), "alg"},
      {"alg of another family", TestRsa().Jwk("k", {{"alg", "ES256"}}), "alg"},
      {"EC with RS256", TestP256().Jwk("k", {{"alg", "RS256"}}), "alg"},
      {"P-256 with ES384", TestP256().Jwk("k", {{"alg", "ES384"}}), "alg"},
      {"Ed25519 with ES256", TestEd25519().Jwk("k", {{"alg", "ES256"}}), "alg"},
      {"weak RSA", weak.Jwk("k"), "2048"},
      {"huge RSA", TestRsa().Jwk("k", {{"n", EncodeBase64Url(huge)}}), "too long"},
      {"RSA exponent 1", TestRsa().Jwk("k", {{"e", "AQ"}}), "odd"},
      {"RSA exponent even", TestRsa().Jwk("k", {{"e", "BA"}}), "odd"},
      {"RSA without n", TestRsa().Jwk("k", {{"n", nullptr}}), "n or e"},
      {"n with padding", TestRsa().Jwk("k", {{"e", "AQAB=="}}), "n or e"},
      {"private RSA", TestRsa().Jwk("k", {{"d", "AQAB"}}), "private"},
      {"private Ed25519", TestEd25519().Jwk("k", {{"d", "AQAB"}}), "private"},
      {"point off the curve", TestP256().Jwk("k", {{"x", EncodeBase64Url(std::string(32, '\1'))}}),
       "not a point"},
      {"short coordinate", TestP256().Jwk("k", {{"x", "AQAB"}}), "32 bytes"},
      {"short Ed25519", TestEd25519().Jwk("k", {{"x", "AQAB"}}), "32 bytes"},
      {"no kid", TestEd25519().Jwk("k", {{"kid", nullptr}}), "kid"},
      {"long kid", TestEd25519().Jwk(long_kid), "kid"},
      {"not an object", Json("k"), "not an object"},
      {"same kid", TestEd25519().Jwk("good"), "share"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.name);

    const auto keys = KeySet::Parse(RenderJwks({TestP256().Jwk("good"), row.jwk}));

    ASSERT_FALSE(keys.ok());
    EXPECT_THAT(std::string(keys.status().message()), HasSubstr(row.why));
  }
}

TEST(KeySetTest, RefusesFilesThatAreNotAKeySet) {
  std::vector<Json> many;
  for (size_t i = 0; i <= KeySet::kKeysMax; ++i) {
    many.push_back(TestEd25519().Jwk("k" + std::to_string(i)));
  }
  const struct {
    const char* name;
    std::string text;
    const char* why;
  } kRows[] = {
      {"empty", "", "not JSON"},
      {"an array", "[]", "object"},
      {"no keys", "{}", "object"},
      {"keys not an array", R"({"keys":{}})", "object"},
      {"none", R"({"keys":[]})", "no usable key"},
      {"only keys passed over", RenderJwks({TestRsa().Jwk("k", {{"use", "enc"}})}), "no usable"},
      {"twice the same member", R"({"keys":[],"keys":[]})", "twice"},
      {"too deep", R"({"keys":[[[[[[[[[]]]]]]]]]})", "deeply"},
      {"too many", RenderJwks(many), "more than"},
      {"too long", std::string(KeySet::kBytesMax + 1, ' '), "longer than"},
      {"something behind", RenderJwks({TestRsa().Jwk("k")}) + "{}", "not JSON"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.name);

    const auto keys = KeySet::Parse(row.text);

    ASSERT_FALSE(keys.ok());
    EXPECT_THAT(std::string(keys.status().message()), HasSubstr(row.why));
  }
}

}  // namespace
}  // namespace quartermaster::auth
