#include "base/rng.hpp"

#include <openssl/evp.h>

#include <bit>
#include <utility>

#include "base/assert.hpp"

namespace weir {
namespace {

// splitmix64 (Steele, Lea and Flood, 2014): spreads one word over the state, which must not be all zero.
u64 splitmix64(u64& s) noexcept {
  s += 0x9e3779b97f4a7c15u;
  u64 z = s;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

struct FreeCtx {
  void operator()(EVP_CIPHER_CTX* c) const noexcept { EVP_CIPHER_CTX_free(c); }
};

}  // namespace

struct Rng::Stream {
  std::array<u8, 32> key;
  std::unique_ptr<EVP_CIPHER_CTX, FreeCtx> ctx{EVP_CIPHER_CTX_new()};
};

Rng::Rng() noexcept = default;
Rng::Rng(Rng&&) noexcept = default;
Rng& Rng::operator=(Rng&&) noexcept = default;
Rng::~Rng() = default;

Rng Rng::seeded(u64 seed) noexcept {
  Rng r;
  for (u64& s : r.state_) s = splitmix64(seed);
  return r;
}

Rng Rng::secure(const std::array<u8, 32>& key) noexcept {
  Rng r;
  r.stream_ = std::make_unique<Stream>();
  r.stream_->key = key;
  WEIR_ASSERT(r.stream_->ctx != nullptr);
  const int ok = EVP_EncryptInit_ex(r.stream_->ctx.get(), EVP_chacha20(), nullptr, nullptr, nullptr);
  WEIR_ASSERT(ok == 1);
  return r;
}

// xoshiro256** (Blackman and Vigna, 2018).
void Rng::refill_seeded() noexcept {
  auto [a, b, c, d] = state_;
  for (u64& out : buffer_) {
    out = std::rotl(b * 5, 7) * 9;
    const u64 t = b << 17;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = std::rotl(d, 45);
  }
  state_ = {a, b, c, d};
}

// Each block of output begins with the key of the next one, so that what was drawn cannot be had from the state later.
void Rng::refill() noexcept {
  at_ = 0;
  if (stream_ == nullptr) return refill_seeded();
  static constexpr std::array<u8, sizeof(stream_->key) + sizeof(buffer_)> zeros{};
  static constexpr std::array<u8, 16> counter_and_nonce{};  // a key is used once
  std::array<u8, zeros.size()> out;
  int n = 0;
  EVP_CIPHER_CTX* const ctx = stream_->ctx.get();
  const bool ok = EVP_EncryptInit_ex(ctx, nullptr, nullptr, stream_->key.data(), counter_and_nonce.data()) == 1 &&
                  EVP_EncryptUpdate(ctx, out.data(), &n, zeros.data(), static_cast<int>(zeros.size())) == 1;
  WEIR_ASSERT(ok && n == static_cast<int>(zeros.size()));
  std::memcpy(stream_->key.data(), out.data(), stream_->key.size());
  std::memcpy(buffer_.data(), out.data() + stream_->key.size(), sizeof buffer_);
}

// The upper word of a 64 x 64 bit product, with the few values refused that would favour some results (Lemire, "Fast
// random integer generation in an interval", 2019).
u64 Rng::below(u64 n) noexcept {
  WEIR_ASSERT(n > 0);
  __extension__ using u128 = unsigned __int128;
  u128 m = static_cast<u128>(next_u64()) * n;
  if (static_cast<u64>(m) < n) [[unlikely]] {
    const u64 refused = (0 - n) % n;
    while (static_cast<u64>(m) < refused) m = static_cast<u128>(next_u64()) * n;
  }
  return static_cast<u64>(m >> 64);
}

void Rng::fill(MutBytes out) noexcept {
  while (!out.empty()) {
    const u64 v = next_u64();
    const usize n = std::min(out.size(), sizeof v);
    std::memcpy(out.data(), &v, n);
    out = out.subspan(n);
  }
}

Rng Rng::fork() noexcept {
  if (stream_ == nullptr) return seeded(next_u64());
  std::array<u8, 32> key;
  fill(std::as_writable_bytes(std::span{key}));
  return secure(key);
}

}  // namespace weir
