// The benches as a program of their own.
#include "bench/bench.hpp"

int main(int argc, char** argv) { return weir::bench::run(argc, argv); }
