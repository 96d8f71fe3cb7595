// Network files in virtual time: what `weir sim` reports.
#include "api/simulation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

namespace weir {
namespace {

using nlohmann::json;

NetworkFile parsed(std::string_view text) {
  auto file = NetworkFile::parse(text, "test.toml");
  EXPECT_TRUE(file) << file.error();
  return *file;
}

json run(std::string_view text, const SimulationOptions& options = {}) {
  const auto report = run_simulation(parsed(text), options);
  EXPECT_TRUE(report) << report.error();
  if (!report) return {};
  EXPECT_TRUE(report->good) << report->text;
  return json::parse(report->json);
}

constexpr std::string_view two_hosts = R"(
[netns.client]
[[netns.client.interface]]
name = "eth0"
addresses = ["10.0.0.1/24", "fd00::1/64"]
[[netns.client.service]]
kind = "bulk"
to = "10.0.0.2"
port = 9
bytes = "1MB"
[[netns.client.service]]
kind = "rpc"
to = "fd00::2"
requests = 10
think = "20ms"
[[netns.client.service]]
kind = "cbr"
to = "10.0.0.2"
rate = "80kbit/s"
time = "2s"

[netns.server]
[[netns.server.interface]]
name = "eth0"
addresses = ["10.0.0.2/24", "fd00::2/64"]
[[netns.server.service]]
kind = "discard"
[[netns.server.service]]
kind = "rpc"
[[netns.server.service]]
kind = "cbr"

[[link]]
between = ["client:eth0", "server:eth0"]
rate = "10Mbit/s"
delay = "10ms"
queue = "100pkt"
)";

TEST(api_simulation, flows_links_and_counters_are_reported) {
  const json j = run(two_hosts);
  ASSERT_EQ(j["flows"].size(), 3u);
  const json &bulk = j["flows"][0], &rpc = j["flows"][1], &cbr = j["flows"][2];
  EXPECT_EQ(bulk["bytes"], 1'000'000u);
  EXPECT_GT(bulk["goodput_bit_s"].get<double>(), 5e6);
  EXPECT_LT(bulk["goodput_bit_s"].get<double>(), 1e7);
  EXPECT_GE(bulk["rtt_us"]["min"].get<u32>(), 20'000u);
  EXPECT_EQ(rpc["requests"], 10u);
  EXPECT_GE(rpc["latency_us"]["min"].get<u32>(), 20'000u);
  EXPECT_EQ(cbr["datagrams_sent"], 20u);
  EXPECT_EQ(cbr["datagrams_received"], 20u);
  const json& there = j["links"][0]["directions"][0];
  EXPECT_EQ(there["from"], "client");
  EXPECT_GT(there["bytes_delivered"].get<u64>(), 1'000'000u);
  EXPECT_EQ(j["netns"]["client"]["tcp"]["tcpActiveOpens"], 2u);
  EXPECT_EQ(j["netns"]["server"]["tcp"]["tcpPassiveOpens"], 2u);
  EXPECT_EQ(j["netns"]["server"]["udp"]["udpInDatagrams"], 20u);
  EXPECT_TRUE(j["violations"].empty());
}

TEST(api_simulation, the_same_seed_gives_the_same_report) {
  const auto digest = [](u64 seed) { return run(two_hosts, {.seed = seed})["digest"].get<std::string>(); };
  EXPECT_EQ(digest(1), digest(1));
  EXPECT_NE(digest(1), digest(2));
}

TEST(api_simulation, time_may_be_limited) {
  const json j = run(two_hosts, {.time = 100_ms});
  EXPECT_EQ(j["time_s"], 0.1);
  EXPECT_TRUE(j["flows"][0]["completion_s"].is_null());
}

TEST(api_simulation, a_router_between_veth_and_link) {
  const json j = run(R"(
[netns.a]
[[netns.a.interface]]
name = "eth0"
device = "veth:r/a0"
addresses = ["10.1.0.2/24"]
[[netns.a.route]]
to = "default"
via = "10.1.0.1"
[[netns.a.service]]
kind = "bulk"
to = "10.2.0.2"
port = 9
bytes = "100kB"

[netns.r]
forward = true
[[netns.r.interface]]
name = "a0"
addresses = ["10.1.0.1/24"]
[[netns.r.interface]]
name = "b0"
addresses = ["10.2.0.1/24"]

[netns.b]
[[netns.b.interface]]
name = "eth0"
addresses = ["10.2.0.2/24"]
[[netns.b.route]]
to = "default"
via = "10.2.0.1"
[[netns.b.service]]
kind = "discard"

[[link]]
between = ["r:b0", "b:eth0"]
rate = "10Mbit/s"
delay = "5ms"
)");
  EXPECT_EQ(j["flows"][0]["bytes"], 100'000u);
  EXPECT_GT(j["netns"]["r"]["ipv4"]["ipSystemStatsHCOutForwDatagrams"].get<u64>(), 50u);
}

TEST(api_simulation, outages_come_when_they_are_written) {
  std::string text{two_hosts};
  text += "outage = [{ from = \"100ms\", to = \"5s\" }]\n";
  const json j = run(text);
  EXPECT_GT(j["flows"][0]["completion_s"].get<double>(), 4.0);
  EXPECT_GT(j["flows"][0]["rtos"].get<u64>(), 2u);
}

TEST(api_simulation, captures_of_each_link) {
  const auto dir = std::filesystem::temp_directory_path() / "weir-simulation-test";
  run(two_hosts, {.time = 1_s, .pcap_directory = dir.string()});
  const auto file = dir / "client.eth0-server.eth0.pcapng";
  ASSERT_TRUE(std::filesystem::exists(file));
  EXPECT_GT(std::filesystem::file_size(file), 100'000u);
  std::filesystem::remove_all(dir);
}

TEST(api_simulation, what_is_not_available_is_named_by_its_line) {
  const auto file =
      parsed("[netns.a]\n[[netns.a.interface]]\nname = \"lo0\"\ndevice = \"loopback\"\n[[netns.a.service]]\nkind = \"http\"\n");
  const auto report = run_simulation(file, {});
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error(), testing::HasSubstr("test.toml:5: service: kind \"http\""));
}

TEST(api_simulation, a_port_that_is_taken) {
  const auto file = parsed("[netns.a]\n[[netns.a.service]]\nkind = \"echo\"\nport = 9\n[[netns.a.service]]\nkind = \"discard\"\n");
  const auto report = run_simulation(file, {});
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error(), testing::HasSubstr("address or port taken"));
}

}  // namespace
}  // namespace weir
