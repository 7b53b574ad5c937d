#include "qmctl/import/request_id.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "platform/base/check.h"
#include "platform/base/sha256.h"
#include "platform/base/uuid.h"

namespace quartermaster::qmctl {

std::string DeriveRequestId(absl::string_view method, const google::protobuf::Message& request) {
  std::unique_ptr<google::protobuf::Message> content(request.New());
  content->CopyFrom(request);
  const auto* request_id = content->GetDescriptor()->FindFieldByName("request_id");
  QM_CHECK(request_id != nullptr);
  content->GetReflection()->ClearField(content.get(), request_id);
  std::string bytes = absl::StrCat("qmctl.import.1 ", method, " ");
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    content->SerializeToCodedStream(&coded);
  }
  const base::Sha256Digest digest = base::Sha256(bytes);
  base::Uuid uuid;
  std::copy_n(digest.begin(), uuid.bytes.size(), uuid.bytes.begin());
  // Version 8 and the variant of RFC 9562.
  uuid.bytes[6] = static_cast<uint8_t>((uuid.bytes[6] & 0x0f) | 0x80);
  uuid.bytes[8] = static_cast<uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
  return uuid.ToString();
}

}  // namespace quartermaster::qmctl
