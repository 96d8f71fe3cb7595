#include "sim/stream.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace weir::sim {

u64 pattern_seed(const Endpoint& from, const Endpoint& to) noexcept {
  SipState<1, 3> h{{1, 2}};
  for (const Endpoint& e : {from, to}) {
    h.word(load_be64(e.addr.v6().b.data()));
    h.word(load_be64(e.addr.v6().b.data() + 8) ^ e.port);
  }
  return h.finish(0);
}

Stream::Stream(Socket accepted, const StreamPlan& plan) : world_(accepted.host().world()), socket_(std::move(accepted)), plan_(plan) {
  begin();
  on_connected();
  pump();
}

Stream::Stream(Host& from, const Endpoint& to, const StreamPlan& plan, const std::function<void(Socket&)>& setup)
    : world_(from.world()), plan_(plan) {
  auto made = Socket::open(from, to.addr.family(), SocketType::stream);
  if (!made) {
    fail_with(made.error());
    return;
  }
  socket_ = std::move(*made);
  if (setup) setup(socket_);
  begin();
  const auto connecting = socket_.connect(to);
  if (!connecting && connecting.error() != Errc::in_progress) fail_with(connecting.error());
}

void Stream::begin() {
  result_.opened = world_.now();
  buffer_.resize(std::max<usize>(std::max(plan_.read_at_most, plan_.write_at_most), 1));
  socket_.on_ready([this](u32 mask) { on_ready(mask); });
}

void Stream::on_connected() {
  result_.connected = true;
  result_.established = world_.now();
  result_.local = socket_.local();
  result_.remote = socket_.remote();
  out_ = Pattern{pattern_seed(result_.local, result_.remote)};
  in_ = Pattern{pattern_seed(result_.remote, result_.local)};
}

void Stream::on_ready(u32 mask) {
  if (over_) return;
  if (!result_.connected) {
    if (const i64 e = socket_.get(Option::error).value_or(0); e != 0) return fail_with(from_errno(static_cast<int>(e)));
    if ((mask & Ready::out) == 0) return;
    on_connected();
  }
  pump();
}

// Reads and writes until neither goes any further.
void Stream::pump() {
  if (pumping_ || over_) return;
  pumping_ = true;
  while (!over_ && (read_some() || write_some())) {
  }
  pumping_ = false;
  if (!over_) maybe_finish();
}

void Stream::wake_after(Duration wait, bool Stream::* waiting) {
  this->*waiting = true;
  world_.after(wait, [this, waiting, alive = std::weak_ptr<char>(alive_)] {
    if (alive.expired() || over_) return;
    this->*waiting = false;
    pump();
  });
}

Result<u32> Stream::read(MutBytes out) {
  if (!plan_.lent) return socket_.recv(out);
  const auto lent = socket_.recv_lent(static_cast<u32>(out.size()));
  if (!lent) return std::unexpected(lent.error());
  u32 n = 0;
  for (u32 i = 0; i < lent->n; ++i) {
    const Bytes piece = socket_.host().shard().pool().bytes(lent->slices[i]);
    std::memcpy(out.data() + n, piece.data(), piece.size());
    n += static_cast<u32>(piece.size());
  }
  socket_.return_lent(*lent);
  return n;
}

bool Stream::read_some() {
  if (read_waits_ || result_.peer_finished) return false;
  const auto n = read(MutBytes{buffer_}.first(plan_.read_at_most));
  if (!n) {
    if (n.error() != Errc::would_block) fail_with(n.error());
    return false;
  }
  if (*n == 0) {
    result_.peer_finished = true;
    if (plan_.expect_bytes && result_.received != *plan_.expect_bytes)
      result_.wrong = fmt::format("end of stream after {} bytes of {}", result_.received, *plan_.expect_bytes);
  } else {
    take(Bytes{buffer_}.first(*n));
    if (plan_.read_every.ns != 0) wake_after(plan_.read_every, &Stream::read_waits_);
  }
  return true;
}

