// sim/loads.hpp: bulk transfers, request and response, constant bit rate.
#include "sim/loads.hpp"

#include <fmt/format.h>

#include <map>

#include "sim/listening.hpp"

namespace weir::sim {
namespace {

FlowResult flow_of(const Host& host, std::string kind, const StreamResult& r) {
  FlowResult f;
  f.kind = std::move(kind);
  f.from = host.name();
  f.local = r.local;
  f.remote = r.remote;
  f.bytes_out = r.sent;
  f.bytes_in = r.received;
  f.started = r.opened;
  f.finished = r.finished;
  f.complete = r.complete;
  if (r.error) f.trouble = text(*r.error);
  else if (!r.wrong.empty()) f.trouble = r.wrong;
  return f;
}

class Bulk : public Load {
 public:
  Bulk(Host& host, const LoadPlan& plan) : host_(host), plan_(plan) {
    host.world().at(plan.start, [this] { begin(); });
  }
  std::vector<FlowResult> flows() const override {
    std::vector<FlowResult> all;
    for (const auto& s : streams_) {
      all.push_back(flow_of(host_, "bulk", s->result()));
      if (all.back().remote.port == 0) all.back().remote = plan_.to;  // it was never connected
    }
    return all;
  }
  bool over() const override {
    return begun_ && std::ranges::all_of(streams_, [](const auto& s) { return s->over(); });
  }
  void stop() override { streams_.clear(); }

 private:
  void begin() {
    begun_ = true;
    // The other end may be a service that sends back what it likes: only a bulk server's bytes are known.
    for (u32 i = 0; i < plan_.connections; ++i)
      streams_.push_back(std::make_unique<Stream>(host_, plan_.to, StreamPlan{.send_bytes = plan_.bytes, .verify = false}));
  }
  Host& host_;
  LoadPlan plan_;
  bool begun_ = false;
  std::vector<std::unique_ptr<Stream>> streams_;
};

class RpcClient {
 public:
  RpcClient(Host& host, const LoadPlan& plan) : host_(host), plan_(plan) {
    flow_.kind = "rpc";
    flow_.from = host.name();
    flow_.remote = plan.to;
    flow_.started = host.world().now();
    auto made = Socket::open(host, plan.to.addr.family(), SocketType::stream);
    if (!made) {
      end(std::string(text(made.error())));
      return;
    }
    socket_ = std::move(*made);
    socket_.on_ready([this](u32 mask) { on_ready(mask); });
    if (const auto c = socket_.connect(plan.to); !c && c.error() != Errc::in_progress) end(std::string(text(c.error())));
  }
  [[nodiscard]] bool over() const { return over_; }
  [[nodiscard]] const FlowResult& flow() const { return flow_; }

 private:
  static constexpr u32 header = 16;

  void on_ready(u32 mask) {
    if (over_) return;
    if (flow_.local.port == 0) {
      if (const i64 e = socket_.get(Option::error).value_or(0); e != 0) return end(std::string(text(from_errno(static_cast<int>(e)))));
      if ((mask & Ready::out) == 0) return;
      flow_.local = socket_.local();
      ask();
    }
    pump();
  }
  void ask() {
    asked_at_ = host_.world().now();
    out_.assign(std::max(plan_.request, header), std::byte{0});
    store_be32(out_.data(), static_cast<u32>(out_.size()));
    store_be32(out_.data() + 4, plan_.response);
    store_be64(out_.data() + 8, flow_.requests);
    missing_ = std::max(plan_.response, header);
  }
  void pump() {
    while (!over_ && (write_some() || read_some())) {
    }
  }
  bool write_some() {
    if (out_.empty()) return false;
    const auto n = socket_.send(out_);
    if (!n) return failed(n.error());
    flow_.bytes_out += *n;
    out_.erase(out_.begin(), out_.begin() + *n);
    return true;
  }
  bool read_some() {
    std::byte chunk[4096];
    const auto n = socket_.recv(chunk);
    if (!n) return failed(n.error());
    if (*n == 0) {
      end("the server has closed");
      return false;
    }
    flow_.bytes_in += *n;
    missing_ -= std::min<u64>(missing_, *n);
    if (missing_ == 0 && out_.empty()) answered();
    return !over_;
  }
  void answered() {
    flow_.latency_us.push_back(static_cast<u32>((host_.world().now() - asked_at_).us()));
    if (++flow_.requests == plan_.requests) {
      flow_.complete = true;
      return end("");
    }
    if (plan_.think.ns == 0) return ask();
    missing_ = ~u64{0};
    host_.world().after(plan_.think, [this, alive = std::weak_ptr<char>(alive_)] {
      if (alive.expired() || over_) return;
      ask();
      pump();
    });
  }
  bool failed(Errc e) {
    if (e != Errc::would_block) end(std::string(text(e)));
    return false;
  }
  void end(std::string trouble) {
    over_ = true;
    flow_.trouble = std::move(trouble);
    flow_.finished = host_.world().now();
    socket_.close();
  }
  Host& host_;
  LoadPlan plan_;
  FlowResult flow_;
  Socket socket_;
  std::vector<std::byte> out_;
  u64 missing_ = 0;
  Instant asked_at_;
  bool over_ = false;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

class Rpc : public Load {
 public:
  Rpc(Host& host, const LoadPlan& plan) {
    host.world().at(plan.start, [this, &host, plan] {
      for (u32 i = 0; i < plan.connections; ++i) clients_.push_back(std::make_unique<RpcClient>(host, plan));
    });
  }
  std::vector<FlowResult> flows() const override {
    std::vector<FlowResult> all;
    for (const auto& c : clients_) all.push_back(c->flow());
    return all;
  }
  bool over() const override {
    return !clients_.empty() && std::ranges::all_of(clients_, [](const auto& c) { return c->over(); });
  }
  void stop() override { clients_.clear(); }

