// Network files: what is read from a good one, and that a bad one is told by line, key, what was expected and what is near.
#include "api/network_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/sysctl_names.hpp"

namespace weir {
namespace {

using testing::HasSubstr;

constexpr std::string_view good = R"(
[netns.web]
forward = true
sysctl = { tcp_keepalive_time = "10min", tcp_timestamps = false, tcp_rmem = "64KiB" }
[[netns.web.interface]]
name = "eth0"
addresses = ["10.77.0.2/24", "fd77::2/64"]
mac = "02:00:00:00:00:02"
mtu = 1400
[[netns.web.route]]
to = "default"
via = "10.77.0.1"
metric = 100
[[netns.web.route]]
to = "fd78::/16"
via = "fd77::1"
[[netns.web.service]]
kind = "http"
root = "./public"

[netns.client]
[[netns.client.interface]]
name = "eth0"
addresses = ["10.77.0.1/24"]
[[netns.client.service]]
kind = "bulk"
to = "10.77.0.2"
bytes = "10MB"
start = "500ms"
[[netns.client.interface]]
name = "up0"
device = "tap:weir0,host=10.1.0.1/24"

[[link]]
between = ["web:eth0", "client:eth0"]
rate = "1Gbit/s"
delay = "10ms"
loss = "0.1%"
queue = "100pkt"
back = { rate = "10Mbit/s" }
outage = [{ from = "1s", to = "2s" }]
)";

TEST(api_network_file, good) {
  const auto file = NetworkFile::parse(good, "good.toml");
  ASSERT_TRUE(file) << file.error();
  ASSERT_EQ(file->netns.size(), 2u);
  const FileNetns& web = file->netns[0];
  EXPECT_EQ(web.name, "web");
  EXPECT_TRUE(web.sysctl.ip_forward && web.sysctl.ip6_forward);
  EXPECT_EQ(web.sysctl.tcp_keepalive_time_s, 600u);
  EXPECT_FALSE(web.sysctl.tcp_timestamps);
  EXPECT_EQ(web.sysctl.tcp_rmem, 65'536u);
  ASSERT_EQ(web.interfaces.size(), 1u);
  EXPECT_EQ(web.interfaces[0].addresses.size(), 2u);
  EXPECT_EQ(web.interfaces[0].mtu, 1400);
  ASSERT_EQ(web.routes.size(), 2u);
  EXPECT_EQ(web.routes[0].to.length, 0);
  EXPECT_EQ(web.routes[0].metric, 100u);
  ASSERT_EQ(web.services.size(), 1u);
  EXPECT_EQ(web.services[0].port, 80);
  EXPECT_EQ(web.services[0].root, "./public");
  const FileService& bulk = file->netns[1].services[0];
  EXPECT_EQ(bulk.bytes, 10'000'000u);
  EXPECT_EQ(bulk.port, 5001);
  EXPECT_EQ(bulk.start, 500_ms);
  ASSERT_EQ(file->links.size(), 1u);
  const FileLink& l = file->links[0];
  EXPECT_EQ(l.there.bits_per_second, 1'000'000'000u);
  EXPECT_EQ(l.back.bits_per_second, 10'000'000u);
  EXPECT_EQ(l.back.delay, 10_ms);
  EXPECT_DOUBLE_EQ(l.there.loss, 0.001);
  EXPECT_EQ(l.there.queue_packets, 100u);
  ASSERT_EQ(l.outages.size(), 1u);
  EXPECT_EQ(l.outages[0].second, 2_s);
}

std::string error_of(std::string_view text) {
  const auto file = NetworkFile::parse(text, "bad.toml");
  return file ? "no error" : file.error();
}

TEST(api_network_file, an_unknown_key_names_line_and_nearest) {
  const std::string e = error_of("[netns.r]\nforwrd = true\n");
  EXPECT_THAT(e, HasSubstr("bad.toml:2: "));
  EXPECT_THAT(e, HasSubstr("\"forwrd\""));
  EXPECT_THAT(e, HasSubstr("did you mean \"forward\"?"));
}

TEST(api_network_file, every_mistake_is_told) {
  const std::string e = error_of(R"([netns.a]
forward = 1
sysctl = { tcp_timestmps = true }
[[netns.a.interface]]
name = "eth0"
addresses = ["10.0.0.1"]
mac = "zz"
[[netns.a.route]]
to = "10.0.0.0/99"
via = "10.0.0.1"
[[netns.a.service]]
kind = "htpp"
[[link]]
between = ["a:eth0", "b:eth0"]
rate = "fast"
loss = "200%"
colour = "red"
)");
  EXPECT_THAT(e, HasSubstr("bad.toml:2: netns.a: forward: expected true or false"));
  EXPECT_THAT(e, HasSubstr("bad.toml:3: netns.a: sysctl: no setting is called \"tcp_timestmps\"; did you mean \"tcp_timestamps\"?"));
  EXPECT_THAT(e, HasSubstr("bad.toml:6: interface: addresses: expected"));
  EXPECT_THAT(e, HasSubstr("bad.toml:7: interface: mac: expected"));
  EXPECT_THAT(e, HasSubstr("bad.toml:8: route: to = \"10.0.0.0/99\": expected"));
  EXPECT_THAT(e, HasSubstr("bad.toml:11: service: kind = \"htpp\": expected"));
  EXPECT_THAT(e, HasSubstr("did you mean \"http\"?"));
  EXPECT_THAT(e, HasSubstr("bad.toml:14: link: between: \"b:eth0\""));
  EXPECT_THAT(e, HasSubstr("bad.toml:15: link: rate: expected a rate"));
  EXPECT_THAT(e, HasSubstr("bad.toml:16: link: loss: expected a share"));
  EXPECT_THAT(e, HasSubstr("bad.toml:17: link: unknown key \"colour\""));
}

TEST(api_network_file, syntax_errors_have_a_line) { EXPECT_THAT(error_of("[netns.a]\nforward = \n"), HasSubstr("bad.toml:2: ")); }

TEST(api_network_file, nothing_in_it) { EXPECT_THAT(error_of(""), HasSubstr("bad.toml:1: no [netns.NAME]")); }

TEST(api_network_file, wires_are_checked) {
  EXPECT_THAT(error_of("[netns.a]\n[[netns.a.interface]]\nname = \"e\"\n"),
              HasSubstr("bad.toml:2: interface e: neither a device nor a [[link]]"));
  EXPECT_THAT(error_of("[netns.a]\n[[netns.a.interface]]\nname = \"e\"\ndevice = \"veth:b/x\"\n"), HasSubstr("no interface b/x"));
}

TEST(api_network_file, a_veth_needs_to_be_named_once) {
  const auto file = NetworkFile::parse(R"([netns.a]
[[netns.a.interface]]
name = "e"
device = "veth:b/f"
[netns.b]
[[netns.b.interface]]
name = "f"
)",
                                       "veth.toml");
  ASSERT_TRUE(file) << file.error();
}

TEST(api_network_file, an_interface_has_one_wire) {
  constexpr std::string_view three = R"([netns.a]
[[netns.a.interface]]
name = "e"
device = "veth:b/f"
[netns.b]
[[netns.b.interface]]
name = "f"
[netns.c]
[[netns.c.interface]]
name = "g"
)";
  const std::string text(three);
  EXPECT_THAT(error_of(text + "device = \"veth:b/f\"\n"), HasSubstr("bad.toml:6: interface f: 2 wires end here"));
  EXPECT_THAT(error_of(text + "[[link]]\nbetween = [\"b:f\", \"c:g\"]\n"), HasSubstr("bad.toml:6: interface f: 2 wires end here"));
}

TEST(api_network_file, a_file_that_is_not_there) {
  const auto file = NetworkFile::load("/nonexistent/x.toml");
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error(), HasSubstr("/nonexistent/x.toml: cannot be read: No such file"));
}

