// The vectors: see vectors.hpp. Expected doubles come from the hex digits, not from the JSON numbers beside
// them.
#include "vectors.hpp"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

namespace {

namespace v1 = robot::v1;
using google::protobuf::util::MessageDifferencer;
using robot::interop::Entry;

template <typename Message>
Message parse(const std::string& path) {
  Message message;
  const auto status = google::protobuf::util::JsonStringToMessage(read_file(path), &message);
  if (!status.ok()) throw std::runtime_error(path + ": " + status.ToString());
  return message;
}

std::string hex(double value) {
  static_assert(sizeof(double) == sizeof(std::uint64_t));
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(bits));
  return digits;
}

void check_bits(const std::string& where, const char* name, double value, const std::string& expected) {
  if (hex(value) != expected) throw Failed(where + name + " is " + hex(value) + ", not " + expected);
}

}  // namespace

std::string read_file(const std::string& path) {
  const std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  if (!file || !(text << file.rdbuf())) throw std::runtime_error("cannot read " + path);
  return text.str();
}

robot::interop::Scenarios scenarios_from(const std::string& folder) {
  return parse<robot::interop::Scenarios>(folder + "/scenarios.json");
}

std::vector<Entry> entries_from(const std::string& folder, const std::string& name, unsigned times) {
  const auto once = parse<robot::interop::Commands>(folder + "/commands/" + name + ".json").commands();
  std::vector<Entry> entries(once.begin(), once.end());
  std::set<std::uint64_t> used;
  for (const Entry& entry : once) used.insert(entry.command().id());
  std::uint64_t id = 0;
  for (unsigned time = 1; time < times; ++time) {
    for (Entry entry : once) {
      while (!used.insert(id).second) ++id;
      entry.mutable_command()->set_id(id);
      entry.mutable_result()->set_id(id);
      entries.push_back(std::move(entry));
    }
  }
  return entries;
}

void check(const Entry& entry, v1::RobotResult result) {
  const std::string where = "id " + std::to_string(entry.command().id()) + ": ";
  if (result.execution().worker() == 0) throw Failed(where + "no worker says that it ran it");
  if (result.has_error() && result.error().message().empty())
    throw Failed(where + "the error has no message");
  v1::RobotResult expected = entry.result();
  if (expected.has_state() && result.has_state()) {
    check_bits(where, "x", result.state().x(), entry.bits().x());
    check_bits(where, "y", result.state().y(), entry.bits().y());
    check_bits(where, "headingDegrees", result.state().heading_degrees(), entry.bits().heading_degrees());
    // Compared; now the rest.
    result.mutable_state()->set_x(expected.state().x());
    result.mutable_state()->set_y(expected.state().y());
    result.mutable_state()->set_heading_degrees(expected.state().heading_degrees());
  }
  result.clear_execution();
  if (result.has_error()) result.mutable_error()->clear_message();
  if (expected.has_error()) expected.mutable_error()->clear_message();
  std::string differences;
  MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&differences);
  if (differencer.Compare(expected, result)) return;
  differences.erase(differences.find_last_not_of('\n') + 1);
  std::replace(differences.begin(), differences.end(), '\n', ';');
  throw Failed(where + differences);
}

void check(const std::vector<Entry>& entries, const std::vector<v1::RobotResult>& results, bool all) {
  std::map<std::uint64_t, const Entry*> expected;
  for (const Entry& entry : entries) expected.emplace(entry.command().id(), &entry);
  for (const v1::RobotResult& result : results) {
    const auto entry = expected.find(result.id());
    if (entry == expected.end())
      throw Failed("id " + std::to_string(result.id()) + ": answered twice, or never asked");
    check(*entry->second, result);
    expected.erase(entry);
  }
  if (all && !expected.empty())
    throw Failed(std::to_string(expected.size()) + " unanswered, the first has id " +
                 std::to_string(expected.begin()->first));
}
