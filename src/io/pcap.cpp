// io/pcap.hpp
#include "io/pcap.hpp"

#include <cerrno>
#include <cstring>
#include <vector>

namespace weir::io {

using buf::PacketId;
using wire::LinkType;

void Pcap::Close::operator()(std::FILE* f) const noexcept {
  if (f != stdin) std::fclose(f);
}

Result<std::unique_ptr<Pcap>, std::string> Pcap::open(const PcapConfig& config) {
  auto device = std::make_unique<Pcap>(config);
  if (auto done = device->open_in(); !done) return std::unexpected("pcap:" + config.in + ": " + done.error());
  if (auto done = device->open_out(); !done) return std::unexpected("pcap: cannot write " + config.out + ": " + done.error());
  return device;
}

Result<void, std::string> Pcap::open_in() {
  if (config_.in.empty()) return {};
  in_.reset(config_.in == "-" ? stdin : std::fopen(config_.in.c_str(), "rbe"));
  if (!in_) return std::unexpected(std::string(std::strerror(errno)));
  reader_ = std::make_unique<wire::CaptureReader>([f = in_.get()](MutBytes out) { return std::fread(out.data(), 1, out.size(), f); });
  read_next();
  if (bad_) return std::unexpected(std::string(wire::text(*bad_)) + " (a pcap or pcapng file is wanted)");
  if (next_) link_type_ = static_cast<LinkType>(reader_->link_type(*next_));
  if (link_type_ != LinkType::ethernet && link_type_ != LinkType::raw_ip)
    return std::unexpected("link type " + std::to_string(static_cast<unsigned>(link_type_)) +
                           ": only Ethernet (1) and raw IP (101) can be played");
  return {};
}

Result<void, std::string> Pcap::open_out() {
  if (config_.out.empty()) return {};
  out_.reset(std::fopen(config_.out.c_str(), "wbe"));
  if (!out_) return std::unexpected(std::string(std::strerror(errno)));
  const auto sink = [f = out_.get()](Bytes b) { return std::fwrite(b.data(), 1, b.size(), f) == b.size(); };
  if (config_.out.ends_with(".pcapng")) {
    pcapng_ = std::make_unique<wire::PcapngWriter>(sink);
    pcapng_->add_interface("weir", link_type_);
  } else {
    pcap_ = std::make_unique<wire::PcapWriter>(sink, link_type_);
  }
  return {};
}

Caps Pcap::caps() const noexcept {
  // Frames go to the file as they would go to a wire: complete, and no longer than it takes.
  return {.kind = link_type_ == LinkType::raw_ip ? InterfaceKind::raw_ip : InterfaceKind::ethernet};
}

// Skips packets of interfaces with another link type, and those cut off when they were captured: they are counted.
void Pcap::read_next() noexcept {
  next_.reset();
  while (reader_ && !bad_) {
    auto record = reader_->next();
    if (!record) {
      bad_ = record.error();
      ++stats_.rx_errors;
      return;
    }
    if (!*record) return;
    const bool first = stats_.rx_packets + stats_.rx_errors == 0;
    const bool same_link = first || reader_->link_type(**record) == static_cast<u16>(link_type_);
    if (same_link && (*record)->original_length <= (*record)->data.size()) {
      next_ = *record;
      return;
    }
    ++stats_.rx_errors;
  }
}

Instant Pcap::wake_at(Instant now) const noexcept {
  if (!next_) return Instant::never();
  if (!config_.recorded_pace || !offset_) return now;
  return next_->time + *offset_;
}

u32 Pcap::receive(buf::Pool& pool, std::span<PacketId> out, u32 max_bytes, Instant now) noexcept {
  u32 n = 0, total = 0;
  while (n < out.size() && total < max_bytes && next_) {
    if (!offset_) offset_ = now - next_->time;
    if (config_.recorded_pace && next_->time + *offset_ > now) break;
    const PacketId id = pool.from_bytes(next_->data);
    if (id == PacketId::none) {  // it can wait, unless it never fits
      if (n == 0 && pool.packets_in_use() == 0) ++stats_.rx_dropped, read_next();
      break;
    }
    out[n++] = id;
    total += pool[id].length;
    ++stats_.rx_packets;
    read_next();
  }
  stats_.rx_bytes += total;
  return n;
}

bool Pcap::write(const wire::CaptureRecord& record) { return pcapng_ ? pcapng_->write(record) : pcap_ ? pcap_->write(record) : true; }

u32 Pcap::send(buf::Pool& pool, std::span<const PacketId> packets, Instant now) noexcept {
  std::vector<std::byte> flat;
  for (PacketId id : packets) {
    const u32 length = pool[id].length;
    Bytes data = pool.first_run(id);
    if (data.size() != length) {
      flat.resize(length);
      pool.copy_out(id, 0, flat);
      data = flat;
    }
    stats_.tx_bytes += length;
    if (!write({.time = now + config_.to_wall_clock, .data = data, .direction = wire::Direction::out})) {
      write_failed_ = true;
      ++stats_.tx_errors;
    }
  }
  stats_.tx_packets += packets.size();
  if (out_ && std::fflush(out_.get()) != 0) write_failed_ = true;
  return static_cast<u32>(packets.size());
}

}  // namespace weir::io
