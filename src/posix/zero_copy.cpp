// posix/zero_copy.hpp
#include "posix/zero_copy.hpp"

#include <ctime>  // the header below takes timespec for granted

#include <linux/errqueue.h>
#include <netinet/in.h>

#include "posix/control.hpp"

namespace weir::posix {
namespace {

// One notification for neighbours that nobody has fetched yet.
void finish(ZeroCopy& z, u32 id) {
  if (!z.done.empty() && z.done.back().last + 1 == id) z.done.back().last = id;
  else z.done.push_back({id, id});
  ++z.edges;
}

template <class Address>
struct Report {
  sock_extended_err error;
  Address offender;
};

}  // namespace

void note_sent(File& f, u64 bytes, bool zero_copy) {
  f.zero_copy.sent += bytes;
  if (zero_copy && f.extras.zero_copy != 0 && bytes != 0) f.zero_copy.pending.push_back({f.zero_copy.next++, f.zero_copy.sent});
}

bool harvest(Shard& shard, File& f) {
  ZeroCopy& z = f.zero_copy;
  if (!z.pending.empty()) {
    const u64 held = f.is_stream() ? static_cast<u64>(shard.get_option(f.sock, Option::pending_output).value_or(0)) : 0;
    const u64 acknowledged = z.sent - std::min(held, z.sent);
    for (; !z.pending.empty() && z.pending.front().end <= acknowledged; z.pending.pop_front()) finish(z, z.pending.front().id);
  }
  return !z.done.empty();
}

int take_notification(Shard& shard, File& f, msghdr& m) {
  if (!harvest(shard, f)) return EAGAIN;
  const ZeroCopy::Done d = f.zero_copy.done.front();
  f.zero_copy.done.pop_front();
  sock_extended_err e{};
  e.ee_origin = SO_EE_ORIGIN_ZEROCOPY;
  e.ee_code = SO_EE_CODE_ZEROCOPY_COPIED;
  e.ee_info = d.first;
  e.ee_data = d.last;
  m.msg_flags |= MSG_ERRQUEUE;
  ControlWriter control(m);
  if (f.domain == AF_INET6) control.put(IPPROTO_IPV6, IPV6_RECVERR, Report<sockaddr_in6>{e, {}});
  else control.put(IPPROTO_IP, IP_RECVERR, Report<sockaddr_in>{e, {}});
  control.finish();
  m.msg_namelen = 0;
  return 0;
}

}  // namespace weir::posix