void Stream::take(Bytes data) {
  if (plan_.verify && result_.wrong.empty()) {
    if (const auto at = in_.mismatch(result_.received, data)) result_.wrong = fmt::format("byte {} is not what was sent", *at);
  }
  result_.received += data.size();
  if (plan_.expect_bytes && result_.received > *plan_.expect_bytes && result_.wrong.empty())
    result_.wrong = fmt::format("{} bytes, {} were sent", result_.received, *plan_.expect_bytes);
}

bool Stream::write_some() {
  if (over_ || write_waits_ || fin_sent_) return false;
  const u64 left = plan_.send_bytes - result_.sent;
  if (left == 0) return false;
  const MutBytes chunk = MutBytes{buffer_}.first(std::min<u64>(left, plan_.write_at_most));
  out_.fill(result_.sent, chunk);
  const auto n = plan_.lent ? socket_.send_in_buffer(chunk) : socket_.send(chunk);
  if (!n) {
    if (n.error() != Errc::would_block) fail_with(n.error());
    return false;
  }
  result_.sent += *n;
  if (plan_.write_every.ns != 0) wake_after(plan_.write_every, &Stream::write_waits_);
  return *n > 0;
}

void Stream::maybe_finish() {
  const bool all_sent = result_.sent == plan_.send_bytes || (plan_.send_bytes == StreamPlan::endless && result_.peer_finished);
  if (!all_sent) return;
  if (plan_.close_at_once) {
    result_.complete = result_.wrong.empty();
    return end();
  }
  if (!fin_sent_ && (!plan_.finish_last || result_.peer_finished)) {
    fin_sent_ = true;
    if (const auto done = socket_.shutdown(Shutdown::write); !done) return fail_with(done.error());
  }
  if (!fin_sent_ || !result_.peer_finished) return;
  result_.complete = result_.wrong.empty();
  end();
}

void Stream::fail_with(Errc e) {
  if (over_) return;
  result_.error = e;
  end();
}

void Stream::end() {
  over_ = true;
  result_.finished = world_.now();
  socket_.close();
  if (on_over) on_over();
}

StreamServer::StreamServer(Host& host, const Endpoint& at, const StreamPlan& plan, const std::function<void(Socket&)>& setup)
    : plan_(plan) {
  const auto must = [&](const auto& result, std::string_view what) {
    if (!result) throw std::runtime_error(fmt::format("{}: {} {}: {}", host.name(), what, to_string(at), text(result.error())));
  };
  auto made = Socket::open(host, at.addr.family(), SocketType::stream);
  must(made, "socket for");
  listener_ = std::move(*made);
  if (setup) setup(listener_);
  must(listener_.bind(at), "bind to");
  must(listener_.listen(128), "listen at");
  listener_.on_ready([this](u32) {
    while (auto peer = listener_.accept()) streams_.push_back(std::make_unique<Stream>(std::move(*peer), plan_));
  });
}

namespace {

StreamPlan with_bytes(StreamPlan plan, u64 send, u64 expect) {
  plan.send_bytes = send;
  plan.expect_bytes = expect;
  return plan;
}

}  // namespace

Transfer::Transfer(Host& client, Host& server, const TransferConfig& c)
    : server_(server, {IpAddr::any(c.family), c.port}, with_bytes(c.server, c.reply_bytes, c.bytes), c.server_setup),
      client_(std::make_unique<Stream>(client, Endpoint{server.address(c.family), c.port}, with_bytes(c.client, c.bytes, c.reply_bytes),
                                       c.client_setup)) {}

bool Transfer::complete() const { return trouble().empty(); }

std::string Transfer::trouble() const {
  const auto of = [](std::string_view who, const StreamResult& r) -> std::string {
    if (r.complete) return {};
    return fmt::format("{}: {}{} sent {} received {} fin {}; ", who, r.error ? text(*r.error) : "not over", r.wrong, r.sent, r.received,
                       r.peer_finished);
  };
  std::string all = of("client", client_->result());
  if (server_.streams().empty()) return all + "server: no connection";
  return all + of("server", server_.streams()[0]->result());
}

}  // namespace weir::sim
