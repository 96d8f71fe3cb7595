// tcp/sent_list.hpp
#include "tcp/sent_list.hpp"

#include <algorithm>

namespace weir::tcp {

namespace {

u32 fresh(SentChunks& c) noexcept {
  const u32 id = c.alloc_uninitialized();
  if (id != 0) c[id].first = c[id].n = 0;
  return id;
}

}  // namespace

SentList::Pos SentList::find(SentChunks& c, SeqNum seq) const noexcept {
  const auto chunk_ends_before = [&](u32 id) { return c[id].at[c[id].first + c[id].n - 1].end() <= seq; };
  const auto chunk = std::partition_point(dir_.begin() + head_, dir_.end(), chunk_ends_before);
  if (chunk == dir_.end()) return {static_cast<u32>(dir_.size()), 0};
  const SentChunk& k = c[*chunk];
  const Sent* const first = k.at + k.first;
  const Sent* const at = std::partition_point(first, first + k.n, [&](const Sent& s) { return s.end() <= seq; });
  return {static_cast<u32>(chunk - dir_.begin()), static_cast<u32>(at - first)};
}

bool SentList::push(SentChunks& c, const Sent& s) noexcept {
  if (n_ == 0 || c[dir_.back()].first + c[dir_.back()].n == SentChunk::room) {
    const u32 id = fresh(c);
    if (id == 0) return false;
    dir_.push_back(id);
  }
  SentChunk& k = c[dir_.back()];
  k.at[k.first + k.n++] = s;
  ++n_;
  return true;
}

void SentList::drop_chunk(SentChunks& c, u32 chunk) noexcept {
  c.release(dir_[chunk]);
  if (chunk != head_) {
    dir_.erase(dir_.begin() + chunk);
    return;
  }
  ++head_;
  if (head_ == dir_.size()) {
    dir_.clear();
    head_ = 0;
  } else if (head_ >= 64 && head_ * 2 >= dir_.size()) {
    dir_.erase(dir_.begin(), dir_.begin() + head_);
    head_ = 0;
  }
}

void SentList::pop_front(SentChunks& c) noexcept {
  SentChunk& k = c[dir_[head_]];
  ++k.first;
  --n_;
  if (--k.n == 0) drop_chunk(c, head_);
}

bool SentList::halve(SentChunks& c, u32 chunk) noexcept {
  const u32 id = fresh(c);
  if (id == 0) return false;
  SentChunk& from = c[dir_[chunk]];
  SentChunk& to = c[id];
  const u32 stay = from.n / 2;
  to.n = from.n - stay;
  std::copy_n(from.at + from.first + stay, to.n, to.at);
  from.n = stay;
  dir_.insert(dir_.begin() + chunk + 1, id);
  return true;
}

bool SentList::insert_after(SentChunks& c, Pos& p, const Sent& s) noexcept {
  SentChunk* k = &c[dir_[p.chunk]];
  if (k->n == SentChunk::room) {
    if (!halve(c, p.chunk)) return false;
    k = &c[dir_[p.chunk]];
    if (p.i >= k->n) {
      p.i -= k->n;
      k = &c[dir_[++p.chunk]];
    }
  }
  if (k->first + k->n == SentChunk::room) {
    std::copy_n(k->at + k->first, k->n, k->at);
    k->first = 0;
  }
  Sent* const first = k->at + k->first;
  std::copy_backward(first + p.i + 1, first + k->n, first + k->n + 1);
  first[p.i + 1] = s;
  ++k->n;
  ++n_;
  return true;
}

bool SentList::split(SentChunks& c, Pos& p, u32 length) noexcept {
  Sent rest = at(c, p);
  rest.start += length;
  rest.len -= length;
  // Before the insertion, which may move it to another chunk.
  const u32 whole = at(c, p).len;
  at(c, p).len = length;
  if (insert_after(c, p, rest)) return true;
  at(c, p).len = whole;
  return false;
}

void SentList::erase(SentChunks& c, Pos p) noexcept {
  SentChunk& k = c[dir_[p.chunk]];
  Sent* const first = k.at + k.first;
  std::copy(first + p.i + 1, first + k.n, first + p.i);
  --n_;
  if (--k.n == 0) drop_chunk(c, p.chunk);
}

void SentList::clear(SentChunks& c) noexcept {
  for (u32 i = head_; i < dir_.size(); ++i) c.release(dir_[i]);
  dir_.clear();
  dir_.shrink_to_fit();
  head_ = n_ = 0;
}

}  // namespace weir::tcp
