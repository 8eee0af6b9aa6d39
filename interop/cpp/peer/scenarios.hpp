// Plays one scenario against a server. It knows nothing of files, arguments and what is printed.
#pragma once

#include <map>
#include <string>

#include "robot_client.hpp"
#include "vectors.pb.h"

struct Peer {
  const robot::Client& client;
  std::string vectors;   // the folder
  std::string pid_file;  // of the server, for the scenario that kills it; empty: none
};

// How many results came from each worker, for scenarios that run sessions.
using Spread = std::map<std::uint32_t, unsigned>;

// Throws Failed or Skipped.
Spread play(const Peer& peer, const robot::interop::Scenario& scenario);
