#include "wire/tcp_options.hpp"

namespace weir::wire {
namespace {

u32 load_be24(const std::byte* p) noexcept { return static_cast<u32>(load_be16(p)) << 8 | load_u8(p + 2); }
void store_be24(std::byte* p, u32 v) noexcept {
  store_be16(p, static_cast<u16>(v >> 8));
  store_u8(p + 2, static_cast<u8>(v));
}

// The option says that there are blocks, so each of them is whole or none is used.
void take_sack(Bytes value, TcpOptions& out) noexcept {
  const usize n = value.size() / 8;
  if (value.size() % 8 != 0 || n == 0 || n > out.sack.size()) return;
  for (usize i = 0; i < n; ++i) {
    const std::byte* p = value.data() + i * 8;
    out.sack[i] = {{load_be32(p)}, {load_be32(p + 4)}};
  }
  out.sack_n = static_cast<u8>(n);
}

void take_accecn(u8 kind, Bytes value, TcpOptions& out) noexcept {
  if (value.size() % 3 != 0 || value.size() > 9) return;
  AccEcnOption a{kind, static_cast<u8>(value.size() / 3)};
  std::array<u32, 3> counters{};
  for (usize i = 0; i < a.fields; ++i) counters[kind == tcp_option::accecn0 ? i : 2 - i] = load_be24(value.data() + i * 3);
  a.e0b = counters[0];
  a.ceb = counters[1];
  a.e1b = counters[2];
  out.accecn = a;
}

// RFC 7413 4.1.1: none, or an even number of 4 to 16 bytes.
void take_fast_open(Bytes cookie, u8 at, bool experimental, TcpOptions& out) noexcept {
  const bool is_request = cookie.empty();
  if (!is_request && (cookie.size() < 4 || cookie.size() > 16 || cookie.size() % 2 != 0)) return;
  out.fast_open = {at, static_cast<u8>(cookie.size())};
  out.fast_open_experimental = experimental;
}

// Kinds that only some connections carry.
void take_rare(u8 kind, Bytes value, u8 at, TcpOptions& out) noexcept {
  switch (kind) {
    case tcp_option::md5:
      if (value.size() == 16) out.md5 = {at, 16};
      break;
    case tcp_option::user_timeout:
      if (value.size() == 2) out.user_timeout = load_be16(value.data());
      break;
    case tcp_option::ao:
      if (value.size() >= 2) out.ao = {at, static_cast<u8>(value.size())};
      break;
    case tcp_option::mptcp: out.has_mptcp = true; break;
    case tcp_option::fast_open: take_fast_open(value, at, false, out); break;
    case tcp_option::accecn0:
    case tcp_option::accecn1: take_accecn(kind, value, out); break;
    case tcp_option::experiment1:
    case tcp_option::experiment2:  // RFC 6994: the first two bytes say whose experiment
      if (value.size() >= 2 && load_be16(value.data()) == tcp_option::exid_fast_open)
        take_fast_open(value.subspan(2), static_cast<u8>(at + 2), true, out);
      break;
    default: break;  //= rfc9293#3.1 MUST-6
  }
}

// A known kind whose length is not the one of its RFC is no option we know: ignored.
void take(u8 kind, Bytes value, u8 at, TcpOptions& out) noexcept {
  switch (kind) {
    case tcp_option::mss:
      if (value.size() == 2) out.mss = load_be16(value.data());  //= rfc9293#3.1 MUST-4
      break;
    case tcp_option::wscale:
      if (value.size() == 1) out.wscale = load_u8(value.data());
      break;
    case tcp_option::sack_permitted:
      if (value.empty()) out.sack_permitted = true;
      break;
    case tcp_option::sack: take_sack(value, out); break;
    case tcp_option::timestamps:
      if (value.size() != 8) break;
      out.has_ts = true;
      out.ts_val = load_be32(value.data());
      out.ts_ecr = load_be32(value.data() + 4);
      break;
    default: take_rare(kind, value, at, out);
  }
}

}  // namespace

Result<TcpOptions, Drop> parse_options_slow(Bytes o) noexcept {
  TcpOptions out;
  const bool whole = for_each_tcp_option(o, [&](u8 kind, Bytes value) {  //= rfc9293#3.2 MUST-64
    take(kind, value, static_cast<u8>(value.data() - o.data()), out);
  });
  if (!whole) return std::unexpected(Drop::tcp_bad_option);  //= rfc9293#3.1 MUST-7
  return out;
}

namespace {

// Appends options to a header. Nothing is written that does not fit.
class OptionWriter {
 public:
  explicit OptionWriter(MutBytes out) noexcept : out_(out.first(std::min(out.size(), tcp_option::max_len))) {}

  // Kind, length and room for a value, which is returned.
  std::byte* add(u8 kind, usize value_len) noexcept {
    WEIR_ASSERT(room() >= value_len + 2);
    store_u8(out_.data() + n_, kind);
    store_u8(out_.data() + n_ + 1, static_cast<u8>(value_len + 2));  //= rfc9293#3.1 MUST-68
    n_ += value_len + 2;
    return out_.data() + n_ - value_len;
  }
  void add(u8 kind, Bytes value) noexcept { copy_bytes({add(kind, value.size()), value.size()}, value); }

