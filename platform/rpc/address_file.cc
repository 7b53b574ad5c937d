#include "platform/rpc/address_file.h"

#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace quartermaster::rpc {

absl::Status WriteAddressFile(const std::string& path, const std::string& address) {
  if (path.empty()) return absl::OkStatus();
  const std::string draft = absl::StrCat(path, ".new");
  std::ofstream file(draft, std::ios::trunc);
  file << address << '\n';
  file.close();
  if (file && std::rename(draft.c_str(), path.c_str()) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the address file \"", path, "\" cannot be written"));
}

}  // namespace quartermaster::rpc
