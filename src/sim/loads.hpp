// What runs on hosts of a simulation: servers, and loads that say afterwards how they fared.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/stream.hpp"

namespace weir::sim {

// One flow as the one who began it saw it.
struct FlowResult {
  std::string kind, from;  // of the load; the host it runs on
  Endpoint local, remote;
  u64 bytes_out = 0, bytes_in = 0;    // payload given to and got from the socket
  Instant started, finished;
  bool complete = false;
  std::string trouble;                // why not
  u64 requests = 0;                   // rpc: answered
  u64 datagrams_out = 0, datagrams_in = 0;  // cbr; in: as its sink has counted them
  std::vector<u32> latency_us;        // rpc: from request to the whole answer; cbr sink: one way
};

class Load {
 public:
  Load() = default;
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  virtual ~Load() = default;
  [[nodiscard]] virtual std::vector<FlowResult> flows() const { return {}; }
  // Nothing more will come of it by itself. Servers always say so.
  [[nodiscard]] virtual bool over() const { return true; }
  // Closes every socket: connections come to their end.
  virtual void stop() {}
};

// Errors of set-up (a port that is taken) are thrown as std::runtime_error: the text is for the user.
// Servers answer on TCP and UDP where both make sense, for both families.
[[nodiscard]] std::unique_ptr<Load> make_discard(Host& host, u16 port);
[[nodiscard]] std::unique_ptr<Load> make_echo(Host& host, u16 port);
[[nodiscard]] std::unique_ptr<Load> make_chargen(Host& host, u16 port);
// Sends so many bytes to everyone who connects, and takes what comes.
[[nodiscard]] std::unique_ptr<Load> make_bulk_server(Host& host, u16 port, u64 bytes);
[[nodiscard]] std::unique_ptr<Load> make_rpc_server(Host& host, u16 port);
// Its flows are named by who sends: local is the sender, remote this end.
[[nodiscard]] std::unique_ptr<Load> make_cbr_sink(Host& host, u16 port);

struct LoadPlan {
  Endpoint to;
  Instant start{};
  u64 bytes = 0;              // bulk: to send
  u32 connections = 1;        // bulk, rpc: as many at once
  u32 request = 64, response = 1024;  // rpc: bytes, with 16 of header
  u64 requests = 100;         // rpc: by each connection
  Duration think{};           // rpc: between an answer and the next request
  u64 bits_per_second = 1'000'000;    // cbr: of payload
  u32 size = 1000;            // cbr: bytes of payload, at least 16
  Duration time = Duration::seconds(10);  // cbr
};

[[nodiscard]] std::unique_ptr<Load> make_bulk(Host& host, const LoadPlan& plan);
[[nodiscard]] std::unique_ptr<Load> make_rpc(Host& host, const LoadPlan& plan);
[[nodiscard]] std::unique_ptr<Load> make_cbr(Host& host, const LoadPlan& plan);

}  // namespace weir::sim