  void nop(usize count = 1) noexcept {
    WEIR_ASSERT(room() >= count);
    std::memset(out_.data() + n_, tcp_option::nop, count);
    n_ += count;
  }
  // NOPs until the next option begins at `want` modulo `of`.
  void align(usize of, usize want = 0) noexcept {
    while (n_ % of != want) nop();
  }
  // EOL and zeros up to a whole word.
  usize finish_with_zeros() noexcept {
    const usize padding = (4 - n_ % 4) % 4;
    WEIR_ASSERT(room() >= padding);
    std::memset(out_.data() + n_, 0, padding);  //= rfc9293#3.1 MUST-69
    n_ += padding;
    return n_;
  }
  usize finish_with_nops() noexcept {
    align(4);
    return n_;
  }
  [[nodiscard]] usize room() const noexcept { return out_.size() - n_; }
  [[nodiscard]] usize size() const noexcept { return n_; }

 private:
  MutBytes out_;
  usize n_ = 0;
};

void add_mss(OptionWriter& w, u16 mss) noexcept { store_be16(w.add(tcp_option::mss, 2), mss); }
void add_wscale(OptionWriter& w, u8 shift) noexcept { store_u8(w.add(tcp_option::wscale, 1), shift); }

void add_timestamps(OptionWriter& w, const TcpOptionsOut& o) noexcept {
  std::byte* p = w.add(tcp_option::timestamps, 8);
  store_be32(p, o.ts_val);
  store_be32(p + 4, o.ts_ecr);
}

// As many blocks as fit behind `padding` bytes; RFC 2018 4 puts the most recent first, so the last are left out.
void add_sack(OptionWriter& w, std::span<const SackBlock> blocks, usize padding) noexcept {
  if (w.room() < padding + 10) return;
  const usize n = std::min(blocks.size(), (w.room() - padding - 2) / 8);
  w.nop(padding);
  std::byte* p = w.add(tcp_option::sack, n * 8);
  for (const SackBlock& b : blocks.first(n)) {
    store_be32(p, b.left.raw);
    store_be32(p + 4, b.right.raw);
    p += 8;
  }
}

void add_fast_open(OptionWriter& w, Bytes cookie, bool experimental) noexcept {
  if (w.room() < cookie.size() + 4) return;  // the handshake goes on without it
  if (!experimental) return w.add(tcp_option::fast_open, cookie);
  std::byte* p = w.add(tcp_option::experiment2, cookie.size() + 2);
  store_be16(p, tcp_option::exid_fast_open);
  copy_bytes({p + 2, cookie.size()}, cookie);
}

// Fields that do not fit are left out, the last first: the option says by its length how many it has.
void add_accecn(OptionWriter& w, const AccEcnOption& a) noexcept {
  if (w.room() < (a.fields == 0 ? 2 : 5)) return;
  const usize n = std::min<usize>(a.fields, (w.room() - 2) / 3);
  std::byte* p = w.add(a.kind, n * 3);
  const u32 order0[] = {a.e0b, a.ceb, a.e1b};
  for (usize i = 0; i < n; ++i) store_be24(p + i * 3, order0[a.kind == tcp_option::accecn0 ? i : 2 - i]);
}

// What either profile writes after the common options.
void add_rest(OptionWriter& w, const TcpOptionsOut& o) noexcept {
  if (o.fast_open) add_fast_open(w, *o.fast_open, o.fast_open_experimental);
  if (o.user_timeout) store_be16(w.add(tcp_option::user_timeout, 2), *o.user_timeout);
  if (o.accecn.kind != 0) add_accecn(w, o.accecn);
}

// Everything at a word boundary, SACK-permitted and window scale used as the padding of their neighbours.
usize emit_linux(OptionWriter w, const TcpOptionsOut& o) noexcept {
  if (o.md5) {
    w.nop(2);
    w.add(tcp_option::md5, *o.md5);
  }
  if (o.ao) {
    w.add(tcp_option::ao, *o.ao);
    w.align(4);
  }
  if (o.mss) add_mss(w, *o.mss);
  if (o.has_ts || o.sack_permitted) {
    if (!(o.has_ts && o.sack_permitted)) w.nop(2);
    if (o.sack_permitted) w.add(tcp_option::sack_permitted, Bytes{});
    if (o.has_ts) add_timestamps(w, o);
  }
  if (o.wscale) {
    w.nop();
    add_wscale(w, *o.wscale);
  }
  if (!o.sack.empty()) add_sack(w, o.sack, 2);
  add_rest(w, o);
  return w.finish_with_nops();
}

// Each option at the alignment its numbers like best; EOL and zeros at the end.
usize emit_freebsd(OptionWriter w, const TcpOptionsOut& o) noexcept {
  if (o.mss) add_mss(w, *o.mss);
  if (o.wscale) {
    w.align(2, 1);
    add_wscale(w, *o.wscale);
  }
  if (o.sack_permitted) {
    w.align(2);
    w.add(tcp_option::sack_permitted, Bytes{});
  }
  if (o.has_ts) {
    w.align(4, 2);
    add_timestamps(w, o);
  }
  if (o.md5) {
    w.align(4, 2);
    w.add(tcp_option::md5, *o.md5);
  }
  if (o.ao) w.add(tcp_option::ao, *o.ao);
  if (!o.sack.empty()) add_sack(w, o.sack, (6 - w.size() % 4) % 4);
  add_rest(w, o);
  return w.finish_with_zeros();
}

}  // namespace

usize emit_options(MutBytes out, const TcpOptionsOut& o, OptionProfile profile) noexcept {
  const OptionWriter writer(out);
  return profile == OptionProfile::linux_ ? emit_linux(writer, o) : emit_freebsd(writer, o);
}

}  // namespace weir::wire
