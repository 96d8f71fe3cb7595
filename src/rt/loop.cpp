// rt/loop.hpp: the loop of the real shard, compiled once.
#include "rt/loop.hpp"

namespace weir::rt {

template class BasicPorts<Shard>;
template class BasicSharedShard<Shard>;
template class BasicLoop<Shard>;

}  // namespace weir::rt
