// The kernel's end of a device: its state, MTU and addresses, set through rtnetlink (RFC 3549) by interface index.
#pragma once

#include <span>
#include <string>

#include "base/error.hpp"
#include "io/fd.hpp"
#include "wire/address.hpp"

namespace weir::io {

// What failed and why, to be shown to a person.
using Outcome = Result<void, std::string>;

class LinkConfig {
 public:
  // A socket of the caller's network namespace.
  [[nodiscard]] static Result<LinkConfig, std::string> open();
  Outcome set_up(u32 ifindex);
  Outcome set_mtu(u32 ifindex, u32 mtu);
  // No duplicate address detection: the address is to be used at once. One that is there already is no error.
  Outcome add_address(u32 ifindex, const Prefix& prefix);

 private:
  explicit LinkConfig(Fd fd) noexcept : fd_(std::move(fd)) {}
  Outcome transact(MutBytes message, const std::string& what);
  Fd fd_;
  u32 seq_ = 0;
};

}  // namespace weir::io
