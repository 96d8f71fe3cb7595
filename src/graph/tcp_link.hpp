// Where the graph meets TCP and the socket table: what Core only names is whole here.
#pragma once

#include "sock/table.hpp"
#include "tcp/engine.hpp"
#include "tcp/limits.hpp"
