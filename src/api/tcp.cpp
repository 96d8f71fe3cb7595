// weir/socket.hpp: TCP.
#include "api/watch.hpp"
#include "shard/shard.hpp"
#include "sock/table.hpp"
#include "weir/socket.hpp"

namespace weir {

// -- operations

ReadChunkOp::ReadChunkOp(Watch* w, u32 max_bytes) noexcept : Op(w, Ready::in), max_bytes_(max_bytes) {}

bool ReadChunkOp::attempt(Shard& shard, Instant now) {
  const auto lent = shard.recv_lent(watch().sock(), max_bytes_, now);
  if (must_wait(lent)) return false;
  if (!lent) return done(fail(lent.error()));
  return done(Chunk(watch().shared_executor(), *lent));
}

ReadOp::ReadOp(Watch* w, MutBytes out, usize least) noexcept : Op(w, Ready::in), out_(out), least_(least) {}

bool ReadOp::attempt(Shard& shard, Instant now) {
  for (;;) {
    const auto r = shard.recv(watch().sock(), out_.subspan(n_), 0, now);
    if (must_wait(r)) return n_ >= least_ && n_ != 0 && done(n_);
    if (!r) return done(fail(r.error()));
    n_ += *r;
    if (*r == 0 || n_ >= least_) return done(n_);
  }
}

WriteOp::WriteOp(Watch* w, Bytes data) noexcept : Op(w, Ready::out), data_(data) {}

bool WriteOp::attempt(Shard& shard, Instant now) {
  while (n_ < data_.size()) {
    const auto r = shard.send(watch().sock(), data_.subspan(n_), 0, now);
    if (must_wait(r)) return false;
    if (!r) return done(fail(r.error()));
    n_ += *r;
  }
  return done(n_);
}

void WriteOp::refuse(Errc error) noexcept {
  const bool time_is_up = error == Errc::timed_out || error == Errc::would_block;
  if (time_is_up && n_ != 0) result_.emplace(n_);
  else Op::refuse(error);
}

WriteChunkOp::WriteChunkOp(Watch* w, Chunk chunk) noexcept : Op(w, Ready::out), chunk_(std::move(chunk)) {}

namespace {

// Zero copy takes all or nothing, and what it refuses is gone: ask for room first.
Result<usize> send_chunk(Shard& shard, Sock s, Chunk& chunk, Instant now) {
  if (chunk.empty()) return usize{0};
  if (const auto room = shard.send(s, Bytes{}, 0, now); !room) return fail(room.error());
  const auto sent = shard.send_lent(s, chunk.lent(), now);
  chunk.release();
  return sent;
}

}  // namespace

bool WriteChunkOp::attempt(Shard& shard, Instant now) {
  const auto r = send_chunk(shard, watch().sock(), chunk_, now);
  return !must_wait(r) && done(r);
}

FinishOp::FinishOp(Watch* w) noexcept : Op(w, Ready::out) {}

bool FinishOp::attempt(Shard& shard, Instant now) {
  if (!std::exchange(started_, true))
    if (const auto r = shard.shutdown(watch().sock(), Shutdown::write, now); !r) return done(r);
  const auto info = shard.core().sockets->tcp_info(watch().sock());
  if (!info) return done(fail(info.error()));
  switch (info->state) {
    case tcp::State::established:
    case tcp::State::close_wait:
    case tcp::State::syn_received:
    case tcp::State::fin_wait_1:
    case tcp::State::closing:
    case tcp::State::last_ack: return false;
    default: break;
  }
  const auto error = shard.get_option(watch().sock(), Option::error);
  if (error && *error != 0) return done(fail(from_errno(static_cast<int>(*error))));
  return done(Result<void>{});
}

AcceptOp::AcceptOp(Watch* w) noexcept : Op(w, Ready::in) {}

bool AcceptOp::attempt(Shard& shard, Instant now) {
  const auto s = shard.accept(watch().sock(), now);
  if (must_wait(s)) return false;
  if (!s) return done(fail(s.error()));
  return done(TcpStream(std::make_unique<Watch>(watch().shared_executor(), *s)));
}

ConnectOp::ConnectOp(std::unique_ptr<Watch> w, const Endpoint& to) noexcept : Op(w.get(), Ready::out), owned_(std::move(w)), to_(to) {}
ConnectOp::ConnectOp(Errc error, const Endpoint& to) noexcept : Op(nullptr, Ready::out), to_(to), error_(error) {}
ConnectOp::~ConnectOp() = default;

// The first call sends the SYN; later ones tell how it is going.
bool ConnectOp::attempt(Shard& shard, Instant now) {
  const auto r = shard.connect(owned_->sock(), to_, now);
  if (!r && (r.error() == Errc::in_progress || r.error() == Errc::already)) return false;
  if (!r && r.error() != Errc::is_connected) return done(fail(r.error()));
  return done(TcpStream(std::move(owned_)));
}

// -- TcpStream, TcpListener

TcpStream::TcpStream(std::unique_ptr<Watch> watch) noexcept : Socket(std::move(watch)) {}
TcpListener::TcpListener(std::unique_ptr<Watch> watch) noexcept : Socket(std::move(watch)) {}

Result<usize> TcpStream::try_write(Chunk& chunk) {
  if (!watch_) return fail(Errc::bad_handle);
  return watch_->call([&](Shard& shard, Instant now) { return send_chunk(shard, watch_->sock(), chunk, now); });
}

ReadyOp TcpStream::readable() noexcept { return {watch_.get(), Ready::in}; }
ReadyOp TcpStream::writable() noexcept { return {watch_.get(), Ready::out}; }
FinishOp TcpStream::finish() noexcept { return FinishOp(watch_.get()); }

Result<void> TcpStream::shutdown(Shutdown how) {
  if (!watch_) return fail(Errc::bad_handle);
  return watch_->call([&](Shard& shard, Instant now) { return shard.shutdown(watch_->sock(), how, now); });
}

void TcpStream::close() {
  if (!watch_) return;
  const auto linger = get(Option::linger);
  const auto unread = get(Option::pending_input);
  const bool waits = linger && *linger > 0 && unread && *unread == 0 && !watch_->executor().is_current();
  // Nobody reads any more: data that comes while we wait draws an RST, as it will afterwards.
  if (waits && shutdown(Shutdown::both)) (void)finish().within(Duration::nanos(*linger)).wait();
  watch_->close(false);
}

void TcpStream::abort() {
  if (watch_) watch_->close(true);
}

Result<TcpInfo> TcpStream::info() const {
  if (!watch_) return fail(Errc::bad_handle);
  return watch_->call([&](Shard& shard, Instant) { return shard.core().sockets->tcp_info(watch_->sock()); });
}

void TcpListener::close() {
  if (watch_) watch_->close(false);
}

}  // namespace weir
