// The network file: namespaces, interfaces, routes, services and links in TOML, for `weir up` (real devices and time) and
// `weir sim` (virtual). Here it is read and checked into plain values; docs/guide.md describes it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "ip/sysctl.hpp"
#include "sim/pipe.hpp"
#include "wire/address.hpp"

namespace weir {

struct FileInterface {
  u32 line = 0;
  std::string name;
  std::string device;              // SPEC of io/spec.hpp; empty: a link or a veth is attached
  std::string veth_netns, veth_interface;  // of the peer, when device was "veth:NETNS/INTERFACE"
  std::vector<Prefix> addresses;
  bool dhcp = false, automatic = false;    // among the addresses
  MacAddr mac{};                   // zero: any
  u16 mtu = 0;                     // 0: the device's own, 1500 for links
  u32 queue_packets = 1000;
  bool up = true;
};

struct FileRoute {
  u32 line = 0;
  Prefix to;
  IpAddr via;                      // any: on link
  std::string interface;
  u32 metric = 0;
};

// What runs in a namespace. Servers are http, echo, discard, chargen; loads are bulk, rpc, cbr (`weir sim` only): with `to`
// they are the side that begins, without it the side that answers.
struct FileService {
  u32 line = 0;
  std::string kind;
  u16 port = 0;
  std::string root = ".";          // http
  std::optional<IpAddr> to;
  Duration start{};                // when it begins
  u64 bytes = 0;                   // bulk: to send; without `to`: to everyone who connects
  u32 connections = 1;             // bulk, rpc
  u32 request = 64, response = 1024, requests = 100;  // rpc
  Duration think{};                // rpc
  u64 rate = 1'000'000;            // cbr: bits per second
  u32 size = 1000;                 // cbr: bytes of a datagram
  Duration time = Duration::seconds(10);  // cbr
};

struct FileNetns {
  u32 line = 0;
  std::string name;
  Sysctl sysctl;                   // `forward` and `profile` are in it
  std::vector<FileInterface> interfaces;
  std::vector<FileRoute> routes;
  std::vector<FileService> services;
};

struct FileLink {
  u32 line = 0;
  u32 netns[2] = {}, interface[2] = {};  // indexes of its ends
  sim::LinkConfig there, back;           // from the first end to the second, and back
  std::vector<std::pair<Duration, Duration>> outages;  // from, to: since the beginning
};

struct NetworkFile {
  std::string path;
  std::vector<FileNetns> netns;  // in the order of the file
  std::vector<FileLink> links;

  // The error is for the user: FILE:LINE: what is wrong, what was expected, the nearest known key. All there are, one a line.
  [[nodiscard]] static Result<NetworkFile, std::string> load(const std::string& path);
  [[nodiscard]] static Result<NetworkFile, std::string> parse(std::string_view text, const std::string& path);
};

}  // namespace weir
