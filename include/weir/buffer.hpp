// Bytes that move between the user and the stack without being copied.
#pragma once

#include <memory>
#include <utility>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "ip/socket_types.hpp"

namespace weir {

class Executor;

// Bytes lent by the stack: received ones (TcpStream::read), or those of a Buffer that was filled. Read-only, in at most 16
// pieces of at most 16 KiB. Move-only; what it holds goes back when it goes away, or moves on into TcpStream::write. Keep it
// for a short time only: it is the memory that new data is received into. Any thread, one at a time.
//
//   while (auto chunk = co_await peer.read()) {
//     if (chunk->empty()) break;                       // end of stream
//     for (Bytes piece : *chunk) hash.update(piece);
//     if (!co_await other.write(std::move(*chunk))) break;   // forwarded: no copy
//   }
class Chunk {
 public:
  Chunk() noexcept = default;
  Chunk(std::shared_ptr<Executor> executor, const Lent& lent) noexcept : executor_(std::move(executor)), lent_(lent) {}
  Chunk(Chunk&& o) noexcept : executor_(std::move(o.executor_)), lent_(std::exchange(o.lent_, {})) {}
  Chunk& operator=(Chunk&& o) noexcept;
  ~Chunk() {
    if (lent_.n != 0) give_back();
  }

  [[nodiscard]] bool empty() const noexcept { return lent_.bytes == 0; }
  [[nodiscard]] u32 size() const noexcept { return lent_.bytes; }
  [[nodiscard]] u32 pieces() const noexcept { return lent_.n; }
  [[nodiscard]] Bytes piece(u32 i) const noexcept;  // i < pieces()
  // Copies from the front; bytes copied.
  u32 copy_to(MutBytes out) const noexcept;
  void clear() noexcept {
    if (lent_.n != 0) give_back();
  }

  class Iterator {
   public:
    Iterator(const Chunk* chunk, u32 i) noexcept : chunk_(chunk), i_(i) {}
    Bytes operator*() const noexcept { return chunk_->piece(i_); }
    Iterator& operator++() noexcept {
      ++i_;
      return *this;
    }
    friend bool operator==(const Iterator&, const Iterator&) noexcept = default;

   private:
    const Chunk* chunk_;
    u32 i_;
  };
  [[nodiscard]] Iterator begin() const noexcept { return {this, 0}; }
  [[nodiscard]] Iterator end() const noexcept { return {this, lent_.n}; }

  // For those who pass it on to the shard: what it holds is theirs then.
  [[nodiscard]] const Lent& lent() const noexcept { return lent_; }
  void release() noexcept { lent_ = {}; }
  [[nodiscard]] const std::shared_ptr<Executor>& executor() const noexcept { return executor_; }

 private:
  void give_back() noexcept;
  std::shared_ptr<Executor> executor_;
  Lent lent_{};
};

// Empty memory of the stack to be filled and sent: made by Host::reserve. Move-only.
//
//   auto buffer = host.reserve(64 * 1024);
//   usize n = preadv(fd, ...buffer->piece(i)...);
//   auto sent = stream.write(std::move(*buffer).commit(n)).wait();
class Buffer {
 public:
  Buffer() noexcept = default;
  explicit Buffer(Chunk memory) noexcept : memory_(std::move(memory)) {}

  [[nodiscard]] u32 size() const noexcept { return memory_.size(); }
  [[nodiscard]] u32 pieces() const noexcept { return memory_.pieces(); }
  [[nodiscard]] MutBytes piece(u32 i) noexcept;
  // The first n bytes (n <= size()), to be sent; the rest goes back.
  [[nodiscard]] Chunk commit(usize n) &&;

 private:
  Chunk memory_;
};

}  // namespace weir
