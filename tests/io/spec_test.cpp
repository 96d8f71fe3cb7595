#include "io/spec.hpp"

#include <gtest/gtest.h>

namespace weir::io {
namespace {

TEST(spec, every_kind) {
  const auto tap = Spec::parse("tap:weir0,host=10.77.0.1/24,host=fd77::1/64,offload=off");
  ASSERT_TRUE(tap) << tap.error();
  EXPECT_EQ(tap->kind, Spec::Kind::tap);
  EXPECT_EQ(tap->name, "weir0");
  ASSERT_EQ(tap->host.size(), 2u);
  EXPECT_EQ(tap->host[0], *Prefix::parse("10.77.0.1/24"));
  EXPECT_EQ(tap->host[1], *Prefix::parse("fd77::1/64"));
  EXPECT_FALSE(tap->offload);

  EXPECT_EQ(Spec::parse("tun:t0")->kind, Spec::Kind::tun);
  EXPECT_TRUE(Spec::parse("tun:t0")->offload);
  EXPECT_EQ(Spec::parse("packet:eth0")->kind, Spec::Kind::packet);
  EXPECT_EQ(Spec::parse("loopback")->kind, Spec::Kind::loopback);
  EXPECT_EQ(Spec::parse("loopback,offload=off")->kind, Spec::Kind::loopback);

  const auto pcap = Spec::parse("pcap:/tmp/a:b.pcap,out=/tmp/out.pcapng,pace=recorded");
  ASSERT_TRUE(pcap) << pcap.error();
  EXPECT_EQ(pcap->name, "/tmp/a:b.pcap");
  EXPECT_EQ(pcap->out, "/tmp/out.pcapng");
  EXPECT_TRUE(pcap->recorded_pace);
}

TEST(spec, an_error_names_what_was_wrong_and_what_would_be_right) {
  const auto says = [](const char* text, std::initializer_list<const char*> parts) {
    const auto r = Spec::parse(text);
    ASSERT_FALSE(r) << text;
    for (const char* part : parts) EXPECT_NE(r.error().find(part), std::string::npos) << r.error() << "\nlacks " << part;
  };
  says("nonsense:x", {"nonsense", "tap:NAME", "loopback"});
  says("", {"tap:NAME"});
  says("tap", {"tap", "tap:NAME"});
  says("tap:", {"tap:NAME"});
  says("loopback:x", {"must be loopback"});
  says("tap:a234567890123456", {"a234567890123456", "1 to 15"});
  says("tap:a/b", {"a/b"});
  says("tap:w,host=10.0.0.1", {"host=10.0.0.1", "/24"});
  says("tap:w,host=fd00::1", {"/64"});
  says("tap:w,host=10.0.0.300/24", {"10.0.0.300/24"});
  says("tap:w,offload=maybe", {"maybe", "on or off"});
  says("tap:w,hots=10.0.0.1/24", {"hots", "host=A/LEN"});
  says("tap:w,offload", {"KEY=VALUE"});
  says("packet:e,host=10.0.0.1/24", {"tap:"});
  says("tap:w,out=x", {"out"});
  says("pcap:f,out=", {"file name"});
  says("xdp:eth0", {"xdp", "not there yet"});
  says("dpdk:--vdev", {"not there yet"});
  says("user", {"not there yet"});
}

TEST(spec, what_cannot_be_opened_says_why) {
  const auto says = [](const char* text, const char* part) {
    const auto r = open(*Spec::parse(text));
    ASSERT_FALSE(r) << text;
    EXPECT_NE(r.error().find(part), std::string::npos) << r.error();
  };
  says("pcap:/nowhere/x.pcap", "/nowhere/x.pcap: No such file");
  says("pcap:/dev/null", "pcapng");
  says("packet:nowhere9", "no such interface");
  EXPECT_TRUE(open(*Spec::parse("loopback"))->empty());
}

}  // namespace
}  // namespace weir::io
