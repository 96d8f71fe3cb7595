// The caller's memory as readv and writev name it.
#pragma once

#include <limits.h>
#include <sys/uio.h>

#include <algorithm>
#include <vector>

#include "posix/file.hpp"

namespace weir::posix {

// A count or lengths that no call takes: EMSGSIZE, EINVAL, EFAULT; 0: they are good.
[[nodiscard]] inline int check_vectors(const msghdr& m) noexcept {
  if (m.msg_iovlen > IOV_MAX) return EMSGSIZE;
  if (m.msg_iovlen != 0 && is_bad(m.msg_iov)) return EFAULT;
  u64 sum = 0;
  for (usize i = 0; i < m.msg_iovlen; ++i) {
    const u64 length = m.msg_iov[i].iov_len;
    if (length > static_cast<u64>(SSIZE_MAX) || (sum += length) > static_cast<u64>(SSIZE_MAX)) return EINVAL;
  }
  return 0;
}

[[nodiscard]] inline usize total(const msghdr& m) noexcept {
  usize sum = 0;
  for (usize i = 0; i < m.msg_iovlen; ++i) sum += m.msg_iov[i].iov_len;
  return sum;
}

[[nodiscard]] inline MutBytes bytes_of_vector(const iovec& v) noexcept { return {static_cast<std::byte*>(v.iov_base), v.iov_len}; }

// False: bytes were to go where there is no memory.
[[nodiscard]] inline bool scatter(Bytes from, const msghdr& to) noexcept {
  for (usize i = 0; i < to.msg_iovlen && !from.empty(); ++i) {
    const usize n = std::min(from.size(), to.msg_iov[i].iov_len);
    if (n != 0 && is_bad(to.msg_iov[i].iov_base)) return false;
    if (n != 0) std::memcpy(to.msg_iov[i].iov_base, from.data(), n);
    from = from.subspan(n);
  }
  return true;
}

// Appends at most `most` bytes. False: they are where there is no memory.
[[nodiscard]] inline bool gather(const msghdr& from, usize most, std::vector<std::byte>& to) {
  for (usize i = 0; i < from.msg_iovlen && most != 0; ++i) {
    const usize n = std::min(most, from.msg_iov[i].iov_len);
    if (n != 0 && is_bad(from.msg_iov[i].iov_base)) return false;
    const Bytes b = bytes_of_vector(from.msg_iov[i]).first(n);
    to.insert(to.end(), b.begin(), b.end());
    most -= n;
  }
  return true;
}

}  // namespace weir::posix
