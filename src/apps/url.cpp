// apps/http_client.hpp: URLs.
#include <charconv>

#include "apps/http_client.hpp"
#include "apps/http_request.hpp"

namespace weir::apps {
namespace {

std::unexpected<std::string> wrong(std::string_view url, std::string_view what) {
  return std::unexpected(std::string("URL \"").append(url).append("\": ").append(what));
}

std::optional<u16> parse_port(std::string_view text) noexcept {
  u16 n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size() || n == 0) return {};
  return n;
}

}  // namespace

Result<Url, std::string> Url::parse(std::string_view text) {
  const usize scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return wrong(text, "must be http://ADDRESS[:PORT]/PATH");
  const std::string_view scheme = text.substr(0, scheme_end);
  if (same_token(scheme, "https")) return wrong(text, "https is not supported: there is no TLS in weir");
  if (!same_token(scheme, "http")) return wrong(text, "only http:// is supported");
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return wrong(text, "spaces and control characters must be written as %XX");
  const std::string_view rest = text.substr(scheme_end + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  std::string_view path = rest.substr(authority.size());
  path = path.substr(0, path.find('#'));
  if (authority.find('@') != std::string_view::npos) return wrong(text, "names and passwords are not supported");
  Url u;
  const usize host_end = authority.starts_with('[') ? authority.find(']') : authority.find(':');
  u.host = authority.starts_with('[') ? authority.substr(1, host_end == std::string_view::npos ? 0 : host_end - 1)
                                      : authority.substr(0, host_end);
  const std::string_view tail = host_end == std::string_view::npos ? "" : authority.substr(host_end + (authority.starts_with('[') ? 1 : 0));
  const auto address = IpAddr::parse(u.host);
  if (!address) return wrong(text, std::string("\"").append(u.host).append("\" is not an address; names are not supported yet"));
  const auto port = tail.empty() || tail == ":" ? std::optional<u16>(80)
                    : tail.starts_with(':')     ? parse_port(tail.substr(1))
                                                : std::nullopt;
  if (!port) return wrong(text, std::string("\"").append(tail).append("\" is not a port from 1 to 65535"));
  u.at = {*address, *port};
  if (!path.starts_with('/')) u.path.push_back('/');
  u.path.append(path);
  return u;
}

std::string Url::host_header() const {
  std::string s = host.find(':') != std::string::npos ? std::string("[").append(host).append("]") : host;
  if (at.port != 80) s.append(":").append(std::to_string(at.port));
  return s;
}

Result<Url, std::string> Url::resolve(std::string_view location) const {
  const usize scheme = location.find("://");
  if (scheme != std::string_view::npos && scheme < location.find_first_of("/?#")) return parse(location);
  if (location.starts_with("//")) return parse(std::string("http:").append(location));
  const std::string base = "http://" + host_header();
  if (location.starts_with('/')) return parse(base + std::string(location));
  std::string directory = path.substr(0, path.find('?'));
  directory.resize(directory.rfind('/') + 1);
  if (location.starts_with('?')) return parse(base + path.substr(0, path.find('?')) + std::string(location));
  while (location.starts_with("./") || location.starts_with("../")) {
    const bool up = location.starts_with("../");
    location.remove_prefix(up ? 3 : 2);
    if (up && directory.size() > 1) directory.resize(directory.rfind('/', directory.size() - 2) + 1);
  }
  return parse(base + directory + std::string(location));
}

}  // namespace weir::apps
