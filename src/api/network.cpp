// api/network.hpp
#include "api/network.hpp"

#include "api/file_wires.hpp"

namespace weir {
namespace {

using Done = Result<void, Error>;

// What is built so far: indexes as in the file.
struct Builder {
  RtExecutor& executor;
  const NetworkFile& file;
  std::vector<NetnsId> netns{};
  std::vector<std::vector<IfIndex>> interfaces{};  // 0: not there yet

  [[nodiscard]] Error at(u32 line, Error e) const {
    e.what.insert(0, file.path + ":" + std::to_string(line) + ": ");
    return e;
  }
  [[nodiscard]] Error at(u32 line, Errc code, std::string what) const {
    what.append(": ").append(text(code));
    return at(line, Error{code, std::move(what)});
  }
  template <class F>
  auto call(F&& f) const {
    return executor.loop().shared().call(std::forward<F>(f));
  }
};

Done add_devices(Builder& b) {
  for (usize n = 0; n < b.file.netns.size(); ++n)
    for (usize k = 0; k < b.file.netns[n].interfaces.size(); ++k) {
      const FileInterface& i = b.file.netns[n].interfaces[k];
      if (i.device.empty() || !i.veth_netns.empty()) continue;
      const auto port = add_port(b.executor, b.netns[n], {i.device, i.name, i.mac, i.mtu, i.queue_packets, i.up});
      if (!port) return std::unexpected(b.at(i.line, port.error()));
      b.interfaces[n][k] = *port;
    }
  return {};
}

Done add_wire(Builder& b, u32 line, std::pair<usize, usize> x, std::pair<usize, usize> y) {
  const FileInterface &ix = b.file.netns[x.first].interfaces[x.second], &iy = b.file.netns[y.first].interfaces[y.second];
  const auto pair =
      b.call([&](Shard& s, Instant now) { return s.add_veth(b.netns[x.first], config_of(ix), b.netns[y.first], config_of(iy), now); });
  if (!pair) return std::unexpected(b.at(line, pair.error(), "the wire between " + ix.name + " and " + iy.name));
  b.interfaces[x.first][x.second] = pair->first;
  b.interfaces[y.first][y.second] = pair->second;
  return {};
}

Done add_wires(Builder& b) {
  for (u32 n = 0; n < b.file.netns.size(); ++n)
    for (u32 k = 0; k < b.file.netns[n].interfaces.size(); ++k) {
      if (b.interfaces[n][k] != 0) continue;
      if (const auto peer = veth_peer(b.file, n, k))
        if (auto done = add_wire(b, b.file.netns[n].interfaces[k].line, {n, k}, *peer); !done) return done;
    }
  for (const FileLink& l : b.file.links)
    if (auto done = add_wire(b, l.line, {l.netns[0], l.interface[0]}, {l.netns[1], l.interface[1]}); !done) return done;
  return {};
}

Done add_addresses(Builder& b, usize n) {
  for (usize k = 0; k < b.file.netns[n].interfaces.size(); ++k) {
    const FileInterface& i = b.file.netns[n].interfaces[k];
    if (i.dhcp || i.automatic) return std::unexpected(b.at(i.line, {Errc::invalid, "addresses \"dhcp\" and \"auto\" are not there yet"}));
    for (const Prefix& p : i.addresses) {
      const auto done = b.call([&](Shard& s, Instant now) { return s.add_address(b.interfaces[n][k], p, now); });
      if (!done) return std::unexpected(b.at(i.line, done.error(), "address " + to_string(p)));
    }
  }
  return {};
}

Done add_routes(Builder& b, usize n) {
  const FileNetns& ns = b.file.netns[n];
  for (const FileRoute& r : ns.routes) {
    RouteConfig route{.to = r.to, .via = r.via, .metric = r.metric};
    for (usize k = 0; k < ns.interfaces.size(); ++k)
      if (ns.interfaces[k].name == r.interface) route.interface = b.interfaces[n][k];
    const auto done = b.call([&](Shard& s, Instant now) { return s.add_route(b.netns[n], route, now); });
    if (!done) return std::unexpected(b.at(r.line, done.error(), "route to " + to_string(r.to)));
  }
  return {};
}

}  // namespace

Result<std::vector<NetnsId>, Error> build(RtExecutor& executor, const NetworkFile& file) {
  Builder b{.executor = executor, .file = file};
  for (const FileNetns& ns : file.netns) {
    const auto id = add_netns(executor, {.name = ns.name, .sysctl = ns.sysctl});
    if (!id) return std::unexpected(b.at(ns.line, id.error()));
    b.netns.push_back(*id);
    b.interfaces.emplace_back(ns.interfaces.size());
  }
  if (auto done = add_devices(b); !done) return std::unexpected(done.error());
  if (auto done = add_wires(b); !done) return std::unexpected(done.error());
  for (usize n = 0; n < file.netns.size(); ++n) {
    if (auto done = add_addresses(b, n); !done) return std::unexpected(done.error());
    if (auto done = add_routes(b, n); !done) return std::unexpected(done.error());
  }
  return std::move(b.netns);
}

}  // namespace weir
