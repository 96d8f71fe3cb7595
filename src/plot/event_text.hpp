// Events of a trace as JSON and as lines for people. docs/control.md describes the fields.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "plot/flow.hpp"

namespace weir::plot {

// [time in ms since the reference, category, name, {"connection": ..., ...}], on one line.
[[nodiscard]] std::string event_json(const tcp::TraceEvent& e, Instant reference);
// The same backwards; nothing: it is no such event.
[[nodiscard]] std::optional<tcp::TraceEvent> event_of(const nlohmann::ordered_json& j, Instant reference);

// {"id":1,"netns":...,"local":...,"remote":...,"iss":...,"irs":...}
[[nodiscard]] std::string connection_json(u32 number, std::string_view netns, const tcp::TraceConnection& c);

// "sent 1449:2897 ..." with sequence numbers from the start of the connection; without time and addresses.
[[nodiscard]] std::string event_line(const tcp::TraceEvent& e, SeqNum iss, SeqNum irs);

// One object, like a qlog file: title, reference time, the connections and what happened to them. `lines` are event_json()'s and
// `connections` connection_json()'s; lost: events that were overwritten before they could be written.
[[nodiscard]] std::string trace_json(std::string_view title, i64 reference_ms, u64 lost, const std::vector<std::string>& connections,
                                     const std::vector<std::string>& lines);

}  // namespace weir::plot
