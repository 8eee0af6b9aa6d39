// The kinds of scenario: see scenarios.hpp. Each call has a deadline, so nothing here can hang.
#include "scenarios.hpp"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/wrappers.pb.h>
#include <signal.h>

#include <chrono>
#include <fstream>

#include "robot_session.hpp"
#include "vectors.hpp"

namespace {

namespace v1 = robot::v1;
using grpc::StatusCode;
using robot::interop::Entry;
using robot::interop::Scenario;
using std::chrono::milliseconds;
using std::chrono::system_clock;

constexpr milliseconds kScenarioMax{20'000};

const std::map<std::string, StatusCode> kCodes = {
    {"OK", StatusCode::OK},
    {"CANCELLED", StatusCode::CANCELLED},
    {"UNKNOWN", StatusCode::UNKNOWN},
    {"INVALID_ARGUMENT", StatusCode::INVALID_ARGUMENT},
    {"DEADLINE_EXCEEDED", StatusCode::DEADLINE_EXCEEDED},
    {"NOT_FOUND", StatusCode::NOT_FOUND},
    {"ALREADY_EXISTS", StatusCode::ALREADY_EXISTS},
    {"PERMISSION_DENIED", StatusCode::PERMISSION_DENIED},
    {"RESOURCE_EXHAUSTED", StatusCode::RESOURCE_EXHAUSTED},
    {"FAILED_PRECONDITION", StatusCode::FAILED_PRECONDITION},
    {"ABORTED", StatusCode::ABORTED},
    {"OUT_OF_RANGE", StatusCode::OUT_OF_RANGE},
    {"UNIMPLEMENTED", StatusCode::UNIMPLEMENTED},
    {"INTERNAL", StatusCode::INTERNAL},
    {"UNAVAILABLE", StatusCode::UNAVAILABLE},
    {"DATA_LOSS", StatusCode::DATA_LOSS},
    {"UNAUTHENTICATED", StatusCode::UNAUTHENTICATED},
};

std::string text_of(const grpc::Status& status) {
  for (const auto& [name, code] : kCodes)
    if (code == status.error_code()) return name + " (" + status.error_message() + ")";
  return "status " + std::to_string(status.error_code());
}

void check_status(const grpc::Status& status, const std::string& expected) {
  const auto code = kCodes.find(expected);
  if (code == kCodes.end()) throw Failed("unknown status " + expected);
  if (status.error_code() == code->second) return;
  if (status.error_code() == StatusCode::DEADLINE_EXCEEDED) throw Failed("timed out");
  throw Failed("ended " + text_of(status) + ", not " + expected);
}

system_clock::time_point deadline_of(const Scenario& scenario) {
  return system_clock::now() +
         (scenario.deadline_ms() > 0 ? milliseconds(scenario.deadline_ms()) : kScenarioMax);
}

// Values of keys that end in -bin are base64 of bytes, which is how protobuf writes bytes in JSON.
std::multimap<std::string, std::string> metadata_of(const Scenario& scenario) {
  std::multimap<std::string, std::string> metadata;
  for (const auto& [key, value] : scenario.metadata()) {
    const bool binary = key.size() > 4 && key.compare(key.size() - 4, 4, "-bin") == 0;
    google::protobuf::BytesValue bytes;
    if (binary && !google::protobuf::util::JsonStringToMessage('"' + value + '"', &bytes).ok())
      throw Failed("metadata " + key + " is not base64");
    metadata.emplace(key, binary ? bytes.value() : value);
  }
  return metadata;
}

void prepare(grpc::ClientContext& context, const Peer& peer, const Scenario& scenario) {
  peer.client.authorize(context);
  for (const auto& [key, value] : metadata_of(scenario)) context.AddMetadata(key, value);
  context.set_deadline(deadline_of(scenario));
}

void kill_server(const std::string& pid_file) {
  pid_t pid = 0;
  if (std::ifstream(pid_file) >> pid && pid > 1) kill(pid, SIGKILL);
}

std::vector<v1::ExecuteStreamRequest> messages_of(const std::vector<Entry>& entries, std::size_t size) {
  std::vector<v1::ExecuteStreamRequest> messages;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i % std::max<std::size_t>(size, 1) == 0) messages.emplace_back();
    *messages.back().add_commands() = entries[i].command();
  }
  return messages;
}

