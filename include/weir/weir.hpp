// All of weir's C++ interface. docs/guide.md tells how to build with it; examples/ has programs.
#pragma once

#include <array>

#include "weir/buffer.hpp"
#include "weir/config.hpp"
#include "weir/coro.hpp"
#include "weir/error.hpp"
#include "weir/operation.hpp"
#include "weir/socket.hpp"
#include "weir/stack.hpp"
#include "weir/stats.hpp"
