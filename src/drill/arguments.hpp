// What the values in a call mean: numbers, flags, addresses, memory.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "drill/settings.hpp"

namespace weir::drill {

// A number, a constant, or constants joined by |. Throws ScriptError for a name that is none.
[[nodiscard]] i64 number_of(const Value& value, const Settings& settings);
// The same in brackets: [1].
[[nodiscard]] i64 bracketed(const Value& value, const Settings& settings);
[[nodiscard]] bool is_null(const Value& value) noexcept;
[[nodiscard]] inline bool is_ellipsis(const Value& value) noexcept { return value.kind == Value::Kind::ellipsis; }

// Fields of {name=value, ...}: null when there is none of the name. A field may be written name(n)=value.
[[nodiscard]] const Value* field(const Value& record, std::string_view name);
// Throws ScriptError for a field that is none of these names.
void only_fields(const Value& record, std::initializer_list<std::string_view> names);

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
};
[[nodiscard]] Address make_address(const IpAddr& ip, u16 port, bool socket_v6);
// {sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr("1.2.3.4")}, AF_UNSPEC; `usual` for an ellipsis.
[[nodiscard]] Address address_of(const Value& value, const Address& usual, const Settings& settings);

// Memory that a call writes from or reads into: NULL, ... or a string.
struct Memory {
  std::vector<std::byte> bytes{};
  bool null = false;
  std::optional<std::string> expected{};  // of a read: what must be in it
  [[nodiscard]] void* data() noexcept { return null ? nullptr : bytes.data(); }
};
[[nodiscard]] Memory memory_of(const Value& value, usize length);

}  // namespace weir::drill
