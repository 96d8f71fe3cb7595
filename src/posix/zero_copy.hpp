// SO_ZEROCOPY, MSG_ZEROCOPY and the error queue that tells when the caller may have his memory back. The bytes are copied, and the
// notifications say so (SO_EE_CODE_ZEROCOPY_COPIED), when the peer has acknowledged them: as Linux does where it must copy.
#pragma once

#include <deque>

#include "base/types.hpp"

struct msghdr;

namespace weir {
class Shard;
}

namespace weir::posix {

struct File;

struct ZeroCopy {
  struct Pending {
    u32 id;
    u64 end;  // in the stream; acknowledged to here it is done
  };
  struct Done {
    u32 first, last;
  };
  u32 next = 0;
  u64 sent = 0;  // bytes of the stream so far
  std::deque<Pending> pending;
  std::deque<Done> done;
  u32 edges = 0;
};

// A send of so many bytes has succeeded.
void note_sent(File& file, u64 bytes, bool zero_copy);
// Moves what is acknowledged to the error queue. True: there is something in it.
bool harvest(Shard& shard, File& file);
// recvmsg(MSG_ERRQUEUE): one notification; 0, or EAGAIN.
[[nodiscard]] int take_notification(Shard& shard, File& file, msghdr& message);

}  // namespace weir::posix
