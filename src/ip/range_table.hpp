// Longest prefix match for few routes: all addresses as sorted ranges, each with its value, searched without a branch.
// n prefixes make at most 2n + 1 ranges.
#pragma once

#include <span>
#include <vector>

#include "ip/prefix_trie.hpp"

namespace weir::ip {

// Built from a trie, and kept up with it a prefix at a time: the ranges within the prefix that changed are made anew.
//
//   table.update(trie, key, len, [&](u32 trie_value) { return hop_of(trie_value); });
//   u32 hop = table.lookup(addr);      // 0: nothing
template <class Key>
class RangeTable {
 public:
  [[nodiscard]] u32 lookup(Key key) const noexcept {
    usize n = starts_.size();
    if (n == 0) return 0;
    const Key* const first = starts_.data();
    const Key* at = first;
    while (n > 1) {
      const usize half = n / 2;
      at = at[half] <= key ? at + half : at;
      n -= half;
    }
    return values_[static_cast<usize>(at - first)];
  }

  // `value_of` turns a value of the trie into one of this table.
  template <class F>
  void update(const PrefixTrie<Key>& trie, Key key, u8 len, F&& value_of) {
    const Key last = key.last(len);
    const typename PrefixTrie<Key>::Match around = trie.cover(key, len);
    fresh_.clear();
    open_.clear();
    open_.push_back({last, around.value != 0 ? value_of(around.value) : 0});
    emit(key, open_.back().value);
    trie.for_each_within(key, len, [&](const Key& k, u8 l, u32 v) {
      close_before(k);
      open_.push_back({k.last(l), value_of(v)});
      emit(k, open_.back().value);
    });
    while (open_.size() > 1) close_one(last);
    splice(key, last);
  }

  void clear() noexcept {
    starts_ = {};
    values_ = {};
    fresh_ = {};
    open_ = {};
  }
  [[nodiscard]] usize size() const noexcept { return starts_.size(); }
  [[nodiscard]] usize memory_bytes() const noexcept {
    return starts_.capacity() * sizeof(Key) + values_.capacity() * sizeof(u32) + fresh_.capacity() * sizeof(Range) +
           open_.capacity() * sizeof(Open);
  }

 private:
  struct Range {
    Key start;
    u32 value;
  };
  struct Open {  // a prefix that the sweep is inside of
    Key last;
    u32 value;
  };

  void emit(Key start, u32 value) {
    if (!fresh_.empty() && fresh_.back().start == start) fresh_.pop_back();
    if (fresh_.empty() || fresh_.back().value != value) fresh_.push_back({start, value});
  }
  // Past the end of the innermost prefix the one around it holds again.
  void close_one(Key end) {
    const Key last = open_.back().last;
    open_.pop_back();
    if (last != end) emit(last.next(), open_.back().value);
  }
  void close_before(Key start) {
    while (open_.size() > 1 && open_.back().last < start) close_one(open_.front().last);
  }

  // fresh_ takes the place of what covers [first, last].
  void splice(Key first, Key last) {
    if (starts_.empty()) {
      starts_.push_back(Key{});
      values_.push_back(0);
    }
    const auto index_of = [&](Key k) {
      return static_cast<usize>(std::upper_bound(starts_.begin(), starts_.end(), k) - starts_.begin()) - 1;
    };
    usize from = index_of(first);
    usize to = index_of(last) + 1;  // one past the last range touched
    const u32 after = values_[to - 1];
    const bool to_the_end = last == Key{}.last(0);
    if (!to_the_end && (to == starts_.size() || starts_[to] != last.next())) fresh_.push_back({last.next(), after});
    if (starts_[from] < first) ++from;
    if (to < starts_.size() && values_[to] == fresh_.back().value) ++to;             // joined with the one behind
    const bool join = from != 0 && values_[from - 1] == fresh_.front().value;       // and with the one in front
    const std::span<const Range> in = std::span<const Range>(fresh_).subspan(join ? 1 : 0);
    resize_gap(from, to, in.size());
    for (usize i = 0; i < in.size(); ++i) {
      starts_[from + i] = in[i].start;
      values_[from + i] = in[i].value;
    }
  }

  void resize_gap(usize from, usize to, usize n) {
    const auto at = [](auto& v, usize i) { return v.begin() + static_cast<std::ptrdiff_t>(i); };
    if (n < to - from) {
      starts_.erase(at(starts_, from + n), at(starts_, to));
      values_.erase(at(values_, from + n), at(values_, to));
    } else {
      starts_.insert(at(starts_, to), n - (to - from), Key{});
      values_.insert(at(values_, to), n - (to - from), 0u);
    }
  }

  std::vector<Key> starts_;  // the first is 0
  std::vector<u32> values_;
  std::vector<Range> fresh_;  // of the update at hand
  std::vector<Open> open_;
};

}  // namespace weir::ip
