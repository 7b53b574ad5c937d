#pragma once

#include <string>

// Certificates for tests, made on the spot.
namespace quartermaster::rpc {

// A certificate authority that lives for one test. Keys are P-256, certificates valid for an hour.
class TestCa {
 public:
  TestCa();
  ~TestCa();

  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;

  struct Pair {
    std::string certificate;
    std::string key;
  };
  // Signs a certificate for `localhost` and 127.0.0.1 with `spiffe_id` as its URI name.
  Pair Sign(const std::string& spiffe_id) const;
  const std::string& certificate() const { return certificate_pem_; }

 private:
  struct Keys;
  Keys* keys_;
  std::string certificate_pem_;
};

// Writes `content` to `path`, all at once.
void WriteFile(const std::string& path, const std::string& content);

}  // namespace quartermaster::rpc
