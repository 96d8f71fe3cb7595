// io/spec.hpp
#include "io/spec.hpp"

#include <array>

#include "io/packet_socket.hpp"
#include "io/pcap.hpp"
#include "io/tap.hpp"

namespace weir::io {
namespace {

struct KindInfo {
  std::string_view name;
  Spec::Kind kind;
  std::string_view form;
};
constexpr std::array kinds{
    KindInfo{"tap", Spec::Kind::tap, "tap:NAME[,host=A/LEN][,offload=off]"},
    KindInfo{"tun", Spec::Kind::tun, "tun:NAME[,host=A/LEN][,offload=off]"},
    KindInfo{"packet", Spec::Kind::packet, "packet:IFACE[,offload=off]"},
    KindInfo{"pcap", Spec::Kind::pcap, "pcap:FILE[,out=FILE][,pace=recorded]"},
    KindInfo{"loopback", Spec::Kind::loopback, "loopback"},
};
constexpr std::array<std::string_view, 3> not_yet{"xdp", "dpdk", "user"};

using Done = Result<void, std::string>;

std::string join(std::initializer_list<std::string_view> parts) {
  std::string s;
  for (std::string_view p : parts) s.append(p);
  return s;
}

std::unexpected<std::string> wrong(std::initializer_list<std::string_view> parts) { return std::unexpected(join(parts)); }

std::string all_forms() {
  std::string s;
  for (const KindInfo& k : kinds) s.append(s.empty() ? "" : ", ").append(k.form);
  return s;
}

Done set_switch(bool& value, std::string_view key, std::string_view text, std::string_view yes, std::string_view no) {
  if (text != yes && text != no) return wrong({key, "=", text, ": must be ", yes, " or ", no});
  value = text == yes;
  return {};
}

Done add_host(Spec& spec, std::string_view value) {
  const auto prefix = Prefix::parse(value);
  if (!prefix) return wrong({"host=", value, ": not an address with a prefix length, such as 10.77.0.1/24 or fd77::1/64"});
  if (value.find('/') == std::string_view::npos)
    return wrong({"host=", value, ": the prefix length is missing, such as ", value, prefix->address.is_v4() ? "/24" : "/64"});
  if (spec.kind == Spec::Kind::tap || spec.kind == Spec::Kind::tun) {
    spec.host.push_back(*prefix);
    return {};
  }
  return wrong({"host= is for tap: and tun: only, whose other end is the kernel's"});
}

Done set_key(Spec& spec, std::string_view key, std::string_view value) {
  if (key == "host") return add_host(spec, value);
  if (key == "offload") return set_switch(spec.offload, key, value, "on", "off");
  const bool is_pcap = spec.kind == Spec::Kind::pcap;
  if (key == "pace" && is_pcap) return set_switch(spec.recorded_pace, key, value, "recorded", "fast");
  if (key == "out" && is_pcap) {
    if (value.empty()) return wrong({"out=: a file name is missing"});
    spec.out = value;
    return {};
  }
  return wrong({"no setting \"", key, "\" here; there are: ",
                is_pcap                           ? "out=FILE, pace=recorded, offload=off"
                : spec.kind == Spec::Kind::packet ? "offload=off"
                                                  : "host=A/LEN, offload=off"});
}

const KindInfo* find_kind(std::string_view name) {
  for (const KindInfo& k : kinds)
    if (k.name == name) return &k;
  return nullptr;
}

Done parse_settings(Spec& spec, std::string_view rest) {
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest = item.size() < rest.size() ? rest.substr(item.size() + 1) : std::string_view{};
    const usize eq = item.find('=');
    if (eq == std::string_view::npos) return wrong({"\"", item, "\": settings have the form KEY=VALUE"});
    if (auto done = set_key(spec, item.substr(0, eq), item.substr(eq + 1)); !done) return done;
  }
  return {};
}

template <class T>
std::vector<Device> as_devices(std::vector<std::unique_ptr<T>> drivers) {
  std::vector<Device> devices;
  for (auto& d : drivers) devices.emplace_back(std::move(d));
  return devices;
}

template <class T>
Result<std::vector<Device>, std::string> one_device(Result<std::unique_ptr<T>, std::string> driver) {
  if (!driver) return std::unexpected(std::move(driver.error()));
  std::vector<Device> devices;
  devices.emplace_back(std::move(*driver));
  return devices;
}

}  // namespace

Result<Spec, std::string> Spec::parse(std::string_view text) {
  const usize comma = text.find(',');
  const std::string_view first = text.substr(0, comma);
  const usize colon = first.find(':');
  const std::string_view kind_name = first.substr(0, colon);
  for (std::string_view later : not_yet)
    if (kind_name == later) return wrong({"device \"", text, "\": ", later, " is not there yet; there are: ", all_forms()});
  const KindInfo* const kind = find_kind(kind_name);
  if (kind == nullptr) return wrong({"device \"", text, "\": no kind of device is called \"", kind_name, "\"; there are: ", all_forms()});
  Spec spec;
  spec.kind = kind->kind;
  if (colon != std::string_view::npos) spec.name = first.substr(colon + 1);
  const bool wants_name = spec.kind != Kind::loopback;
  if (wants_name == spec.name.empty()) return wrong({"device \"", text, "\": must be ", kind->form});
  constexpr usize longest_name = 15;  // IFNAMSIZ - 1
  if (spec.kind != Kind::pcap && (spec.name.size() > longest_name || spec.name.find_first_of("/ :") != std::string::npos))
    return wrong({"device \"", text, "\": \"", spec.name, "\" cannot be an interface's name (1 to 15 characters, no '/', ':' or space)"});
  if (comma != std::string_view::npos)
    if (auto done = parse_settings(spec, text.substr(comma + 1)); !done) return wrong({"device \"", text, "\": ", done.error()});
  return spec;
}

Result<std::vector<Device>, std::string> open(const Spec& spec, const OpenOptions& options) {
  switch (spec.kind) {
    case Spec::Kind::tap:
    case Spec::Kind::tun: {
      auto queues = Tap::open({.name = spec.name,
                               .tun = spec.kind == Spec::Kind::tun,
                               .host = spec.host,
                               .mtu = options.mtu,
                               .offload = spec.offload,
                               .queues = options.queues});
      if (!queues) return std::unexpected(std::move(queues.error()));
      return as_devices(std::move(*queues));
    }
    case Spec::Kind::packet: return one_device(PacketSocket::open({.interface = spec.name, .offload = spec.offload}));
    case Spec::Kind::pcap:
      return one_device(
          Pcap::open({.in = spec.name, .out = spec.out, .recorded_pace = spec.recorded_pace, .to_wall_clock = options.to_wall_clock}));
    case Spec::Kind::loopback: break;
  }
  return std::vector<Device>{};
}

}  // namespace weir::io
