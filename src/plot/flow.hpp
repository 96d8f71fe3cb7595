// What was traced of one connection, as the pictures and files of it want it.
#pragma once

#include <string>
#include <vector>

#include "tcp/trace.hpp"

namespace weir::plot {

struct Flow {
  std::string netns{};
  Endpoint local{}, remote{};
  SeqNum iss{}, irs{};
  Instant reference{};    // times are counted from here
  u64 lost_events = 0;    // of the trace that it is from: a picture with holes
  std::vector<tcp::TraceEvent> events{};  // of this connection alone, in the order of time

  [[nodiscard]] double seconds(Instant t) const noexcept { return (t - reference).s(); }
};

// Payload that went each way, what was sent again counted again.
struct Payload {
  u64 sent = 0, received = 0;
};
[[nodiscard]] Payload payload_of(const Flow& flow) noexcept;

// "client 10.0.0.1:49152 > 10.0.0.2:80"
[[nodiscard]] std::string name_of(const Flow& flow);

// Sequence numbers of one direction as distances from its first, beyond 2^32 too.
class Unwrap {
 public:
  explicit Unwrap(SeqNum first) noexcept : first_(first) {}
  [[nodiscard]] i64 operator()(u32 seq) noexcept {
    if (!begun_) {
      begun_ = true;
      const u32 distance = seq - first_.raw;
      at_ = distance > 0xffff'0000 ? static_cast<i32>(distance) : i64{distance};  // a probe may lie just before it
    } else {
      at_ += static_cast<i32>(seq - last_);
    }
    last_ = seq;
    return at_;
  }

 private:
  SeqNum first_;
  u32 last_ = 0;
  i64 at_ = 0;
  bool begun_ = false;
};

}  // namespace weir::plot