TEST(api_sysctl, every_name_can_be_set_to_what_it_says) {
  for (const std::string_view name : sysctl_names()) {
    Sysctl s;
    const std::string value = sysctl_text(s, name);
    EXPECT_TRUE(set_sysctl(s, name, value)) << name << " = " << value;
    EXPECT_EQ(sysctl_text(s, name), value) << name;
  }
}

TEST(api_sysctl, bounds) {
  Sysctl s;
  EXPECT_FALSE(set_sysctl(s, "tcp_syn_retries", "128"));
  EXPECT_FALSE(set_sysctl(s, "tcp_timestamps", "2"));
  EXPECT_FALSE(set_sysctl(s, "tcp_rmem", "1"));
  EXPECT_TRUE(set_sysctl(s, "tcp_rto_min", "300ms"));
  EXPECT_EQ(s.tcp_rto_min_ms, 300u);
  EXPECT_THAT(set_sysctl(s, "tcp_congestion_control", "vegas").error(), HasSubstr("reno"));
}

TEST(api_sysctl, nearest_is_near) {
  EXPECT_EQ(nearest("forwrd", {"sysctl", "forward"}), "forward");
  EXPECT_EQ(nearest("qqqqqq", {"sysctl", "forward"}), "");
}

}  // namespace
}  // namespace weir
