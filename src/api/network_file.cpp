#include "api/network_file.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>

#include "api/service_kinds.hpp"
#include "api/sysctl_names.hpp"
#include "api/units.hpp"
#include "io/spec.hpp"

namespace weir {
namespace {

struct Errors {
  std::vector<std::pair<u32, std::string>> all;
  void add(u32 line, std::string what) { all.emplace_back(line, std::move(what)); }
};

u32 line_of(const toml::node& n) { return n.source().begin.line; }

// One table of the file. Every key that is asked for becomes a known one; finish() complains of the others.
class Section {
 public:
  Section(const toml::table& table, std::string name, Errors& errors) : table_(table), name_(std::move(name)), errors_(errors) {}

  [[nodiscard]] u32 line() const { return line_of(table_); }
  [[nodiscard]] Errors& errors() const { return errors_; }
  [[nodiscard]] const std::string& name() const { return name_; }

  const toml::node* take(std::string_view key) {
    known_.push_back(key);
    return table_.get(key);
  }
  [[nodiscard]] bool has(std::string_view key) const { return table_.contains(key); }

  void expected(const toml::node& n, std::string_view key, std::string_view what) {
    errors_.add(line_of(n), fmt::format("{}: {}: expected {}", name_, key, what));
  }

  void text(std::string_view key, std::string& out, std::string_view what = "a string") {
    const toml::node* n = take(key);
    if (n == nullptr) return;
    if (const auto v = n->value_exact<std::string>(); v && !v->empty()) out = *v;
    else expected(*n, key, what);
  }
  void flag(std::string_view key, bool& out) {
    const toml::node* n = take(key);
    if (n == nullptr) return;
    if (const auto v = n->value_exact<bool>()) out = *v;
    else expected(*n, key, "true or false");
  }
  template <class T>
  void number(std::string_view key, T& out, u64 least, u64 most) {
    const toml::node* n = take(key);
    if (n == nullptr) return;
    const auto v = n->value_exact<i64>();
    if (v && *v >= 0 && static_cast<u64>(*v) >= least && static_cast<u64>(*v) <= most) out = static_cast<T>(*v);
    else expected(*n, key, fmt::format("a number from {} to {}", least, most));
  }
  // Text that `parse` understands; a bare number is taken as text.
  template <class T, class Parse>
  void quantity(std::string_view key, T& out, Parse&& parse, std::string_view what) {
    const toml::node* n = take(key);
    if (n == nullptr) return;
    std::string text;
    if (const auto s = n->value_exact<std::string>()) text = *s;
    else if (const auto i = n->value_exact<i64>()) text = std::to_string(*i);
    else if (const auto d = n->value_exact<double>()) text = fmt::format("{}", *d);
    if (const auto v = parse(std::string_view{text})) out = static_cast<T>(*v);
    else expected(*n, key, what);
  }
  void duration(std::string_view key, Duration& out) { quantity(key, out, parse_duration, "a time like \"10ms\" or \"1.5s\""); }
  void rate(std::string_view key, u64& out) { quantity(key, out, parse_rate, "a rate like \"100Mbit/s\""); }
  void probability(std::string_view key, double& out) { quantity(key, out, parse_probability, "a share like \"0.1%\""); }
  template <class T>
  void size(std::string_view key, T& out, u64 most) {
    u64 v = out;
    quantity(
        key, v,
        [most](std::string_view t) {
          const auto s = parse_size(t);
          return s && *s <= most ? s : std::nullopt;
        },
        fmt::format("a size like \"64KiB\", at most {}", most));
    out = static_cast<T>(v);
  }
  // Calls each(Section) for a [[table]] or [table] of that name.
  template <class F>
  void sections(std::string_view key, std::string_view what, F&& each) {
    const toml::node* n = take(key);
    if (n == nullptr) return;
    const toml::array* a = n->as_array();
    if (a == nullptr) return expected(*n, key, fmt::format("[[{}.{}]]", name_, key));
    for (const toml::node& item : *a) {
      if (const toml::table* t = item.as_table()) each(Section{*t, std::string(what), errors_});
      else expected(item, key, "a table");
    }
  }

  void finish() {
    for (const auto& [key, value] : table_) {
      if (std::ranges::find(known_, key.str()) != known_.end()) continue;
      const std::string_view near = nearest(key.str(), known_);
      std::string all;
      for (const std::string_view k : known_) all += (all.empty() ? "" : ", ") + std::string(k);
      errors_.add(key.source().begin.line, fmt::format("{}: unknown key \"{}\"{}; known are: {}", name_, key.str(),
                                                       near.empty() ? "" : fmt::format(", did you mean \"{}\"?", near), all));
    }
  }

