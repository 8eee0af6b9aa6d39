// The vectors: reads the files, and compares results with what they have to be. It knows nothing of streams.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "vectors.pb.h"

// A scenario failed; what() says where.
struct Failed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A scenario needs what is not there.
struct Skipped : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string read_file(const std::string& path);

robot::interop::Scenarios scenarios_from(const std::string& folder);

// The entries, so many times over; the ids of repetitions are replaced by unused ones.
std::vector<robot::interop::Entry> entries_from(const std::string& folder, const std::string& name,
                                                unsigned times);

// Throws Failed unless the result is the entry's: states by bits, all else by value.
void check(const robot::interop::Entry& entry, robot::v1::RobotResult result);

// Throws Failed unless each result is right, none comes twice and, if `all`, none is missing.
void check(const std::vector<robot::interop::Entry>& entries,
           const std::vector<robot::v1::RobotResult>& results, bool all);
