// Reassembly of IPv4 (RFC 791 3.2, RFC 815, RFC 1122 3.3.2) and IPv6 (RFC 8200 4.5) datagrams. It holds packets and says
// when they make a datagram; where the bytes lie it does not know. Overlaps discard the datagram (RFC 5722), for both.
#pragma once

#include "base/counters.hpp"
#include "base/drop.hpp"
#include "base/index_list.hpp"
#include "base/rng.hpp"
#include "base/siphash.hpp"
#include "base/slab.hpp"
#include "base/time.hpp"
#include "buf/packet.hpp"
#include "link/hash_index.hpp"
#include "wire/address.hpp"

namespace weir::ip {

struct FragmentKey {
  IpAddr src{}, dst{};
  u32 id = 0;            // 16 bits of IPv4, 32 of IPv6
  NetnsId netns = 0;
  IfIndex interface = 0; // of link-local addresses, else 0
  u8 protocol = 0;       // IPv4; 0 for IPv6, whose id is enough (RFC 8200 4.5)
  u8 pad[3] = {};
  friend bool operator==(const FragmentKey&, const FragmentKey&) noexcept = default;
};
static_assert(sizeof(FragmentKey) == 44, "hashed as bytes: no padding");

struct Fragment {
  u32 offset = 0;        // bytes, a multiple of 8
  u32 length = 0;        // of what it carries of the datagram, IP and fragment headers not counted
  bool more = false;
  u16 header_length = 0; // IPv4 header, or the IPv6 extension headers before the fragment header: part of the 65,535
  u8 protocol = 0;       // transport; of IPv6 it is known for the first fragment only
  u8 ecn = 0;            // the two ECN bits
  u32 charge = 0;        // true size: all memory that the packet holds
  buf::PacketId packet = buf::PacketId::none;
};

struct ReassemblyConfig {
  u32 max_bytes = 4u << 20;           // true size, all together
  u32 max_bytes_per_source = 1u << 20;
  u32 max_datagrams = 4096;
  u32 max_fragments_each = 128;       // 65,535 bytes at an MTU of 576 take 119
  Duration timeout = Duration::seconds(60);  // RFC 8200 4.5; RFC 1122 3.3.2: 60 to 120 s
};

#define WEIR_REASSEMBLY_COUNTERS(X)                                             \
  X(fragments, "ipSystemStatsReasmReqds", "fragments received")                 \
  X(completed, "ipSystemStatsReasmOKs", "datagrams reassembled")                \
  X(timed_out, "", "datagrams given up after the timeout")                      \
  X(overlaps, "", "datagrams discarded because fragments overlap")              \
  X(evicted, "", "datagrams given up for newer ones: all memory used")          \
  X(evicted_source, "", "datagrams given up for newer ones of the same source") \
  X(duplicates, "", "fragments that were there already")                        \
  X(bad_ecn, "", "datagrams discarded because their ECN bits contradict each other")

WEIR_DEFINE_COUNTERS(ReassemblyCounter, reassembly_counter_info, WEIR_REASSEMBLY_COUNTERS);

// Packets that leave the reassembly, in the order of their bytes; emptied by Reassembly::take.
struct FragmentChain {
  u32 head = 0;
  [[nodiscard]] bool empty() const noexcept { return head == 0; }
};

struct ReassemblyResult {
  enum class What : u8 {
    held,      // the reassembly owns the packet now
    complete,  // `chain`: all fragments, each carrying the whole of its range
    dropped,   // `packet` is to be dropped for `why`
  };
  What what = What::held;
  Drop why = Drop::none;
  u8 ecn = 0;               // complete: of the datagram, RFC 3168 5.3
  u32 length = 0;           // complete: of the payload
  FragmentChain chain{};    // complete: the datagram; otherwise what was thrown out with or for this fragment
  Drop chain_why = Drop::none;  // not complete: why the packets of `chain` are to be dropped
};

// RFC 1858, RFC 3128, RFC 7112: the first fragment carries the transport header, no other one reaches into it.
// Drop::none, or frag_tiny.
[[nodiscard]] Drop check_fragment_start(u8 protocol, u32 offset, u32 length) noexcept;
// RFC 3168 5.3 over the set of codepoints seen (bit i: codepoint i). 0xff: not to be put together.
[[nodiscard]] u8 combine_ecn(u8 seen, u8 first) noexcept;

//   ReassemblyResult r = reassembly.add(key, fragment, now);
//   if (r.what == complete) reassembly.take(r.chain, [&](PacketId p, u32 offset, u32 length) { ... });
//   else reassembly.take(r.chain, [&](PacketId p, u32, u32) { drop(p, r.chain_why); });
//   if (r.what == dropped) drop(fragment.packet, r.why);
class Reassembly {
 public:
  Reassembly(const ReassemblyConfig& config, Rng& rng);
  Reassembly(const Reassembly&) = delete;
  Reassembly& operator=(const Reassembly&) = delete;

  [[nodiscard]] ReassemblyResult add(const FragmentKey& key, const Fragment& f, Instant now);