// What a session told its callbacks; read only once the session has ended or is answered.
struct Heard {
  std::vector<v1::RobotResult> results;
  std::vector<grpc::Status> ends;
  unsigned resends = 0;
};

robot::SessionOptions options_of(const Scenario& scenario) {
  robot::SessionOptions options;
  options.window_commands_max = scenario.in_flight_max();
  options.deadline = deadline_of(scenario);
  options.metadata = metadata_of(scenario);
  return options;
}

robot::SessionCallbacks callbacks_of(Heard& heard, std::function<void()> after_result) {
  return {[&heard, after_result](const v1::RobotResult& result) {
            heard.results.push_back(result);
            after_result();
          },
          [&heard](const grpc::Status& status, std::size_t unanswered) {
            heard.ends.push_back(status);
            if (!status.ok() && unanswered > 0) ++heard.resends;
          }};
}

Spread spread_of(const Heard& heard) {
  Spread spread;
  for (const v1::RobotResult& result : heard.results) ++spread[result.execution().worker()];
  return spread;
}

// `all`: nothing may be missing. A scenario without a restart has one stream, whose status is the server's.
Spread check_heard(const Heard& heard, const Scenario& scenario, const std::vector<Entry>& entries,
                   bool all) {
  if (heard.ends.empty()) throw Failed("no stream was opened");
  if (scenario.call() != "restart" && heard.ends.size() > 1)
    throw Failed("a stream ended " + text_of(heard.ends.front()) + ", and another was opened");
  check_status(heard.ends.back(), scenario.status());
  check(entries, heard.results, all);
  return spread_of(heard);
}

// All sent, or nothing at all, and half-closed before the first result is read: by hand, for no session does
// that.
Spread play_before_reading(const Peer& peer, const Scenario& scenario, const std::vector<Entry>& entries) {
  grpc::ClientContext context;
  prepare(context, peer, scenario);
  Heard heard;
  const auto stream = peer.client.stub().ExecuteStream(&context);
  for (const auto& message : messages_of(entries, scenario.messages_of()))
    if (!stream->Write(message)) break;
  stream->WritesDone();
  for (v1::ExecuteStreamResponse response; stream->Read(&response);)
    heard.results.insert(heard.results.end(), response.results().begin(), response.results().end());
  heard.ends.push_back(stream->Finish());
  return check_heard(heard, scenario, entries, heard.ends.back().ok());
}

Spread play_stream(const Peer& peer, const Scenario& scenario) {
  if (scenario.call() == "restart" && peer.pid_file.empty()) throw Skipped("no --pid-file");
  const auto entries = entries_from(peer.vectors, scenario.commands(), scenario.times());
  if (scenario.half_close() == "before_reading" || entries.empty())
    return play_before_reading(peer, scenario, entries);

  Heard heard;
  robot::Session* running = nullptr;
  const auto after_result = [&] {
    if (scenario.restart_after() > 0 && heard.results.size() == scenario.restart_after())
      kill_server(peer.pid_file);
    if (scenario.cancel_after() > 0 && heard.results.size() == scenario.cancel_after()) running->cancel();
  };
  robot::Session session(peer.client, options_of(scenario), callbacks_of(heard, after_result));
  running = &session;  // before the first command, so before the first result
  for (auto& message : messages_of(entries, scenario.messages_of()))
    if (!session.send(std::move(message))) break;
  if (scenario.half_close() == "after_results") session.wait_answered();
  if (scenario.half_close() == "never")
    session.wait();
  else
    session.finish();

  if (scenario.call() == "restart" && heard.resends == 0) throw Failed("nothing had to be sent again");
  const bool all = scenario.status() == "OK" || scenario.call() == "deadline";
  const Spread spread = check_heard(heard, scenario, entries, all);
  if (scenario.call() != "cancel") return spread;
  if (heard.results.size() < scenario.cancel_after()) throw Failed("cancelled too early");
  const auto after = peer.client.execute({}, {robot::action::turn(1)});
  const auto* state = std::get_if<v1::RobotState>(&after);
  if (state == nullptr || state->heading_degrees() != 1)
    throw Failed("Execute failed after the cancelled stream");
  return spread;
}

