#include "tests/harness/tcp_proxy.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <list>
#include <random>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "platform/base/status_macros.h"
#include "tests/harness/endpoint.h"

namespace quartermaster::testing {
namespace {

// What one side holds back of the other at most before it stops reading.
constexpr size_t kHeldBytesMax = 8 << 20;

absl::Status SystemError(absl::string_view what) {
  return absl::InternalError(absl::StrCat(what, ": ", std::strerror(errno)));
}

// Bytes on their way in one direction.
struct Packet {
  absl::Time due;
  std::string bytes;
};

struct Link {
  Descriptor client;
  Descriptor server;
  std::deque<Packet> to_server;
  std::deque<Packet> to_client;
  // The end of what the client sent before, for bytes that came in two pieces.
  std::string tail;
  // The server's next answer is thrown away and the link cut.
  bool swallows_answer = false;
  // Of that answer: what has come of it, and how many packets it has.
  std::string swallowed;
  int answer_packet_count = 1;
  bool is_over = false;
};

// Counts the whole packets of MySQL's protocol: three bytes of length, a number, the content.
int CountPackets(absl::string_view bytes) {
  int count = 0;
  while (bytes.size() >= 4) {
    const auto byte = [&](size_t at) { return size_t{static_cast<unsigned char>(bytes[at])}; };
    const size_t size = 4 + byte(0) + (byte(1) << 8) + (byte(2) << 16);
    if (bytes.size() < size) break;
    bytes.remove_prefix(size);
    ++count;
  }
  return count;
}

size_t HeldBytes(const std::deque<Packet>& packets) {
  size_t size = 0;
  for (const Packet& packet : packets) size += packet.bytes.size();
  return size;
}

}  // namespace

class TcpProxy::Loop {
 public:
  absl::Status Listen(const TcpProxyOptions& options);
  uint16_t ListeningPort() const;
  void Run();
  void Wake();

  mutable base::Mutex mutex;
  bool is_stopping ABSL_GUARDED_BY(mutex) = false;
  bool is_stalled ABSL_GUARDED_BY(mutex) = false;
  bool is_refusing ABSL_GUARDED_BY(mutex) = false;
  bool cuts_now ABSL_GUARDED_BY(mutex) = false;
  int cut_count ABSL_GUARDED_BY(mutex) = 0;
  std::optional<CutRule> rule ABSL_GUARDED_BY(mutex);
  ProxyChaos chaos ABSL_GUARDED_BY(mutex);
  std::mt19937_64 random ABSL_GUARDED_BY(mutex);
  std::list<Link> links ABSL_GUARDED_BY(mutex);

