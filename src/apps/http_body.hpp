// Where the body of an HTTP/1.1 message ends, RFC 9112 6 and 7: by length, in chunks, or at the end of the connection.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace weir::apps {

// Takes received bytes in any pieces, and finds the body's in them.
//   HttpBody body = HttpBody::of_length(n);
//   for (Bytes data = received; !data.empty() && !body.is_done();) {
//     auto piece = body.next(data);
//     if (!piece) return broken;
//     use(*piece);
//   }
class HttpBody {
 public:
  [[nodiscard]] static HttpBody of_length(u64 length) { return HttpBody(length == 0 ? State::done : State::counted, length); }
  [[nodiscard]] static HttpBody in_chunks() { return HttpBody(State::size, 0); }
  [[nodiscard]] static HttpBody to_the_end() { return HttpBody(State::counted, ~u64{0}, true); }

  // The next piece of the body in `data`, which is shortened by what was looked at. Empty: more is needed, or the body has
  // ended; what comes after it is left alone. protocol_error: not what a body looks like.
  [[nodiscard]] Result<Bytes> next(Bytes& data) noexcept;
  // The connection has ended: was that the end of the body?
  [[nodiscard]] bool finish() noexcept {
    if (until_end_) state_ = State::done;
    return is_done();
  }
  [[nodiscard]] bool is_done() const noexcept { return state_ == State::done; }

 private:
  enum class State : u8 { counted, size, extension, size_end, data, data_cr, data_end, trailer, trailer_line, trailer_end, done };
  HttpBody(State state, u64 left, bool until_end = false) noexcept : state_(state), until_end_(until_end), left_(left) {}
  [[nodiscard]] Bytes take(Bytes& data) noexcept;
  [[nodiscard]] bool step(char c) noexcept;

  State state_;
  bool until_end_;
  u64 left_;      // of the body or the chunk
  u32 digits_ = 0;
};

}  // namespace weir::apps
