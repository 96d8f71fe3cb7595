// apps/http_body.hpp
#include "apps/http_body.hpp"

#include <algorithm>

namespace weir::apps {
namespace {

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<Bytes> HttpBody::next(Bytes& data) noexcept {
  while (!data.empty() && !is_done()) {
    if (state_ == State::counted || state_ == State::data) return take(data);
    if (!step(static_cast<char>(data.front()))) return fail(Errc::protocol_error);
    data = data.subspan(1);
  }
  return Bytes{};
}

Bytes HttpBody::take(Bytes& data) noexcept {
  const Bytes part = data.first(std::min<u64>(data.size(), left_));
  data = data.subspan(part.size());
  left_ -= part.size();
  if (left_ == 0) state_ = state_ == State::data ? State::data_cr : State::done;
  return part;
}

// One character of the framing around chunks: RFC 9112 7.1. A size is at most 15 hexadecimal digits.
bool HttpBody::step(char c) noexcept {
  constexpr u32 most_digits = 15;
  switch (state_) {
    case State::size:
      if (const int v = hex_value(c); v >= 0) {
        left_ = left_ << 4 | static_cast<u64>(v);
        return ++digits_ <= most_digits;
      }
      if (digits_ == 0) return false;
      if (c == ';' || c == ' ' || c == '\t') state_ = State::extension;
      else if (c == '\r') state_ = State::size_end;
      else return false;
      return true;
    case State::extension:
      if (c == '\r') state_ = State::size_end;
      return c != '\n';
    case State::size_end:
      state_ = left_ != 0 ? State::data : State::trailer;
      digits_ = 0;
      return c == '\n';
    case State::data_cr: state_ = State::data_end; return c == '\r';
    case State::data_end: state_ = State::size; return c == '\n';
    case State::trailer: state_ = c == '\r' ? State::trailer_end : State::trailer_line; return true;
    case State::trailer_line:
      if (c == '\n') state_ = State::trailer;
      return true;
    case State::trailer_end: state_ = State::done; return c == '\n';
    default: return false;
  }
}

}  // namespace weir::apps
