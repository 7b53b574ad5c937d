#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/overview/stock_answer.h"
#include "gateway/overview/titles.h"
#include "gateway/routes/availability.h"
#include "platform/base/call.h"
#include "platform/base/clock.h"
#include "platform/rpc/client.h"
#include "quartermaster/gateway/v1/overview.pb.h"
#include "quartermaster/inventory/v1/catalog.grpc.pb.h"
#include "quartermaster/inventory/v1/ledger.grpc.pb.h"
#include "quartermaster/inventory/v1/units.grpc.pb.h"

namespace quartermaster::gateway {

// Puts the situation together out of what the services say. A service that does not answer costs
// its part, never the whole. Thread-safe; blocks for as long as the services take, so it is called
// on a thread that may.
class SituationReport {
 public:
  struct Options {
    // How long one service is waited for; less if the call's deadline comes first.
    absl::Duration part_time_max = absl::Seconds(5);
    Titles::Options titles;
  };

  // `inventory` must outlive it.
  SituationReport(const Options& options, rpc::Channels& inventory, const base::Clock& clock);

  // Returns the bytes of a `Situation` for `call`, on whose behalf the services are asked:
  // `identity_token` is what the gateway signed. Fails as `Overview.GetSituation` says.
  absl::StatusOr<grpc::ByteBuffer> Make(const base::Call& call, absl::string_view identity_token,
                                        const v1::GetSituationRequest& request);

 private:
  // On whose behalf services are asked.
  struct Asker {
    const base::Call& call;
    absl::string_view identity_token;
  };

  // Asks for the stock, and adds to `situation` what is beside its lines: that it is missing, if
  // nobody answers, and then nothing is returned.
  absl::StatusOr<std::optional<StockAnswer>> AskForStock(const Asker& asker,
                                                         const v1::GetSituationRequest& request,
                                                         v1::Situation& situation);
  // Adds the titles of what `stock` names, as far as there is room for them.
  void AddTitles(const Asker& asker, const std::string& root, const StockAnswer& stock,
                 v1::Situation& situation);
  absl::Status LearnTitles(const Asker& asker, const std::string& root);
  void AddMissing(absl::string_view part, const absl::Status& why, absl::Time since,
                  v1::Situation& situation) const;

  const Options options_;
  rpc::Channels& inventory_;
  const base::Clock& clock_;
  Titles titles_;
  Availability stock_;
  Availability names_;
};

}  // namespace quartermaster::gateway