  // f(PacketId, u32 offset, u32 length) in the order of the bytes; the packets are the caller's.
  template <class F>
  void take(FragmentChain& chain, F&& f) {
    while (chain.head != 0) {
      const Piece p = pieces_[chain.head];
      pieces_.release(chain.head);
      chain.head = p.next;
      f(p.packet, u32{p.start}, u32{p.end} - p.start);
    }
  }

  struct Expired {
    FragmentKey key;
    // The fragment with offset 0, which is in the chain too: ICMP time exceeded is sent only if there is one.
    buf::PacketId first = buf::PacketId::none;
    FragmentChain chain{};  // to be dropped: Drop::frag_timeout
  };
  // Calls on_timeout(Expired&) for at most `budget` datagrams that are too old; it takes the chain.
  template <class F>
  u32 expire(Instant now, u32 budget, F&& on_timeout) {
    u32 n = 0;
    for (; n < budget; ++n) {
      Expired e;
      if (!expire_one(now, e)) break;
      if (!e.chain.empty()) on_timeout(e);
    }
    return n;
  }
  [[nodiscard]] Instant next_deadline() const noexcept;
  // f(PacketId) for all that is held of a namespace that goes away.
  template <class F>
  void remove_netns(NetnsId netns, F&& f) {
    FragmentChain chain;
    while (remove_one_of(netns, chain)) take(chain, [&](buf::PacketId p, u32, u32) { f(p); });
  }

  [[nodiscard]] u32 bytes() const noexcept { return bytes_; }       // true size held
  [[nodiscard]] u32 datagrams() const noexcept { return datagrams_.live(); }
  [[nodiscard]] u32 fragments() const noexcept { return pieces_.live(); }
  [[nodiscard]] const Counters<ReassemblyCounter>& counters() const noexcept { return counters_; }

 private:
  struct Piece {  // [start, end) of the datagram; in order by `next`
    buf::PacketId packet;
    u32 next;
    u16 start, end;
  };
  struct Source {
    IpAddr addr;
    NetnsId netns = 0;
    u32 bytes = 0;
    IndexList datagrams;  // oldest first
    link::HashLinks hash;
  };
  struct Datagram {
    FragmentKey key;
    u32 source = 0;
    u32 first = 0, last = 0;  // pieces
    u32 received = 0;         // bytes of payload
    u32 total = 0;            // of the payload; 0: the last fragment is not here yet
    u32 charge = 0;
    u16 pieces = 0;
    u16 header_length = 0;    // of the first fragment
    u8 ecn_seen = 0, ecn_first = 0;
    Drop dead = Drop::none;   // discarded: its fragments are dropped for this until the timeout
    Instant deadline;
    IndexLinks order, of_source;
    link::HashLinks hash;
  };

  [[nodiscard]] auto order_links() noexcept {
    return [this](u32 i) -> IndexLinks& { return datagrams_[i].order; };
  }
  [[nodiscard]] auto source_links() noexcept {
    return [this](u32 i) -> IndexLinks& { return datagrams_[i].of_source; };
  }
  enum class Fit : u8 { ok, duplicate, overlap };
  [[nodiscard]] static Drop check(const Fragment& f) noexcept;
  [[nodiscard]] u32 find(const FragmentKey& key, u32 hash) const noexcept;
  [[nodiscard]] u32 create(const FragmentKey& key, u32 hash, Instant now, ReassemblyResult& r);
  [[nodiscard]] u32 source_of(const FragmentKey& key);
  [[nodiscard]] bool make_room(u32 keep, u32 charge, ReassemblyResult& r);
  void evict(u32 id, ReassemblyCounter why, ReassemblyResult& r) noexcept;
  [[nodiscard]] static bool agrees(const Datagram& d, const Fragment& f, u32 last_end) noexcept;
  [[nodiscard]] ReassemblyResult whole(const Fragment& f);
  [[nodiscard]] ReassemblyResult add_to(u32 id, const Fragment& f, ReassemblyResult r);
  [[nodiscard]] Fit place(Datagram& d, const Fragment& f, u32& after) const noexcept;
  void link_piece(Datagram& d, u32 piece, u32 after) noexcept;
  [[nodiscard]] ReassemblyResult reject(u32 id, Drop why, bool remember, ReassemblyResult r);
  [[nodiscard]] Drop check_whole(const Datagram& d, const Fragment& f, u32 total) noexcept;
  [[nodiscard]] ReassemblyResult finish(u32 id, ReassemblyResult r);
  void take_pieces(u32 id, FragmentChain& onto) noexcept;  // to its front
  void forget(u32 id) noexcept;
  [[nodiscard]] bool expire_one(Instant now, Expired& e);
  [[nodiscard]] bool remove_one_of(NetnsId netns, FragmentChain& chain);

  ReassemblyConfig config_;
  SipKey key_;
  Slab<Datagram> datagrams_;
  Slab<Source, 16 * 1024> sources_;
  Slab<Piece> pieces_;
  link::HashIndex index_, source_index_;
  IndexList order_;  // oldest first: the timeout is the same for all
  u32 bytes_ = 0;
  Counters<ReassemblyCounter> counters_;
};

}  // namespace weir::ip
