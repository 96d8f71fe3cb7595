#include "ip/fib.hpp"

#include <algorithm>

#include "base/siphash.hpp"

namespace weir::ip {

namespace {

// Routes come from the operator: the hash need not be secret.
u32 hash_of_hop(const Route& r) noexcept {
  SipState<1, 3> s{SipKey{}};
  s.word(load_raw<u64>(r.gateway.v6().b.data()));
  s.word(load_raw<u64>(r.gateway.v6().b.data() + 8));
  s.word(load_raw<u64>(r.pref_src.v6().b.data()));
  s.word(load_raw<u64>(r.pref_src.v6().b.data() + 8));
  return static_cast<u32>(s.finish(u64{r.ifindex} | u64{r.mtu} << 16 | u64{static_cast<u8>(r.type)} << 32));
}

bool same_hop(const NextHop& h, const Route& r) noexcept {
  return h.gateway == r.gateway && h.pref_src == r.pref_src && h.ifindex == r.ifindex && h.mtu == r.mtu && h.type == r.type;
}

bool valid(const Route& r) noexcept {
  const Family f = r.dst.address.family();
  if (r.dst.length > r.dst.address.bits() || r.dst.masked() != r.dst) return false;
  const auto fits = [f](const IpAddr& a) { return a.is_any() || a.family() == f; };
  return fits(r.gateway) && fits(r.pref_src);
}

}  // namespace

Fib::Fib(const FibConfig& config) noexcept
    : config_(config),
      routes_(config.max_routes),
      hops_(std::min(config.max_routes, Dir24::max_value)),
      trie4_(config.max_routes),
      trie6_(config.max_routes) {}

Fib::~Fib() = default;

Result<void> Fib::add(const Route& route) { return insert(route, false); }
Result<void> Fib::replace(const Route& route) { return insert(route, true); }

u32* Fib::head_of(const Prefix& dst) noexcept {
  return dst.address.is_v4() ? trie4_.find(Key4::of(dst.address), dst.length) : trie6_.find(Key6::of(dst.address), dst.length);
}

Result<void> Fib::insert(const Route& route, bool may_replace) {
  if (!valid(route)) return std::unexpected(Errc::invalid);
  const bool v4 = route.dst.address.is_v4();
  u32* head = head_of(route.dst);
  u32* at = head;
  while (at != nullptr && *at != 0 && routes_[*at].route.metric < route.metric) at = &routes_[*at].next;
  const bool same = at != nullptr && *at != 0 && routes_[*at].route.metric == route.metric;
  if (same && !may_replace) return std::unexpected(Errc::exists);

  const u32 hop = take_hop(route);
  if (hop == 0) return std::unexpected(Errc::no_memory);
  u32 old_hop = 0;
  if (same) {
    old_hop = routes_[*at].hop;
    routes_[*at].route = route;
    routes_[*at].hop = hop;
  } else {
    const u32 fresh = routes_.alloc(route, hop, 0u);
    if (fresh != 0 && head == nullptr) {
      head = at =
          v4 ? trie4_.insert(Key4::of(route.dst.address), route.dst.length) : trie6_.insert(Key6::of(route.dst.address), route.dst.length);
      if (head == nullptr) routes_.release(fresh);
      else ++(v4 ? prefixes4_ : prefixes6_);
    }
    if (head == nullptr || fresh == 0) {
      drop_hop(hop);
      return std::unexpected(Errc::no_memory);
    }
    routes_[fresh].next = *at;
    *at = fresh;
    ++(v4 ? count4_ : count6_);
  }
  if (at == head) changed(route.dst, hop, false);
  if (old_hop != 0) drop_hop(old_hop);
  ++generation_;
  return {};
}

Result<void> Fib::remove(const Prefix& dst, std::optional<u32> metric) {
  u32* const head = head_of(dst);
  u32* at = head;
  while (at != nullptr && *at != 0 && metric && routes_[*at].route.metric != *metric) at = &routes_[*at].next;
  if (at == nullptr || *at == 0) return std::unexpected(Errc::not_found);
  const bool v4 = dst.address.is_v4();
  const bool best = at == head;
  const u32 gone = *at;
  *at = routes_[gone].next;
  const u32 hop = routes_[gone].hop;
  routes_.release(gone);
  --(v4 ? count4_ : count6_);
  if (best && *head != 0) {
    changed(dst, routes_[*head].hop, false);
  } else if (best) {
    if (v4) trie4_.erase(Key4::of(dst.address), dst.length);
    else trie6_.erase(Key6::of(dst.address), dst.length);
    --(v4 ? prefixes4_ : prefixes6_);
    changed(dst, 0, true);
  }
  drop_hop(hop);
  ++generation_;
  return {};
}

u32 Fib::remove_interface(IfIndex ifindex) {
  std::vector<std::pair<Prefix, u32>> gone;
  for_each([&](const Route& r) {
    if (r.ifindex == ifindex) gone.emplace_back(r.dst, r.metric);
  });
  for (const auto& [dst, metric] : gone) static_cast<void>(remove(dst, metric));
  return static_cast<u32>(gone.size());
}

void Fib::clear() {
  std::vector<std::pair<Prefix, u32>> gone;
  for_each([&](const Route& r) { gone.emplace_back(r.dst, r.metric); });
  for (const auto& [dst, metric] : gone) static_cast<void>(remove(dst, metric));
}

// -- next hops

u32 Fib::take_hop(const Route& route) {
  const auto links = [this](u32 i) -> link::HashLinks& { return hops_[i].hash; };
  const u32 hash = hash_of_hop(route);
  u32 id = hop_index_.find(links, hash, [&](u32 i) { return same_hop(hops_[i], route); });
  if (id == 0) {
    id = hops_.alloc(NextHop{
        .gateway = route.gateway, .pref_src = route.pref_src, .ifindex = route.ifindex, .mtu = route.mtu, .type = route.type, .hash = {}});
    if (id == 0) return 0;
    hop_index_.insert(links, id, hash);
  }
  ++hops_[id].routes;
  return id;
}

void Fib::drop_hop(u32 id) noexcept {
  if (--hops_[id].routes != 0) return;
  hop_index_.remove([this](u32 i) -> link::HashLinks& { return hops_[i].hash; }, id);
  hops_.release(id);
}

// -- the structures of the data path

void Fib::changed(const Prefix& dst, u32 hop, bool gone) {
  if (dst.address.is_v4()) changed4(dst, hop, gone);
  else changed6(dst);
}

void Fib::changed4(const Prefix& dst, u32 hop, bool gone) {
  const Key4 key = Key4::of(dst.address);
  const auto hop_of = [this](u32 head) { return hop_at(head); };
  switch (mode4_) {
    case Mode::small:
      if (prefixes4_ > config_.small_routes) build_dir4();
      else small4_.update(trie4_, key, dst.length, hop_of);
      return;
    case Mode::dir:
      if (prefixes4_ >= config_.small_routes / 2) {
        if (gone) {
          const auto around = trie4_.cover(key, dst.length);
          dir4_->unset(key.v, dst.length, hop_at(around.value), around.length);
        } else if (!dir4_->set(key.v, dst.length, hop)) {
          dir4_.reset();
          mode4_ = Mode::trie;
        }
        return;
      }
      dir4_.reset();
      break;
    case Mode::trie:
      if (prefixes4_ >= config_.small_routes / 2) return;
      break;
  }
  mode4_ = Mode::small;
  small4_.update(trie4_, Key4{}, 0, hop_of);
}

void Fib::build_dir4() {
  small4_.clear();
  dir4_ = std::make_unique<Dir24>();
  bool ok = dir4_->ok();
  trie4_.for_each([&](Key4 key, u8 len, u32 head) { ok = ok && dir4_->set(key.v, len, hop_at(head)); });
  mode4_ = ok ? Mode::dir : Mode::trie;
  if (!ok) dir4_.reset();
}

void Fib::changed6(const Prefix& dst) {
  const auto hop_of = [this](u32 head) { return hop_at(head); };
  if (mode6_ == Mode::small && prefixes6_ <= config_.small_routes) {
    small6_.update(trie6_, Key6::of(dst.address), dst.length, hop_of);
  } else if (mode6_ == Mode::small) {
    small6_.clear();
    mode6_ = Mode::trie;
  } else if (prefixes6_ < config_.small_routes / 2) {
    small6_.update(trie6_, Key6{}, 0, hop_of);
    mode6_ = Mode::small;
  }
}

// -- lookups

const Route* Fib::lookup(const IpAddr& addr) const noexcept {
  const u32 head = addr.is_v4() ? trie4_.longest(Key4::of(addr)).value : trie6_.longest(Key6::of(addr)).value;
  return head == 0 ? nullptr : &routes_[head].route;
}

const Route* Fib::find(const Prefix& dst, std::optional<u32> metric) const noexcept {
  const u32* const head =
      dst.address.is_v4() ? trie4_.find(Key4::of(dst.address), dst.length) : trie6_.find(Key6::of(dst.address), dst.length);
  u32 i = head == nullptr ? 0 : *head;
  while (i != 0 && metric && routes_[i].route.metric != *metric) i = routes_[i].next;
  return i == 0 ? nullptr : &routes_[i].route;
}

void Fib::lookup4_batch(std::span<const Ip4Addr> addrs, std::span<u32> hops) const noexcept {
  WEIR_DASSERT(hops.size() >= addrs.size());
  if (mode4_ == Mode::dir) {
    dir4_->lookup(addrs, hops);
    return;
  }
  for (usize i = 0; i < addrs.size(); ++i) hops[i] = lookup4(addrs[i]);
}

void Fib::lookup6_batch(std::span<const Ip6Addr> addrs, std::span<u32> hops) const noexcept {
  WEIR_DASSERT(hops.size() >= addrs.size());
  for (usize i = 0; i < addrs.size(); ++i) hops[i] = lookup6(addrs[i]);
}

usize Fib::memory_bytes() const noexcept {
  return routes_.memory_bytes() + hops_.memory_bytes() + hop_index_.memory_bytes() + trie4_.memory_bytes() + trie6_.memory_bytes() +
         small4_.memory_bytes() + small6_.memory_bytes() + (dir4_ ? dir4_->memory_bytes() : 0);
}

}  // namespace weir::ip
