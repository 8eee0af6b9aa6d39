// robot-peer: reads its arguments, plays the scenarios, prints a line for each and the sum.
#include <cstring>
#include <iostream>
#include <optional>
#include <set>
#include <sstream>

#include "scenarios.hpp"
#include "vectors.hpp"

namespace {

constexpr const char* kUsage =
    "usage: run --server HOST:PORT [--ca FILE] [--token-file FILE] [--pid-file FILE] [--only NAME[,NAME...]]";

struct Arguments {
  robot::Target target;
  std::string vectors;
  std::string pid_file;
  std::set<std::string> only;
};

std::string first_line(const std::string& path) {
  std::string line;
  std::istringstream file(read_file(path));
  std::getline(file, line);
  return line;
}

Arguments arguments_from(int argc, char** argv) {
  std::map<std::string, std::string> values = {{"--server", ""},   {"--ca", ""},   {"--token-file", ""},
                                               {"--pid-file", ""}, {"--only", ""}, {"--vectors", ""}};
  for (int i = 1; i < argc; i += 2) {
    const auto option = values.find(argv[i]);
    if (option == values.end() || i + 1 == argc) throw std::invalid_argument(kUsage);
    option->second = argv[i + 1];
  }
  Arguments arguments;
  arguments.target.address = values["--server"];
  arguments.vectors = values["--vectors"];
  arguments.pid_file = values["--pid-file"];
  if (arguments.target.address.empty() || arguments.vectors.empty()) throw std::invalid_argument(kUsage);
  if (!values["--ca"].empty()) {
    arguments.target.ca_pem = read_file(values["--ca"]);
    arguments.target.tls_name = "localhost";
  }
  if (!values["--token-file"].empty()) arguments.target.token = first_line(values["--token-file"]);
  std::istringstream names(values["--only"]);
  for (std::string name; std::getline(names, name, ',');) arguments.only.insert(name);
  return arguments;
}

void print(const std::string& name, const Spread& spread) {
  unsigned results = 0;
  for (const auto& [worker, count] : spread) results += count;
  std::cout << "ok " << name << '\n';
  if (results < 1000) return;
  std::cout << "  " << name << " on workers";
  const char* separator = " ";
  for (const auto& [worker, count] : spread) {
    std::cout << separator << worker << ": " << count;
    separator = ", ";
  }
  std::cout << '\n';
}

int run(const Arguments& arguments) {
  const robot::Client client(arguments.target);
  const Peer peer{client, arguments.vectors, arguments.pid_file};
  unsigned passed = 0;
  unsigned failed = 0;
  unsigned skipped = 0;
  std::set<std::string> unknown = arguments.only;
  const auto scenarios = scenarios_from(arguments.vectors);
  for (const auto& scenario : scenarios.scenarios()) {
    unknown.erase(scenario.name());
    if (!arguments.only.empty() && arguments.only.count(scenario.name()) == 0) continue;
    try {
      print(scenario.name(), play(peer, scenario));
      ++passed;
    } catch (const Skipped& why) {
      std::cout << "skipped " << scenario.name() << ": " << why.what() << '\n';
      ++skipped;
    } catch (const std::exception& why) {
      std::cout << "FAILED " << scenario.name() << ": " << why.what() << '\n';
      ++failed;
    }
    std::cout.flush();
  }
  for (const std::string& name : unknown) {
    std::cout << "FAILED " << name << ": no such scenario\n";
    ++failed;
  }
  std::cout << passed << " passed, " << failed << " failed, " << skipped << " skipped\n";
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(arguments_from(argc, argv));
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