 private:
  // Fills what to poll for, and returns how long at most.
  int Prepare(std::vector<pollfd>& polled) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void Accept() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void ReadClient(Link& link) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void ReadServer(Link& link) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // Reads what is there; empty at the end of the link.
  std::string Read(Link& link, Descriptor& from);
  void Enqueue(Link& link, std::deque<Packet>& queue, std::string bytes, absl::Duration delay)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void Write(Link& link, std::deque<Packet>& queue, Descriptor& to)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // Tells whether the client's bytes met the rule, which then has taken them over.
  bool Applies(Link& link, const std::string& bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  TcpProxyOptions options_;
  Descriptor listener_;
  Descriptor wake_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

absl::Status TcpProxy::Loop::Listen(const TcpProxyOptions& options) {
  options_ = options;
  Endpoint endpoint(options.listen_socket, 0);
  listener_ = endpoint.MakeSocket();
  if (!listener_.is_open()) return SystemError("socket");
  if (!options.listen_socket.empty()) unlink(options.listen_socket.c_str());
  if (bind(listener_.get(), endpoint.get(), endpoint.size) != 0) return SystemError("bind");
  if (listen(listener_.get(), 128) != 0) return SystemError("listen");
  return absl::OkStatus();
}

uint16_t TcpProxy::Loop::ListeningPort() const {
  if (!options_.listen_socket.empty()) return 0;
  sockaddr_in address = {};
  socklen_t size = sizeof(address);
  getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

void TcpProxy::Loop::Wake() {
  const uint64_t one = 1;
  if (write(wake_.get(), &one, sizeof(one)) < 0) return;
}

void TcpProxy::Loop::Run() {
  std::vector<pollfd> polled;
  while (true) {
    int timeout_ms = 0;
    {
      base::MutexLock lock(&mutex);
      if (is_stopping) return;
      if (std::exchange(cuts_now, false)) links.clear();
      for (Link& link : links) {
        Write(link, link.to_server, link.server);
        Write(link, link.to_client, link.client);
      }
      links.remove_if([](const Link& link) { return link.is_over; });
      timeout_ms = Prepare(polled);
    }
    poll(polled.data(), polled.size(), timeout_ms);
    uint64_t ignored = 0;
    if (read(wake_.get(), &ignored, sizeof(ignored)) < 0 && errno != EAGAIN) return;

    base::MutexLock lock(&mutex);
    // While this thread polled only it could add or remove links, so the order is still the same.
    // What may pass could change meanwhile.
    size_t at = 2;
    for (Link& link : links) {
      const bool has_client = (polled[at].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
      const bool has_server = (polled[at + 1].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
      at += 2;
      if (has_client && !is_stalled) ReadClient(link);
      if (has_server && !is_stalled) ReadServer(link);
    }
    if ((polled[1].revents & POLLIN) != 0 && !is_refusing) Accept();
  }
}

int TcpProxy::Loop::Prepare(std::vector<pollfd>& polled) {
  polled.clear();
  polled.push_back({wake_.get(), POLLIN, 0});
  polled.push_back({listener_.get(), static_cast<short>(is_refusing ? 0 : POLLIN), 0});
  absl::Duration timeout = absl::Seconds(1);
  for (const Link& link : links) {
    const bool reads = !is_stalled;
    const auto events = [&](const Descriptor& from, const std::deque<Packet>& queue) -> pollfd {
      const bool wants = reads && HeldBytes(queue) < kHeldBytesMax;
      // A negative descriptor is not polled: a stalled link must not wake us for its end either.
      return {wants ? from.get() : -1, POLLIN, 0};
    };
    polled.push_back(events(link.client, link.to_server));
    polled.push_back(events(link.server, link.to_client));
    if (is_stalled) continue;
    for (const std::deque<Packet>* queue : {&link.to_server, &link.to_client}) {
      if (!queue->empty()) timeout = std::min(timeout, queue->front().due - absl::Now());
    }
  }
  // At least a millisecond: a peer that reads slowly must not make us spin.
  return std::max(1, static_cast<int>(absl::ToInt64Milliseconds(timeout)));
}

void TcpProxy::Loop::Accept() {
  Descriptor client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!client.is_open()) return;
  Endpoint upstream(options_.upstream_socket, options_.upstream_port);
  Descriptor server = upstream.MakeSocket();
  if (!server.is_open()) return;
  if (connect(server.get(), upstream.get(), upstream.size) != 0 && errno != EINPROGRESS) return;
  Link& link = links.emplace_back();
  link.client = std::move(client);
  link.server = std::move(server);
}

std::string TcpProxy::Loop::Read(Link& link, Descriptor& from) {
  char buffer[64 << 10];
  const ssize_t size = recv(from.get(), buffer, sizeof(buffer), 0);
  if (size > 0) return std::string(buffer, static_cast<size_t>(size));
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return "";
  link.is_over = true;
  return "";
}

void TcpProxy::Loop::ReadClient(Link& link) {
  std::string bytes = Read(link, link.client);
  if (bytes.empty() || Applies(link, bytes)) return;
  Enqueue(link, link.to_server, std::move(bytes), absl::ZeroDuration());
}

bool TcpProxy::Loop::Applies(Link& link, const std::string& bytes) {
  if (!rule.has_value() || link.swallows_answer) return false;
  const std::string seen = link.tail + bytes;
  if (!absl::EndsWith(seen, rule->bytes)) {
    link.tail = seen.substr(seen.size() - std::min(seen.size(), rule->bytes.size() - 1));
    return false;
  }
  const CutRule applied = *rule;
  cut_count += 1;
  if (--rule->count_max <= 0) rule.reset();
  link.tail.clear();
  link.swallows_answer = true;
  link.answer_packet_count = applied.answer_packet_count;
  if (applied.cuts_client_at_once || !applied.is_forwarded) link.client.Close();
  if (!applied.is_forwarded) {
    link.is_over = true;
  } else {
    Enqueue(link, link.to_server, bytes, applied.forward_after);
  }
  return true;
}

void TcpProxy::Loop::ReadServer(Link& link) {
  std::string bytes = Read(link, link.server);
  if (bytes.empty()) return;
  if (link.swallows_answer) {
    link.swallowed += bytes;
    link.is_over = link.is_over || CountPackets(link.swallowed) >= link.answer_packet_count;
    return;
  }
  Enqueue(link, link.to_client, std::move(bytes), absl::ZeroDuration());
}

void TcpProxy::Loop::Enqueue(Link& link, std::deque<Packet>& queue, std::string bytes,
                             absl::Duration delay) {
  if (chaos.cut_per_mille > 0 &&
      std::uniform_int_distribution<int>(0, 999)(random) < chaos.cut_per_mille) {
    link.is_over = true;
    return;
  }
  if (chaos.delay_max > absl::ZeroDuration()) {
    const int64_t micros = absl::ToInt64Microseconds(chaos.delay_max);
    delay += absl::Microseconds(std::uniform_int_distribution<int64_t>(0, micros)(random));
  }
  absl::Time due = absl::Now() + delay;
  // Bytes of one direction never overtake each other.
  if (!queue.empty()) due = std::max(due, queue.back().due);
  queue.push_back({due, std::move(bytes)});
}

void TcpProxy::Loop::Write(Link& link, std::deque<Packet>& queue, Descriptor& to) {
  while (!is_stalled && !queue.empty() && queue.front().due <= absl::Now()) {
    std::string& bytes = queue.front().bytes;
    if (!to.is_open()) {
      queue.pop_front();
      continue;
    }
    const ssize_t size = send(to.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size < 0) {
      if (errno != EAGAIN && errno != EINTR && errno != ENOTCONN) link.is_over = true;
      return;
    }
    bytes.erase(0, static_cast<size_t>(size));
    if (!bytes.empty()) return;
    queue.pop_front();
  }
}

TcpProxy::TcpProxy() : loop_(std::make_unique<Loop>()) {}

absl::StatusOr<std::unique_ptr<TcpProxy>> TcpProxy::Start(const TcpProxyOptions& options) {
  auto proxy = std::unique_ptr<TcpProxy>(new TcpProxy);
  QM_RETURN_IF_ERROR(proxy->loop_->Listen(options));
  proxy->port_ = proxy->loop_->ListeningPort();
  proxy->thread_ = std::thread([loop = proxy->loop_.get()] { loop->Run(); });
  return proxy;
}

TcpProxy::~TcpProxy() {
  if (!thread_.joinable()) return;
  {
    base::MutexLock lock(&loop_->mutex);
    loop_->is_stopping = true;
  }
  loop_->Wake();
  thread_.join();
}

void TcpProxy::Stall() {
  base::MutexLock lock(&loop_->mutex);
  loop_->is_stalled = true;
  loop_->Wake();
}

void TcpProxy::Pass() {
  base::MutexLock lock(&loop_->mutex);
  loop_->is_stalled = false;
  loop_->is_refusing = false;
  loop_->rule.reset();
  loop_->chaos = {};
  loop_->Wake();
}

void TcpProxy::CutNow() {
  base::MutexLock lock(&loop_->mutex);
  loop_->cuts_now = true;
  loop_->Wake();
}

void TcpProxy::SetRefusing(bool is_refusing) {
  base::MutexLock lock(&loop_->mutex);
  loop_->is_refusing = is_refusing;
  loop_->Wake();
}

void TcpProxy::CutWhen(CutRule rule) {
  base::MutexLock lock(&loop_->mutex);
  loop_->rule = std::move(rule);
}

void TcpProxy::SetChaos(const ProxyChaos& chaos) {
  base::MutexLock lock(&loop_->mutex);
  loop_->chaos = chaos;
  loop_->random.seed(chaos.seed);
}

int TcpProxy::cut_count() const {
  base::MutexLock lock(&loop_->mutex);
  return loop_->cut_count;
}

int TcpProxy::link_count() const {
  base::MutexLock lock(&loop_->mutex);
  return static_cast<int>(loop_->links.size());
}

}  // namespace quartermaster::testing
