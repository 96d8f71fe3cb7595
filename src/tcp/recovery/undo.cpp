// tcp/recovery/undo.hpp
#include "tcp/recovery/undo.hpp"

#include "tcp/cc/apply.hpp"
#include "tcp/trace_hooks.hpp"

namespace weir::tcp::undo {

void respond(Context& cx, Tcb& t, Sender& s) noexcept {
  cx.count(t, Tcp::undone);
  //= rfc4015#3 response
  t.cwnd = std::max(t.cwnd, s.undo.cwnd);
  t.ssthresh = std::max(t.ssthresh, s.undo.ssthresh);
  trace::undone(cx, t);
  s.board.forget_missing(cx.sent);
  s.undo.armed = false;
  if (t.path == Path::recovery) s.rack.reordered = true;  // what was taken for lost was late (RFC 8985 4)
  cc::tell(cx, t, s, cc::Event::undone, in_flight(t, s));
}

}  // namespace weir::tcp::undo
