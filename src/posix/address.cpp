// posix/address.hpp
#include "posix/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "posix/file.hpp"

namespace weir::posix {
namespace {

constexpr socklen_t least_in6 = 24;  // RFC 2133's sockaddr_in6, without the scope

std::unexpected<int> bad(int error) noexcept { return std::unexpected(error); }

Endpoint from_in(const sockaddr* address) noexcept {
  const auto in = load_raw<sockaddr_in>(address);
  return {Ip4Addr{ntohl(in.sin_addr.s_addr)}, ntohs(in.sin_port), 0};
}

Result<Endpoint, int> from_in6(const sockaddr* address, socklen_t length) noexcept {
  sockaddr_in6 in{};
  std::memcpy(&in, address, std::min<usize>(length, sizeof in));
  const IpAddr a = Ip6Addr::load(&in.sin6_addr);
  return Endpoint{a, ntohs(in.sin6_port), a.is_link_local() && a.is_v6() ? in.sin6_scope_id : 0};
}

}  // namespace

bool is_unspecified(const sockaddr* address, socklen_t length) noexcept {
  return !is_bad(address) && length >= sizeof(sa_family_t) && load_raw<sa_family_t>(address) == AF_UNSPEC;
}

Result<Endpoint, int> from_sockaddr(int domain, const sockaddr* address, socklen_t length, Use use) noexcept {
  if (length > sizeof(sockaddr_storage)) return bad(EINVAL);
  if (length != 0 && is_bad(address)) return bad(EFAULT);
  if (length < sizeof(sa_family_t)) return bad(EINVAL);
  const auto family = load_raw<sa_family_t>(address);
  if (domain == AF_INET) {
    if (length < sizeof(sockaddr_in)) return bad(EINVAL);
    // Programs of old bind to 0.0.0.0, and send, with no family.
    const bool forgiven = family == AF_UNSPEC && (use == Use::send || (use == Use::bind && from_in(address).addr.is_any()));
    if (family != AF_INET && !forgiven) return bad(EAFNOSUPPORT);
    return from_in(address);
  }
  if (use != Use::bind && family == AF_INET) {
    if (length < sizeof(sockaddr_in)) return bad(EINVAL);
    return use == Use::send ? Result<Endpoint, int>{from_in(address)} : bad(EAFNOSUPPORT);
  }
  if (length < least_in6) return bad(EINVAL);
  if (family != AF_INET6) return bad(use == Use::send ? EINVAL : EAFNOSUPPORT);
  return from_in6(address, length);
}

int to_sockaddr(int domain, const Endpoint& from, sockaddr* address, socklen_t* length) noexcept {
  if (address == nullptr) return 0;
  if (is_bad(address) || is_bad(length)) return EFAULT;
  if (static_cast<i32>(*length) < 0) return EINVAL;
  sockaddr_storage out{};
  socklen_t size = 0;
  if (domain == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(from.port);
    in.sin_addr.s_addr = htonl(from.addr.v4().host);
    std::memcpy(&out, &in, size = sizeof in);
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(from.port);
    in.sin6_scope_id = from.scope;
    from.addr.v6().store(&in.sin6_addr);
    std::memcpy(&out, &in, size = sizeof in);
  }
  std::memcpy(address, &out, std::min(*length, size));
  *length = size;
  return 0;
}

}  // namespace weir::posix
