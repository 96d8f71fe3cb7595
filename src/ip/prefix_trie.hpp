// A path-compressed binary trie of prefixes (D. Morrison, "PATRICIA", 1968), for both families: the routing information
// base. Exact and longest match, the covering prefix, and iteration in the order of addresses.
#pragma once

#include <array>
#include <bit>

#include "base/slab.hpp"
#include "wire/address.hpp"

namespace weir::ip {

struct Key4 {
  static constexpr unsigned bits = 32;
  u32 v = 0;

  static Key4 of(const IpAddr& a) noexcept { return {a.v4().host}; }
  [[nodiscard]] constexpr bool bit(unsigned i) const noexcept { return (v >> (31 - i) & 1) != 0; }
  [[nodiscard]] constexpr Key4 last(unsigned len) const noexcept { return {len == 32 ? v : v | 0xffff'ffffu >> len}; }
  [[nodiscard]] constexpr Key4 next() const noexcept { return {v + 1}; }  // max wraps to 0
  [[nodiscard]] constexpr unsigned common(Key4 o) const noexcept { return static_cast<unsigned>(std::countl_zero(v ^ o.v)); }
  friend constexpr auto operator<=>(Key4, Key4) noexcept = default;
};

struct Key6 {
  static constexpr unsigned bits = 128;
  u64 hi = 0, lo = 0;

  static Key6 of(const IpAddr& a) noexcept { return {load_be64(a.v6().b.data()), load_be64(a.v6().b.data() + 8)}; }
  [[nodiscard]] constexpr bool bit(unsigned i) const noexcept { return ((i < 64 ? hi >> (63 - i) : lo >> (127 - i)) & 1) != 0; }
  [[nodiscard]] constexpr Key6 last(unsigned len) const noexcept {
    if (len >= 64) return {hi, len == 128 ? lo : lo | ~u64{0} >> (len - 64)};
    return {hi | ~u64{0} >> len, ~u64{0}};
  }
  [[nodiscard]] constexpr Key6 next() const noexcept { return {hi + (lo == ~u64{0} ? 1u : 0u), lo + 1}; }
  [[nodiscard]] constexpr unsigned common(Key6 o) const noexcept {
    return static_cast<unsigned>(hi != o.hi ? std::countl_zero(hi ^ o.hi) : 64 + std::countl_zero(lo ^ o.lo));
  }
  friend constexpr auto operator<=>(const Key6&, const Key6&) noexcept = default;
};

// Prefix -> a value that is not 0. Keys have their host bits cleared.
//
//   trie.insert(key, 24) = route;  u32* r = trie.find(key, 24);  trie.erase(key, 24);
//   auto m = trie.longest(addr);                       // {value, length}; value 0: nothing
template <class Key>
class PrefixTrie {
 public:
  explicit PrefixTrie(u32 max_prefixes) noexcept : nodes_(2 * max_prefixes) {}

  struct Match {
    u32 value = 0;
    u8 length = 0;
  };

  [[nodiscard]] u32* find(Key key, u8 len) noexcept {
    const u32 n = locate(key, len);
    return n != 0 && nodes_[n].len == len && nodes_[n].value != 0 ? &nodes_[n].value : nullptr;
  }
  [[nodiscard]] const u32* find(Key key, u8 len) const noexcept {
    const u32 n = locate(key, len);
    return n != 0 && nodes_[n].len == len && nodes_[n].value != 0 ? &nodes_[n].value : nullptr;
  }

  // The value of the prefix, which the caller makes non-zero at once. nullptr: no memory.
  [[nodiscard]] u32* insert(Key key, u8 len) {
    u32* at = &root_;
    while (*at != 0) {
      Node& node = nodes_[*at];
      const unsigned same = std::min({node.key.common(key), unsigned{node.len}, unsigned{len}});
      if (same < node.len) return split(at, key, len, static_cast<u8>(same));
      if (node.len == len) return &node.value;
      at = &node.child[key.bit(node.len)];
    }
    *at = nodes_.alloc(Node{key, 0, {0, 0}, len});
    return *at == 0 ? nullptr : &nodes_[*at].value;
  }

  void erase(Key key, u8 len) noexcept {
    u32* above = nullptr;  // the link to the node that holds the link `at`
    u32* at = &root_;
    while (*at != 0) {
      Node& node = nodes_[*at];
      if (node.len > len || node.key.common(key) < node.len) return;
      if (node.len == len) break;
      above = at;
      at = &node.child[key.bit(node.len)];
    }
    if (*at == 0) return;
    nodes_[*at].value = 0;
    shorten(at);
    if (above != nullptr) shorten(above);
  }

  // The longest prefix of at most max_len bits that contains the key.
  [[nodiscard]] Match longest(Key key, unsigned max_len = Key::bits) const noexcept {
    Match best;
    for (u32 n = root_; n != 0;) {
      const Node& node = nodes_[n];
      if (node.len > max_len || node.key.common(key) < node.len) break;
      if (node.value != 0) best = {node.value, node.len};
      if (node.len == Key::bits) break;
      n = node.child[key.bit(node.len)];
    }
    return best;
  }
  // The longest prefix that contains this one and is shorter.
  [[nodiscard]] Match cover(Key key, u8 len) const noexcept { return len == 0 ? Match{} : longest(key, len - 1u); }

  // f(const Key&, u8 length, u32 value) for the prefixes within this one, itself included, by address and then length.
  template <class F>
  void for_each_within(Key key, u8 len, F&& f) const {
    const u32 top = locate(key, len);
    if (top == 0 || nodes_[top].key.common(key) < len) return;
    std::array<u32, Key::bits + 1> waiting;  // right-hand branches, one per level at most
    u32 n = 0;
    waiting[n++] = top;
    while (n != 0) {
      const Node& node = nodes_[waiting[--n]];
      if (node.child[1] != 0) waiting[n++] = node.child[1];
      if (node.child[0] != 0) waiting[n++] = node.child[0];
      if (node.value != 0) f(node.key, node.len, node.value);
    }
  }
  template <class F>
  void for_each(F&& f) const {
    for_each_within(Key{}, 0, f);
  }

  [[nodiscard]] usize memory_bytes() const noexcept { return nodes_.memory_bytes(); }

 private:
  struct Node {
    Key key;
    u32 value = 0;  // 0: only a fork
    u32 child[2] = {0, 0};
    u8 len = 0;
  };

  // The first node on the way to the prefix that is as long or longer; 0: none.
  [[nodiscard]] u32 locate(Key key, u8 len) const noexcept {
    u32 n = root_;
    while (n != 0 && nodes_[n].len < len) {
      const Node& node = nodes_[n];
      if (node.key.common(key) < node.len) return 0;
      n = node.child[key.bit(node.len)];
    }
    return n != 0 && nodes_[n].key.common(key) >= len ? n : 0;
  }

  // The node at `at` goes below a new one of `same` bits: the prefix itself, or a fork between the two.
  [[nodiscard]] u32* split(u32* at, Key key, u8 len, u8 same) {
    const u32 old = *at;
    const u32 fresh = nodes_.alloc(Node{key, 0, {0, 0}, len});
    if (fresh == 0) return nullptr;
    u32 top = fresh;
    if (same < len) {
      top = nodes_.alloc(Node{cut(key, same), 0, {0, 0}, same});
      if (top == 0) {
        nodes_.release(fresh);
        return nullptr;
      }
      nodes_[top].child[key.bit(same)] = fresh;
    }
    nodes_[top].child[nodes_[old].key.bit(same)] = old;
    *at = top;
    return &nodes_[fresh].value;
  }

  [[nodiscard]] static constexpr Key4 cut(Key4 k, unsigned len) noexcept { return {len == 0 ? 0 : k.v & ~u32{0} << (32 - len)}; }
  [[nodiscard]] static constexpr Key6 cut(Key6 k, unsigned len) noexcept {
    if (len == 0) return {};
    if (len <= 64) return {k.hi & ~u64{0} << (64 - len), 0};
    return {k.hi, k.lo & ~u64{0} << (128 - len)};
  }

  // A node without a value and with fewer than two children is not needed.
  void shorten(u32* at) noexcept {
    const u32 n = *at;
    const Node& node = nodes_[n];
    if (node.value != 0 || (node.child[0] != 0 && node.child[1] != 0)) return;
    *at = node.child[0] != 0 ? node.child[0] : node.child[1];
    nodes_.release(n);
  }

  Slab<Node, 4096> nodes_;
  u32 root_ = 0;
};

}  // namespace weir::ip