 private:
  std::vector<std::unique_ptr<RpcClient>> clients_;
};

class Cbr : public Load {
 public:
  Cbr(Host& host, const LoadPlan& plan) : host_(host), plan_(plan) {
    plan_.size = std::max(plan_.size, 16u);
    flow_.kind = "cbr";
    flow_.from = host.name();
    flow_.remote = plan.to;
    host.world().at(plan.start, [this] { begin(); });
  }
  std::vector<FlowResult> flows() const override { return {flow_}; }
  bool over() const override { return over_; }
  void stop() override { socket_.close(); }

 private:
  void begin() {
    socket_ = must_open(Socket::open(host_, plan_.to.addr.family(), SocketType::datagram), host_, "socket to", plan_.to);
    must_open(socket_.connect(plan_.to), host_, "cbr to", plan_.to);
    socket_.on_ready([this](u32) { drain(); });
    flow_.local = socket_.local();
    flow_.started = host_.world().now();
    data_.resize(plan_.size);
    tick();
  }
  void drain() {
    std::byte in[65'536];
    for (;;) {
      const auto n = socket_.recv(in);
      if (!n && n.error() == Errc::would_block) return;
      if (n) flow_.bytes_in += *n;
    }
  }
  // Each datagram is due at its own multiple of the interval from the start, so that roundings do not add up.
  void tick() {
    if (!socket_) return;
    store_be64(data_.data(), flow_.datagrams_out);
    store_be64(data_.data() + 8, static_cast<u64>(host_.world().now().ns));
    if (const auto n = socket_.send(data_)) flow_.bytes_out += *n;
    ++flow_.datagrams_out;
    const double since = static_cast<double>(flow_.datagrams_out) * plan_.size * 8e9 / static_cast<double>(plan_.bits_per_second);
    const Instant next = flow_.started + Duration{static_cast<i64>(since)};
    flow_.finished = host_.world().now();
    if (next - flow_.started >= plan_.time) {
      over_ = flow_.complete = true;
      return;
    }
    host_.world().at(next, [this, alive = std::weak_ptr<char>(alive_)] {
      if (!alive.expired()) tick();
    });
  }
  Host& host_;
  LoadPlan plan_;
  FlowResult flow_;
  Socket socket_;
  std::vector<std::byte> data_;
  bool over_ = false;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

// Counts by sender; datagrams begin with their number and the time at which they were sent.
class CbrSink : public Load {
 public:
  CbrSink(Host& host, u16 port)
      : host_(host), port_(host, port, [this, port](Socket&, Bytes data, const Datagram& d) { take(data, d, port); }) {}
  std::vector<FlowResult> flows() const override {
    std::vector<FlowResult> all;
    for (const auto& [from, flow] : flows_) all.push_back(flow);
    return all;
  }
  void stop() override { port_.stop(); }

 private:
  void take(Bytes data, const Datagram& d, u16 port) {
    if (data.size() < 16) return;
    FlowResult& f = flows_[{d.from.addr, d.from.port}];
    f.kind = "cbr-sink";
    f.from = host_.name();
    f.local = d.from;
    f.remote = {d.to.addr, port};
    f.bytes_in += data.size();
    ++f.datagrams_in;
    f.latency_us.push_back(static_cast<u32>((host_.world().now() - Instant{static_cast<i64>(load_be64(data.data() + 8))}).us()));
  }
  Host& host_;
  std::map<std::pair<IpAddr, u16>, FlowResult> flows_;
  DatagramPort port_;
};

}  // namespace

std::unique_ptr<Load> make_cbr_sink(Host& host, u16 port) { return std::make_unique<CbrSink>(host, port); }
std::unique_ptr<Load> make_bulk(Host& host, const LoadPlan& plan) { return std::make_unique<Bulk>(host, plan); }
std::unique_ptr<Load> make_rpc(Host& host, const LoadPlan& plan) { return std::make_unique<Rpc>(host, plan); }
std::unique_ptr<Load> make_cbr(Host& host, const LoadPlan& plan) { return std::make_unique<Cbr>(host, plan); }

}  // namespace weir::sim
