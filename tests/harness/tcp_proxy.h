#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/base/mutex.h"

namespace quartermaster::testing {

// What to do when a client has sent certain bytes last.
struct CutRule {
  // What the client's packet ends with, for instance `COMMIT`, alone or behind other statements
  // (and not the `READ COMMITTED` in the midst of a session's set-up).
  std::string bytes;
  // False: they never reach the server.
  bool is_forwarded = true;
  // How long they are under way to the server.
  absl::Duration forward_after = absl::ZeroDuration();
  // False: the client waits until the server has answered, and then learns nothing; true: its link
  // breaks at once, while the bytes are still under way.
  bool cuts_client_at_once = false;
  // How many packets of MySQL's protocol the answer has: one for each statement that gives no rows.
  // The link breaks after the last of them. After the first, a server that runs several statements
  // is still at work, and whatever it has left to do may be done or not.
  int answer_packet_count = 1;
  // How often the rule applies; later bytes pass.
  int count_max = 1;
};

// Random trouble, the same for the same seed and the same traffic.
struct ProxyChaos {
  uint64_t seed = 1;
  // Each packet is late by up to that much.
  absl::Duration delay_max = absl::ZeroDuration();
  // Of 1000 packets, how many end their link instead.
  int cut_per_mille = 0;
};

struct TcpProxyOptions {
  // Where to connect to: a socket path, or a port of 127.0.0.1.
  std::string upstream_socket;
  uint16_t upstream_port = 0;
  // Where to listen: a socket path; empty: a free port of 127.0.0.1.
  std::string listen_socket;
};

// Stands between a client and a server and makes trouble on demand. Passes everything at first.
// Thread-safe. One thread of its own; all links are cut when it goes.
class TcpProxy {
 public:
  static absl::StatusOr<std::unique_ptr<TcpProxy>> Start(const TcpProxyOptions& options);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  // Holds everything back, both ways; links stay open and new ones are taken.
  void Stall();
  // Lets everything pass again, what was held back first, and forgets rules and chaos.
  void Pass();
  // Ends all links now. New ones are taken.
  void CutNow();
  // Takes no new links, or takes them again.
  void SetRefusing(bool is_refusing);
  void CutWhen(CutRule rule);
  void SetChaos(const ProxyChaos& chaos);

  // How often a rule has cut a link.
  int cut_count() const;
  // Links open now.
  int link_count() const;
  // The port that clients connect to; 0 with `listen_socket`.
  uint16_t port() const { return port_; }

 private:
  class Loop;

  TcpProxy();

  std::unique_ptr<Loop> loop_;
  uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace quartermaster::testing
