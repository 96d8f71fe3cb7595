// Intrusive lists over indices into any store (a slab, an array). Index 0 means none. The store is reached by an
// accessor that is passed to each call, so a list is two words and may live inside an object of another store.
#pragma once

#include <concepts>

#include "base/assert.hpp"
#include "base/types.hpp"

namespace weir {

struct IndexLinks {
  u32 next = 0, prev = 0;
};

template <class A>
concept LinksAccessor = requires(A a, u32 i) {
  { a(i) } -> std::same_as<IndexLinks&>;
};
template <class A>
concept NextAccessor = requires(A a, u32 i) {
  { a(i) } -> std::same_as<u32&>;
};

// Doubly linked. An element is in at most one list by the same links; taking it out zeroes them.
//
//   auto lru = [&](u32 i) -> IndexLinks& { return slab[i].lru; };
//   list.push_back(lru, i);  list.remove(lru, j);  u32 oldest = list.head();
//   list.for_each(lru, [&](u32 i) { ... });           // the element at hand may be removed
class IndexList {
 public:
  [[nodiscard]] u32 head() const noexcept { return head_; }
  [[nodiscard]] u32 tail() const noexcept { return tail_; }
  [[nodiscard]] bool empty() const noexcept { return head_ == 0; }

  template <LinksAccessor A>
  void push_back(A&& links, u32 i) noexcept {
    links(i) = {.next = 0, .prev = tail_};
    (tail_ != 0 ? links(tail_).next : head_) = i;
    tail_ = i;
  }

  template <LinksAccessor A>
  void push_front(A&& links, u32 i) noexcept {
    links(i) = {.next = head_, .prev = 0};
    (head_ != 0 ? links(head_).prev : tail_) = i;
    head_ = i;
  }

  // Puts i before `at`, which is in the list; at the end when `at` is 0.
  template <LinksAccessor A>
  void insert_before(A&& links, u32 at, u32 i) noexcept {
    if (at == 0) return push_back(links, i);
    const u32 prev = links(at).prev;
    links(i) = {.next = at, .prev = prev};
    links(at).prev = i;
    (prev != 0 ? links(prev).next : head_) = i;
  }

  template <LinksAccessor A>
  void remove(A&& links, u32 i) noexcept {
    const IndexLinks l = links(i);
    WEIR_DASSERT(l.prev != 0 || head_ == i);
    WEIR_DASSERT(l.next != 0 || tail_ == i);
    (l.prev != 0 ? links(l.prev).next : head_) = l.next;
    (l.next != 0 ? links(l.next).prev : tail_) = l.prev;
    links(i) = {};
  }

  template <LinksAccessor A>
  [[nodiscard]] u32 pop_front(A&& links) noexcept {
    const u32 i = head_;
    if (i != 0) remove(links, i);
    return i;
  }

  template <LinksAccessor A>
  void move_to_back(A&& links, u32 i) noexcept {
    if (i == tail_) return;
    remove(links, i);
    push_back(links, i);
  }

  // True if i is in this list, or in another one by the same links.
  template <LinksAccessor A>
  [[nodiscard]] bool linked(A&& links, u32 i) const noexcept {
    return head_ == i || links(i).prev != 0;
  }

  template <LinksAccessor A, class F>
  void for_each(A&& links, F&& f) const {
    for (u32 i = head_; i != 0;) {
      const u32 next = links(i).next;
      f(i);
      i = next;
    }
  }

 private:
  u32 head_ = 0, tail_ = 0;
};

// Singly linked, first in first out.
//
//   auto next = [&](u32 i) -> u32& { return slab[i].next; };
//   queue.push(next, i);  u32 first = queue.pop(next);    // 0 when empty
class IndexQueue {
 public:
  [[nodiscard]] u32 head() const noexcept { return head_; }
  [[nodiscard]] u32 tail() const noexcept { return tail_; }
  [[nodiscard]] bool empty() const noexcept { return head_ == 0; }

  template <NextAccessor A>
  void push(A&& next, u32 i) noexcept {
    next(i) = 0;
    (tail_ != 0 ? next(tail_) : head_) = i;
    tail_ = i;
  }

  template <NextAccessor A>
  void push_front(A&& next, u32 i) noexcept {
    next(i) = head_;
    head_ = i;
    if (tail_ == 0) tail_ = i;
  }

  template <NextAccessor A>
  [[nodiscard]] u32 pop(A&& next) noexcept {
    const u32 i = head_;
    if (i == 0) return 0;
    head_ = next(i);
    if (head_ == 0) tail_ = 0;
    next(i) = 0;
    return i;
  }

  // Moves all of `other` behind what is here.
  template <NextAccessor A>
  void append(A&& next, IndexQueue& other) noexcept {
    if (other.empty()) return;
    (tail_ != 0 ? next(tail_) : head_) = other.head_;
    tail_ = other.tail_;
    other = {};
  }

  template <NextAccessor A, class F>
  void for_each(A&& next, F&& f) const {
    for (u32 i = head_; i != 0;) {
      const u32 following = next(i);
      f(i);
      i = following;
    }
  }

 private:
  u32 head_ = 0, tail_ = 0;
};

}  // namespace weir
