#include "base/memory.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace weir {
namespace {

bool is_mapped(usize bytes) noexcept { return bytes >= huge_page && bytes % huge_page == 0; }

// mmap aligns to a page only: take one huge page more and give back what sticks out.
void* map_aligned(usize bytes) noexcept {
  void* const raw = ::mmap(nullptr, bytes + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  auto* const base = static_cast<std::byte*>(raw);
  const usize head = (huge_page - reinterpret_cast<std::uintptr_t>(raw) % huge_page) % huge_page;
  if (head > 0) ::munmap(base, head);
  if (head < huge_page) ::munmap(base + head + bytes, huge_page - head);
  ::madvise(base + head, bytes, MADV_HUGEPAGE);  // advice: small pages will do where it is refused
  return base + head;
}

}  // namespace

void* piece_alloc(usize bytes) noexcept {
  if (is_mapped(bytes)) return map_aligned(bytes);
  return ::operator new(bytes, std::align_val_t{cache_line}, std::nothrow);
}

void piece_free(void* p, usize bytes) noexcept {
  if (p == nullptr) return;
  if (is_mapped(bytes)) ::munmap(p, bytes);
  else ::operator delete(p, std::align_val_t{cache_line});
}

}  // namespace weir
