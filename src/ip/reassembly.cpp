#include "ip/reassembly.hpp"

#include <algorithm>

#include "wire/protocol.hpp"

namespace weir::ip {

namespace {

constexpr u32 max_datagram = 65'535;
constexpr u32 spare_pieces = 64;  // for datagrams that are complete at once

// What of the transport header must be in the first fragment. ICMP errors, filters and NAT need ports and flags.
constexpr u32 transport_header(u8 protocol) noexcept {
  switch (protocol) {
    case wire::proto::tcp: return 20;
    case wire::proto::sctp: return 12;
    case wire::proto::udp:
    case wire::proto::udplite:
    case wire::proto::icmp:
    case wire::proto::icmp6: return 8;
    default: return 1;
  }
}

}  // namespace

Drop check_fragment_start(u8 protocol, u32 offset, u32 length) noexcept {
  const u32 need = transport_header(protocol);
  if (offset == 0) return length < need ? Drop::frag_tiny : Drop::none;
  return protocol == wire::proto::tcp && offset < need ? Drop::frag_tiny : Drop::none;
}

u8 combine_ecn(u8 seen, u8 first) noexcept {
  constexpr u8 not_ect = 0, ce = 3;
  const bool has_not_ect = (seen & 1u << not_ect) != 0;
  if ((seen & 1u << ce) != 0) return has_not_ect ? 0xff : ce;
  return has_not_ect ? not_ect : first;
}

Reassembly::Reassembly(const ReassemblyConfig& config, Rng& rng)
    : config_(config),
      key_{rng.next_u64(), rng.next_u64()},
      datagrams_(config.max_datagrams),
      sources_(config.max_datagrams),
      pieces_(4 * config.max_datagrams + spare_pieces) {}

// -- the step: one fragment in

ReassemblyResult Reassembly::add(const FragmentKey& key, const Fragment& f, Instant now) {
  counters_.add(ReassemblyCounter::fragments);
  const Drop bad = check(f);
  if (bad != Drop::none && bad != Drop::frag_too_long) return {.what = ReassemblyResult::What::dropped, .why = bad};
  if (bad == Drop::none && f.offset == 0 && !f.more) return whole(f);

  const u32 hash = static_cast<u32>(siphash13(key_, bytes_of(key)));
  u32 id = find(key, hash);
  ReassemblyResult r;
  if (bad != Drop::none) {  // it would not fit into any datagram: what there is of it goes too
    if (id != 0) return reject(id, bad, false, r);
    return {.what = ReassemblyResult::What::dropped, .why = bad};
  }
  if (id == 0) id = create(key, hash, now, r);
  if (id == 0) {
    r.what = ReassemblyResult::What::dropped;
    r.why = Drop::frag_limit;
    return r;
  }
  return add_to(id, f, r);
}

Drop Reassembly::check(const Fragment& f) noexcept {
  if (f.length == 0 || f.offset % 8 != 0 || (f.more && f.length % 8 != 0)) return Drop::frag_bad;
  if (f.offset + f.length + f.header_length > max_datagram) return Drop::frag_too_long;
  return check_fragment_start(f.protocol, f.offset, f.length);
}

// RFC 6946 4: a fragment that is the whole datagram has nothing to do with others of the same id.
ReassemblyResult Reassembly::whole(const Fragment& f) {
  const u32 piece = pieces_.alloc(f.packet, 0u, u16{0}, static_cast<u16>(f.length));
  if (piece == 0) return {.what = ReassemblyResult::What::dropped, .why = Drop::frag_limit};
  counters_.add(ReassemblyCounter::completed);
  return {.what = ReassemblyResult::What::complete, .ecn = f.ecn, .length = f.length, .chain = {piece}};
}

// Where the datagram ends, all fragments must say the same.
bool Reassembly::agrees(const Datagram& d, const Fragment& f, u32 last_end) noexcept {
  const u32 end = f.offset + f.length;
  if (f.more) return d.total == 0 || end < d.total;
  return d.total != 0 ? end == d.total : end >= last_end;
}

ReassemblyResult Reassembly::add_to(u32 id, const Fragment& f, ReassemblyResult r) {
  Datagram& d = datagrams_[id];
  if (d.dead != Drop::none) {
    r.what = ReassemblyResult::What::dropped;
    r.why = d.dead;
    return r;
  }
  u32 after = 0;
  Fit fit = place(d, f, after);
  if (!agrees(d, f, d.last == 0 ? 0 : pieces_[d.last].end)) fit = Fit::overlap;
  if (fit == Fit::duplicate && !f.more && d.total == 0) fit = Fit::overlap;  // it was not the last one before
  if (fit == Fit::duplicate) {
    counters_.add(ReassemblyCounter::duplicates);
    r.what = ReassemblyResult::What::dropped;
    r.why = Drop::frag_overlap;
    return r;
  }
  if (fit == Fit::overlap) {
    counters_.add(ReassemblyCounter::overlaps);
    return reject(id, Drop::frag_overlap, true, r);
  }
  const u32 total = f.more ? d.total : f.offset + f.length;
  const bool completes = d.received + f.length == total;
  if (const Drop bad = completes ? check_whole(d, f, total) : Drop::none; bad != Drop::none) return reject(id, bad, false, r);
  if (d.pieces >= config_.max_fragments_each) return reject(id, Drop::frag_limit, true, r);
  if (!completes && !make_room(id, f.charge, r)) return reject(id, Drop::frag_limit, false, r);
  const u32 piece = pieces_.alloc(f.packet, 0u, static_cast<u16>(f.offset), static_cast<u16>(f.offset + f.length));
  if (piece == 0) return reject(id, Drop::frag_limit, false, r);

  link_piece(d, piece, after);
  d.total = total;
  d.received += f.length;
  d.charge += f.charge;
  sources_[d.source].bytes += f.charge;
  bytes_ += f.charge;
  d.ecn_seen = static_cast<u8>(d.ecn_seen | 1u << f.ecn);
  if (f.offset == 0) {
    d.ecn_first = f.ecn;
    d.header_length = f.header_length;
  }
  return completes ? finish(id, r) : r;
}

// The first piece that ends behind the start of f decides. In order, and in reverse order, it is found at once.
Reassembly::Fit Reassembly::place(Datagram& d, const Fragment& f, u32& after) const noexcept {
  const u32 end = f.offset + f.length;
  if (d.last != 0 && pieces_[d.last].end <= f.offset) {
    after = d.last;
    return Fit::ok;
  }
  u32 next = d.first;
  after = 0;
  while (next != 0 && pieces_[next].end <= f.offset) {
    after = next;
    next = pieces_[next].next;
  }
  if (next == 0 || pieces_[next].start >= end) return Fit::ok;
  return pieces_[next].start == f.offset && pieces_[next].end == end ? Fit::duplicate : Fit::overlap;
}

void Reassembly::link_piece(Datagram& d, u32 piece, u32 after) noexcept {
  u32& at = after == 0 ? d.first : pieces_[after].next;
  pieces_[piece].next = at;
  at = piece;
  if (after == d.last) d.last = piece;
  ++d.pieces;
}

// May the datagram be put together, with f as what was missing?
Drop Reassembly::check_whole(const Datagram& d, const Fragment& f, u32 total) noexcept {
  const u32 header = f.offset == 0 ? f.header_length : d.header_length;
  if (header + total > max_datagram) return Drop::frag_too_long;
  const u8 seen = static_cast<u8>(d.ecn_seen | 1u << f.ecn);
  if (combine_ecn(seen, f.ecn) != 0xff) return Drop::none;
  counters_.add(ReassemblyCounter::bad_ecn);
  return Drop::frag_bad;
}

ReassemblyResult Reassembly::finish(u32 id, ReassemblyResult r) {
  const Datagram& d = datagrams_[id];
  WEIR_DASSERT(r.chain.empty());  // a datagram that is made by this fragment is not complete with it
  r = {.what = ReassemblyResult::What::complete, .ecn = combine_ecn(d.ecn_seen, d.ecn_first), .length = d.total};
  take_pieces(id, r.chain);
  forget(id);
  //= rfc1122#3.3.2 I103, I104, I105
  counters_.add(ReassemblyCounter::completed);
  return r;
}

// The fragment at hand goes, and what is held of its datagram. `remember`: later ones go too, until the timeout.
ReassemblyResult Reassembly::reject(u32 id, Drop why, bool remember, ReassemblyResult r) {
  r.what = ReassemblyResult::What::dropped;
  r.why = why;
  r.chain_why = why;
  take_pieces(id, r.chain);
  if (remember) datagrams_[id].dead = why;
  else forget(id);
  return r;
}

// -- the table

u32 Reassembly::find(const FragmentKey& key, u32 hash) const noexcept {
  const auto links = [this](u32 i) -> const link::HashLinks& { return datagrams_[i].hash; };
  return index_.find(links, hash, [&](u32 i) { return datagrams_[i].key == key; });
}

u32 Reassembly::create(const FragmentKey& key, u32 hash, Instant now, ReassemblyResult& r) {
  if (datagrams_.full() && !order_.empty()) evict(order_.head(), ReassemblyCounter::evicted, r);
  const u32 source = source_of(key);
  if (source == 0) return 0;
  const u32 id = datagrams_.alloc();
  if (id == 0) return 0;
  Datagram& d = datagrams_[id];
  d.key = key;
  d.source = source;
  //= rfc1122#3.3.2 I108
  d.deadline = now + config_.timeout;
  order_.push_back(order_links(), id);
  sources_[source].datagrams.push_back(source_links(), id);
  index_.insert([this](u32 i) -> link::HashLinks& { return datagrams_[i].hash; }, id, hash);
  return id;
}

u32 Reassembly::source_of(const FragmentKey& key) {
  SipState<1, 3> s{key_};
  s.word(load_raw<u64>(key.src.v6().b.data()));
  s.word(load_raw<u64>(key.src.v6().b.data() + 8));
  const u32 hash = static_cast<u32>(s.finish(key.netns));
  const auto links = [this](u32 i) -> link::HashLinks& { return sources_[i].hash; };
  u32 id = source_index_.find(links, hash, [&](u32 i) { return sources_[i].addr == key.src && sources_[i].netns == key.netns; });
  if (id != 0) return id;
  id = sources_.alloc();
  if (id == 0) return 0;
  sources_[id].addr = key.src;
  sources_[id].netns = key.netns;
  source_index_.insert(links, id, hash);
  return id;
}

// Room for `charge` more bytes of datagram `keep`. Who takes more than his part loses his own oldest; when all is used up,
// the oldest of all goes, which is the one least likely to be completed.
bool Reassembly::make_room(u32 keep, u32 charge, ReassemblyResult& r) {
  const u32 source = datagrams_[keep].source;
  while (sources_[source].bytes + charge > config_.max_bytes_per_source) {
    const u32 oldest = sources_[source].datagrams.head();
    if (oldest == keep) return false;
    evict(oldest, ReassemblyCounter::evicted_source, r);
  }
  while (bytes_ + charge > config_.max_bytes || pieces_.live() >= pieces_.capacity() - spare_pieces) {
    const u32 oldest = order_.head();
    if (oldest == keep) return false;
    evict(oldest, ReassemblyCounter::evicted, r);
  }
  return true;
}

void Reassembly::evict(u32 id, ReassemblyCounter why, ReassemblyResult& r) noexcept {
  counters_.add(why);
  take_pieces(id, r.chain);
  r.chain_why = Drop::frag_limit;
  forget(id);
}

void Reassembly::take_pieces(u32 id, FragmentChain& onto) noexcept {
  Datagram& d = datagrams_[id];
  if (d.last != 0) {
    pieces_[d.last].next = onto.head;
    onto.head = d.first;
  }
  bytes_ -= d.charge;
  sources_[d.source].bytes -= d.charge;
  d.first = d.last = 0;
  d.charge = 0;
  d.pieces = 0;
}

void Reassembly::forget(u32 id) noexcept {
  Datagram& d = datagrams_[id];
  WEIR_DASSERT(d.first == 0);
  Source& source = sources_[d.source];
  source.datagrams.remove(source_links(), id);
  if (source.datagrams.empty()) {
    source_index_.remove([this](u32 i) -> link::HashLinks& { return sources_[i].hash; }, d.source);
    sources_.release(d.source);
  }
  order_.remove(order_links(), id);
  index_.remove([this](u32 i) -> link::HashLinks& { return datagrams_[i].hash; }, id);
  datagrams_.release(id);
}

// -- time

Instant Reassembly::next_deadline() const noexcept { return order_.empty() ? Instant::never() : datagrams_[order_.head()].deadline; }

bool Reassembly::expire_one(Instant now, Expired& e) {
  const u32 id = order_.head();
  if (id == 0 || now < datagrams_[id].deadline) return false;
  const Datagram& d = datagrams_[id];
  e.key = d.key;
  //= rfc1122#3.3.2 I107
  if (d.first != 0 && pieces_[d.first].start == 0) e.first = pieces_[d.first].packet;
  if (d.dead == Drop::none) counters_.add(ReassemblyCounter::timed_out);
  take_pieces(id, e.chain);
  forget(id);
  return true;
}

bool Reassembly::remove_one_of(NetnsId netns, FragmentChain& chain) {
  for (u32 id = order_.head(); id != 0; id = datagrams_[id].order.next) {
    if (datagrams_[id].key.netns != netns) continue;
    take_pieces(id, chain);
    forget(id);
    return true;
  }
  return false;
}

}  // namespace weir::ip
