// The host of the script that is running: the table's calls and the interposed ones of the C library find it here.
#pragma once

#include <memory>

#include "packetdrill/host.hpp"

namespace weir::packetdrill {

[[nodiscard]] std::shared_ptr<Host> current();  // nullptr: no script runs
void set_current(std::shared_ptr<Host> host);   // the one before ends

// -- calls that the table and the C library's names have in common; fd is one of ours (Host::find)
int close_socket(Host& host, int fd);
int get_socket_option(Host& host, int process_fd, int level, int name, void* value, socklen_t* length);

}  // namespace weir::packetdrill
