// Many established connections between the hosts of a Pair, opened a few at a time.
#pragma once

#include <vector>

#include "bench/pair.hpp"

namespace weir::bench {

class Connections {
 public:
  static constexpr u16 first_port = 6000, ports = 64;  // the server's: the client's end of each has 28,000 numbers to choose from

  explicit Connections(Pair& pair);
  // Opens connections until there are n. Each has carried a byte both ways, so that what is made for the first one is there.
  void grow_to(usize n);

  std::vector<Sock> clients, servers;  // clients[i] is connected with some server

 private:
  void open(u32 n);
  void take_accepted();
  Pair& pair_;
  std::vector<Sock> listeners_;
  u32 next_port_ = 0;
};

}  // namespace weir::bench