Spread play_chain(const Peer& peer, const Scenario& scenario) {
  const auto entries = entries_from(peer.vectors, scenario.commands(), scenario.times());
  Heard heard;
  robot::Session session(peer.client, options_of(scenario), callbacks_of(heard, [] {}));
  for (const Entry& entry : entries) {
    v1::ExecuteStreamRequest message;
    *message.add_commands() = entry.command();
    if (!heard.results.empty()) *message.mutable_commands(0)->mutable_state() = heard.results.back().state();
    if (!session.send(std::move(message)) || !session.wait_answered()) break;
  }
  session.finish();
  return check_heard(heard, scenario, entries, true);
}

Spread play_unary(const Peer& peer, const Scenario& scenario) {
  const auto entries = entries_from(peer.vectors, scenario.commands(), scenario.times());
  grpc::ClientContext context;
  prepare(context, peer, scenario);
  v1::ExecuteRequest request;
  for (const Entry& entry : entries) *request.add_commands() = entry.command();
  v1::ExecuteResponse response;
  const grpc::Status status = peer.client.stub().Execute(&context, request, &response);
  check_status(status, scenario.status());
  if (!status.ok()) return {};
  if (response.results_size() != request.commands_size())
    throw Failed(std::to_string(response.results_size()) + " results for " + std::to_string(entries.size()) +
                 " commands");
  for (std::size_t i = 0; i < entries.size(); ++i) check(entries[i], response.results(static_cast<int>(i)));
  return {};
}

Spread play_info(const Peer& peer, const Scenario& scenario) {
  grpc::ClientContext context;
  prepare(context, peer, scenario);
  v1::GetServerInfoResponse info;
  check_status(peer.client.stub().GetServerInfo(&context, {}, &info), scenario.status());
  if (info.semantics_version() != 1)
    throw Failed("semantics version " + std::to_string(info.semantics_version()));
  if (info.workers() == 0) throw Failed("no workers");
  if (info.queue_kind() != v1::QUEUE_KIND_EMBEDDED) throw Failed("the queue is not embedded");
  // By reflection, so that a limit which is new is checked too. Absent is 0.
  const auto& limits = *v1::Limits::descriptor();
  for (int i = 0; i < limits.field_count(); ++i) {
    const auto* field = limits.field(i);
    if (field->name() != "connection_age_ms_max" &&
        !v1::Limits::GetReflection()->HasField(info.limits(), field))
      throw Failed(field->name() + " is 0");
  }
  return {};
}

Spread play_watch(const Peer& peer, const Scenario& scenario) {
  grpc::ClientContext context;
  prepare(context, peer, scenario);
  v1::WatchWorkersRequest request;
  request.set_interval_ms(100);
  const auto stream = peer.client.stub().WatchWorkers(&context, request);
  v1::WatchWorkersResponse first;
  v1::WatchWorkersResponse second;
  const bool both = stream->Read(&first) && stream->Read(&second);
  if (both) context.TryCancel();
  for (v1::WatchWorkersResponse rest; stream->Read(&rest);) continue;
  const grpc::Status end = stream->Finish();
  if (!both) throw Failed("ended before the second snapshot: " + text_of(end));
  check_status(end, "CANCELLED");
  if (first.workers().empty() || second.workers().empty()) throw Failed("a snapshot lists no workers");
  if (second.uptime_nanos() <= first.uptime_nanos()) throw Failed("the uptime did not grow");
  return {};
}

}  // namespace

Spread play(const Peer& peer, const Scenario& scenario) {
  const std::string& call = scenario.call();
  if (call == "stream" || call == "cancel" || call == "deadline" || call == "restart")
    return play_stream(peer, scenario);
  if (call == "chain") return play_chain(peer, scenario);
  if (call == "unary") return play_unary(peer, scenario);
  if (call == "info") return play_info(peer, scenario);
  if (call == "watch") return play_watch(peer, scenario);
  throw Failed("unknown call " + call);
}