 private:
  const toml::table& table_;
  std::string name_;
  Errors& errors_;
  std::vector<std::string_view> known_;
};

void read_addresses(Section& s, FileInterface& i) {
  const toml::node* n = s.take("addresses");
  if (n == nullptr) return;
  const toml::array* all = n->as_array();
  if (all == nullptr) return s.expected(*n, "addresses", "a list like [\"10.0.0.1/24\", \"fd00::1/64\"]");
  for (const toml::node& item : *all) {
    const auto text = item.value_exact<std::string>();
    if (text == "dhcp") {
      i.dhcp = true;
    } else if (text == "auto") {
      i.automatic = true;
    } else if (const auto p = text ? Prefix::parse(*text) : std::nullopt; p && text->find('/') != std::string::npos) {
      if (p->address.is_any() || p->address.is_multicast()) s.expected(item, "addresses", "an address that a host can have, not " + *text);
      i.addresses.push_back(*p);
    } else {
      s.expected(item, "addresses", "an address with its prefix length like \"10.0.0.1/24\", \"dhcp\" or \"auto\"");
    }
  }
}

void read_device(Section& s, FileInterface& i) {
  const toml::node* n = s.take("device");
  if (n == nullptr) return;
  i.device = n->value_exact<std::string>().value_or("");
  if (i.device.empty()) return s.expected(*n, "device", "a device like \"tap:weir0\", or \"veth:NETNS/INTERFACE\"");
  if (!i.device.starts_with("veth:")) {
    if (const auto spec = io::Spec::parse(i.device); !spec) s.errors().add(line_of(*n), spec.error());
    return;
  }
  const std::string peer = i.device.substr(5);
  const auto slash = peer.find('/');
  i.veth_netns = peer.substr(0, slash);
  if (slash != std::string::npos) i.veth_interface = peer.substr(slash + 1);
  if (i.veth_netns.empty() || i.veth_interface.empty()) s.expected(*n, "device", "\"veth:NETNS/INTERFACE\"");
}

void read_qdisc(Section& s, FileInterface& i) {
  const toml::node* n = s.take("qdisc");
  if (n == nullptr) return;
  const toml::table* t = n->as_table();
  if (t == nullptr) return s.expected(*n, "qdisc", "a table like { kind = \"pfifo\", limit = 1000 }");
  Section q{*t, "qdisc", s.errors()};
  std::string kind = "pfifo";
  q.text("kind", kind);
  q.number("limit", i.queue_packets, 1, 1'000'000);
  if (kind != "pfifo") q.errors().add(q.line(), fmt::format("qdisc: kind \"{}\": this weir has \"pfifo\"", kind));
  q.finish();
}

void read_interface(Section s, FileNetns& ns) {
  FileInterface i;
  i.line = s.line();
  s.text("name", i.name, "a name of at most 15 characters");
  read_device(s, i);
  read_addresses(s, i);
  s.quantity("mac", i.mac, MacAddr::parse, "a MAC address like \"02:00:00:00:00:01\"");
  s.number("mtu", i.mtu, 68, 65'535);
  read_qdisc(s, i);
  s.flag("up", i.up);
  s.finish();
  if (i.name.empty()) s.errors().add(i.line, "interface: name is missing");
  if (i.name.size() > 15) s.errors().add(i.line, fmt::format("interface: name \"{}\" is longer than 15 characters", i.name));
  for (const FileInterface& other : ns.interfaces)
    if (other.name == i.name) s.errors().add(i.line, fmt::format("interface \"{}\" is there already, line {}", i.name, other.line));
  if (i.mac.is_multicast()) s.errors().add(i.line, fmt::format("interface {}: mac: a multicast address", i.name));
  ns.interfaces.push_back(std::move(i));
}

void read_route(Section s, FileNetns& ns) {
  FileRoute r;
  r.line = s.line();
  std::string to, via;
  s.text("to", to, "a prefix like \"10.0.0.0/8\", or \"default\"");
  s.text("via", via, "an address");
  s.text("interface", r.interface);
  s.number("metric", r.metric, 0, 0xffff'ffff);
  s.finish();
  const auto gateway = IpAddr::parse(via);
  if (!via.empty() && !gateway) return s.errors().add(r.line, fmt::format("route: via = \"{}\": expected an address", via));
  if (via.empty() && r.interface.empty()) return s.errors().add(r.line, "route: via or interface is missing");
  if (to == "default") {
    if (!gateway) return s.errors().add(r.line, "route: a default route needs via, which tells the family");
    r.to = {IpAddr::any(gateway->family()), 0};
  } else if (const auto p = Prefix::parse(to)) {
    r.to = p->masked();
  } else {
    return s.errors().add(r.line, fmt::format("route: to = \"{}\": expected a prefix like \"10.0.0.0/8\", or \"default\"", to));
  }
  r.via = gateway.value_or(IpAddr::any(r.to.address.family()));
  if (r.via.family() != r.to.address.family()) return s.errors().add(r.line, "route: to and via are of different families");
  ns.routes.push_back(r);
}

void read_load(Section& s, FileService& f) {
  std::string to;
  s.text("to", to, "an address");
  if (!to.empty()) {
    f.to = IpAddr::parse(to);
    if (!f.to) s.errors().add(f.line, fmt::format("service: to = \"{}\": expected an address", to));
  }
  s.duration("start", f.start);
  if (f.kind == "bulk") s.size("bytes", f.bytes, u64{1} << 50);
  if (f.kind != "cbr") s.number("connections", f.connections, 1, 10'000);
  if (f.kind == "rpc") {
    s.size("request", f.request, 1u << 24);
    s.size("response", f.response, 1u << 30);
    s.number("requests", f.requests, 1, 1'000'000'000);
    s.duration("think", f.think);
  }
  if (f.kind == "cbr") {
    s.rate("rate", f.rate);
    s.size("size", f.size, 65'507);
    s.duration("time", f.time);
    if (f.rate == 0) s.errors().add(f.line, "service: rate: expected more than 0");
  }
}

void read_service(Section s, FileNetns& ns) {
  FileService f;
  f.line = s.line();
  s.text("kind", f.kind);
  const auto kind = std::ranges::find(service_kinds, std::string_view{f.kind}, &ServiceKind::name);
  if (kind == std::end(service_kinds)) {
    std::vector<std::string_view> names;
    for (const ServiceKind& k : service_kinds) names.push_back(k.name);
    const std::string_view near = nearest(f.kind, names);
    return s.errors().add(f.line, fmt::format("service: kind = \"{}\": expected http, echo, discard, chargen, bulk, rpc or cbr{}", f.kind,
                                              near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
  }
  f.port = kind->port;
  s.number("port", f.port, 1, 65'535);
  if (f.kind == "http") s.text("root", f.root, "a directory");
  if (kind->is_load) read_load(s, f);
  s.finish();
  ns.services.push_back(std::move(f));
}

void read_sysctl(Section& s, FileNetns& ns) {
  std::string profile = "linux";
  s.text("profile", profile, "\"linux\" or \"rfc\"");
  if (profile == "rfc") ns.sysctl = Sysctl::rfc_profile();
  else if (profile != "linux")
    s.errors().add(s.line(), fmt::format("{}: profile = \"{}\": expected \"linux\" or \"rfc\"", s.name(), profile));
  if (s.has("forward")) {
    bool forward = false;
    s.flag("forward", forward);
    ns.sysctl.ip_forward = ns.sysctl.ip6_forward = forward;
  } else {
    s.take("forward");
  }
  const toml::node* n = s.take("sysctl");
  if (n == nullptr) return;
  const toml::table* t = n->as_table();
  if (t == nullptr) return s.expected(*n, "sysctl", "a table like { tcp_keepalive_time = 600 }");
  for (const auto& [key, value] : *t) {
    std::string text;
    if (const auto v = value.value_exact<std::string>()) text = *v;
    else if (const auto i = value.value_exact<i64>()) text = std::to_string(*i);
    else if (const auto b = value.value_exact<bool>()) text = *b ? "true" : "false";
    if (const auto done = set_sysctl(ns.sysctl, key.str(), text); !done)
      s.errors().add(key.source().begin.line, fmt::format("{}: sysctl: {}", s.name(), done.error()));
  }
}

void read_netns(Section s, NetworkFile& file, std::string name) {
  FileNetns ns;
  ns.line = s.line();
  ns.name = std::move(name);
  read_sysctl(s, ns);
  s.sections("interface", "interface", [&](Section x) { read_interface(std::move(x), ns); });
  s.sections("route", "route", [&](Section x) { read_route(std::move(x), ns); });
  s.sections("service", "service", [&](Section x) { read_service(std::move(x), ns); });
  s.finish();
  if (ns.sysctl.port_first > ns.sysctl.port_last)
    s.errors().add(ns.line, fmt::format("{}: ip_local_port_first is above ip_local_port_last", s.name()));
  file.netns.push_back(std::move(ns));
}

void read_wire(Section& s, sim::LinkConfig& c) {
  s.rate("rate", c.bits_per_second);
  s.duration("delay", c.delay);
  s.duration("jitter", c.jitter);
  s.probability("loss", c.loss);
  s.probability("reorder", c.reorder);
  s.duration("reorder_by", c.reorder_by);
  s.probability("duplicate", c.duplicate);
  s.probability("corrupt", c.corrupt);
  QueueLimit queue{c.queue_packets, c.queue_bytes};
  s.quantity("queue", queue, parse_queue, "packets like \"100pkt\" or a size like \"64KiB\"");
  c.queue_packets = queue.packets;
  c.queue_bytes = queue.bytes;
  s.flag("backpressure", c.backpressure);
  s.duration("coalesce", c.coalesce);
}

void read_outages(Section& s, FileLink& l) {
  s.sections("outage", "outage", [&](Section o) {
    Duration from{}, to{};
    o.duration("from", from);
    o.duration("to", to);
    o.finish();
    if (to <= from) return o.errors().add(o.line(), "outage: expected from and to, and from before to");
    l.outages.emplace_back(from, to);
  });
}

// "NETNS:INTERFACE"
void find_end(Section& s, const toml::node& n, const NetworkFile& file, FileLink& l, u32 which) {
  const std::string text = n.value_exact<std::string>().value_or("");
  const auto colon = text.find(':');
  const std::string netns = text.substr(0, colon), interface = colon == std::string::npos ? "" : text.substr(colon + 1);
  std::vector<std::string_view> names;
  for (u32 i = 0; i < file.netns.size(); ++i) {
    names.push_back(file.netns[i].name);
    if (file.netns[i].name != netns) continue;
    std::vector<std::string_view> interfaces;
    for (u32 k = 0; k < file.netns[i].interfaces.size(); ++k) {
      interfaces.push_back(file.netns[i].interfaces[k].name);
      if (file.netns[i].interfaces[k].name != interface) continue;
      l.netns[which] = i;
      l.interface[which] = k;
      return;
    }
    const std::string_view near = nearest(interface, interfaces);
    return s.errors().add(line_of(n), fmt::format("link: between: \"{}\": netns {} has no interface \"{}\"{}", text, netns, interface,
                                                  near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
  }
  const std::string_view near = nearest(netns, names);
  s.errors().add(line_of(n), fmt::format("link: between: \"{}\": expected \"NETNS:INTERFACE\", and no netns is called \"{}\"{}", text,
                                         netns, near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
}

void read_link(Section s, NetworkFile& file) {
  FileLink l;
  l.line = s.line();
  const toml::node* between = s.take("between");
  const toml::array* ends = between != nullptr ? between->as_array() : nullptr;
  read_wire(s, l.there);
  l.back = l.there;
  if (const toml::node* n = s.take("back")) {
    if (const toml::table* t = n->as_table()) {
      Section back{*t, "link.back", s.errors()};
      read_wire(back, l.back);
      back.finish();
    } else {
      s.expected(*n, "back", "a table of what is different on the way back, like { rate = \"1Mbit/s\" }");
    }
  }
  read_outages(s, l);
  s.finish();
  if (ends == nullptr || ends->size() != 2)
    return s.errors().add(l.line, "link: expected between = [\"NETNS:INTERFACE\", \"NETNS:INTERFACE\"]");
  const usize before = s.errors().all.size();
  for (u32 i = 0; i < 2; ++i) find_end(s, *ends->get(i), file, l, i);
  if (s.errors().all.size() == before) file.links.push_back(std::move(l));
}

FileInterface* find_interface(NetworkFile& file, std::string_view netns, std::string_view interface) {
  for (FileNetns& ns : file.netns)
    if (ns.name == netns)
      for (FileInterface& i : ns.interfaces)
        if (i.name == interface) return &i;
  return nullptr;
}

// How many interfaces have this one as the other end of their veth: it need not say so itself.
u32 ends_of_veths(const NetworkFile& file, std::string_view netns, std::string_view interface) {
  u32 n = 0;
  for (const FileNetns& other : file.netns)
    for (const FileInterface& y : other.interfaces) n += y.veth_netns == netns && y.veth_interface == interface ? 1 : 0;
  return n;
}

// Every interface has one wire: a device, a veth whose peer agrees, or one link.
void check_wires(NetworkFile& file, Errors& errors) {
  std::map<std::pair<u32, u32>, u32> linked;  // interface: line of its link
  for (const FileLink& l : file.links)
    for (u32 i = 0; i < 2; ++i) {
      const auto [at, fresh] = linked.emplace(std::pair{l.netns[i], l.interface[i]}, l.line);
      if (!fresh) errors.add(l.line, fmt::format("link: an interface of it is on the link of line {} already", at->second));
      const FileInterface& x = file.netns[l.netns[i]].interfaces[l.interface[i]];
      if (!x.device.empty()) errors.add(l.line, fmt::format("link: interface {} has a device of its own, line {}", x.name, x.line));
    }
  for (u32 n = 0; n < file.netns.size(); ++n)
    for (u32 k = 0; k < file.netns[n].interfaces.size(); ++k) {
      const FileInterface& x = file.netns[n].interfaces[k];
      if (x.device.empty()) {
        const u32 wires = ends_of_veths(file, file.netns[n].name, x.name) + (linked.contains({n, k}) ? 1 : 0);
        if (wires == 0) errors.add(x.line, fmt::format("interface {}: neither a device nor a [[link]]", x.name));
        if (wires > 1) errors.add(x.line, fmt::format("interface {}: {} wires end here, and it can have one", x.name, wires));
      }
      if (x.veth_interface.empty()) continue;
      const FileInterface* peer = find_interface(file, x.veth_netns, x.veth_interface);
      if (peer == nullptr)
        errors.add(x.line, fmt::format("interface {}: device: no interface {}/{}", x.name, x.veth_netns, x.veth_interface));
      else if (peer == &x || (!peer->device.empty() && (peer->veth_netns != file.netns[n].name || peer->veth_interface != x.name)))
        errors.add(x.line, fmt::format("interface {}: device: {}/{} is wired to something else", x.name, x.veth_netns, x.veth_interface));
    }
}

void check_routes(const NetworkFile& file, Errors& errors) {
  for (const FileNetns& ns : file.netns)
    for (const FileRoute& r : ns.routes) {
      const auto has = [&](const FileInterface& i) { return i.name == r.interface; };
      if (!r.interface.empty() && std::ranges::none_of(ns.interfaces, has))
        errors.add(r.line, fmt::format("route: netns {} has no interface \"{}\"", ns.name, r.interface));
    }
}

void read_file(const toml::table& root, NetworkFile& file, Errors& errors) {
  Section top{root, "the file", errors};
  if (const toml::node* n = top.take("netns")) {
    const toml::table* all = n->as_table();
    if (all == nullptr) top.expected(*n, "netns", "[netns.NAME]");
    else
      for (const auto& [name, value] : *all) {
        const std::string key{name.str()};
        if (const toml::table* t = value.as_table()) read_netns(Section{*t, "netns." + key, errors}, file, key);
        else errors.add(line_of(value), fmt::format("netns.{}: expected [netns.{}]", key, key));
      }
  }
  std::ranges::stable_sort(file.netns, {}, &FileNetns::line);
  top.sections("link", "link", [&](Section s) { read_link(std::move(s), file); });
  top.finish();
  if (file.netns.empty() && errors.all.empty()) errors.add(1, "no [netns.NAME] in the file");
  if (!errors.all.empty()) return;  // what follows from them would only hide them
  check_wires(file, errors);
  check_routes(file, errors);
}

}  // namespace

Result<NetworkFile, std::string> NetworkFile::parse(std::string_view text, const std::string& path) {
  NetworkFile file;
  file.path = path;
  Errors errors;
  try {
    const toml::table root = toml::parse(text, path);
    read_file(root, file, errors);
  } catch (const toml::parse_error& e) {
    errors.add(e.source().begin.line, std::string(e.description()));
  }
  if (errors.all.empty()) return file;
  std::ranges::stable_sort(errors.all, {}, &std::pair<u32, std::string>::first);
  std::string all;
  for (const auto& [line, what] : errors.all) all += fmt::format("{}{}:{}: {}", all.empty() ? "" : "\n", path, line, what);
  return std::unexpected(all);
}

Result<NetworkFile, std::string> NetworkFile::load(const std::string& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (errno != 0) return std::unexpected(fmt::format("{}: cannot be read: {}", path, std::generic_category().message(errno)));
  return parse(text, path);
}

}  // namespace weir
