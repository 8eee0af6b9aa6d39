// A client of the robot-command service: connects, and runs commands in one shot. Made to be copied. It keeps
// no state of any robot and knows nothing of streams: robot_session.hpp has those.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "robot/v1/robot.grpc.pb.h"

namespace robot {

// Where the service is, and who calls.
struct Target {
  std::string address;                            // HOST:PORT
  std::string ca_pem;                             // the CA to trust over TLS; empty: plaintext
  std::string tls_name;                           // the certificate's name, where it is not HOST
  std::string token;                              // sent as bearer token; empty: none
  std::chrono::milliseconds execute_max{10'000};  // how long one call of execute() may take
};

// The state after the last action, or why there is none: the command was wrong, or the call failed.
using Outcome = std::variant<v1::RobotState, v1::CommandError, grpc::Status>;

// One result a command, in the order of the commands, or why the call failed.
using Results = std::variant<std::vector<v1::RobotResult>, grpc::Status>;

// One connection to a service. Safe to use from many threads at once; it connects again by itself.
class Client {
 public:
  explicit Client(Target target)
      : target_(std::move(target)),
        channel_(grpc::CreateCustomChannel(target_.address, credentials(target_), arguments(target_))),
        stub_(v1::RobotService::NewStub(channel_)) {}

  // Runs the actions from a state, all or none of them.
  Outcome execute(const v1::RobotState& state, const std::vector<v1::Action>& actions) const {
    v1::ExecuteRequest request;
    v1::RobotCommand& command = *request.add_commands();
    *command.mutable_state() = state;
    command.mutable_actions()->Assign(actions.begin(), actions.end());
    Results results = execute(request);
    if (const auto* status = std::get_if<grpc::Status>(&results)) return *status;
    v1::RobotResult& result = std::get<std::vector<v1::RobotResult>>(results).front();
    if (result.has_state()) return std::move(*result.mutable_state());
    return std::move(*result.mutable_error());
  }

  // Runs many commands. The answer has to fit into 4 MiB: a session has no such limit.
  Results execute(const v1::ExecuteRequest& request) const {
    grpc::ClientContext context;
    authorize(context);
    context.set_deadline(std::chrono::system_clock::now() + target_.execute_max);
    v1::ExecuteResponse response;
    const grpc::Status status = stub_->Execute(&context, request, &response);
    if (!status.ok()) return status;
    if (response.results_size() != request.commands_size())
      return grpc::Status(grpc::StatusCode::INTERNAL, "the server's results are not one a command");
    return std::vector<v1::RobotResult>(response.results().begin(), response.results().end());
  }

  // For calls of your own: the generated stub, its channel, and the token for a call's context.
  v1::RobotService::Stub& stub() const { return *stub_; }
  grpc::Channel& channel() const { return *channel_; }
  void authorize(grpc::ClientContext& context) const {
    if (!target_.token.empty()) context.AddMetadata("authorization", "Bearer " + target_.token);
  }

 private:
  static std::shared_ptr<grpc::ChannelCredentials> credentials(const Target& target) {
    if (target.ca_pem.empty()) return grpc::InsecureChannelCredentials();
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = target.ca_pem;
    return grpc::SslCredentials(options);
  }

  static grpc::ChannelArguments arguments(const Target& target) {
    grpc::ChannelArguments arguments;
    if (!target.tls_name.empty()) arguments.SetSslTargetNameOverride(target.tls_name);
    // A restarted server is found soon, and a silent network is noticed.
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
    // Commands are pure, so the library may send a call again. It cannot do so for a stream: a session does.
    arguments.SetServiceConfigJSON(R"({"methodConfig": [{
        "name": [{"service": "robot.v1.RobotService", "method": "Execute"}],
        "retryPolicy": {"maxAttempts": 3, "initialBackoff": "0.05s", "maxBackoff": "2s", "backoffMultiplier": 2,
                        "retryableStatusCodes": ["UNAVAILABLE", "INTERNAL", "UNKNOWN", "ABORTED", "CANCELLED"]}}]})");
    return arguments;
  }

  Target target_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::RobotService::Stub> stub_;
};

// The actions.
namespace action {

inline v1::Action move(double distance) {
  v1::Action action;
  action.mutable_move()->set_distance(distance);
  return action;
}

inline v1::Action turn(double angle_degrees) {
  v1::Action action;
  action.mutable_turn()->set_angle_degrees(angle_degrees);
  return action;
}

inline v1::Action set_mode(v1::CleaningMode mode) {
  v1::Action action;
  action.mutable_set_mode()->set_mode(mode);
  return action;
}

inline v1::Action start() {
  v1::Action action;
  action.mutable_start();
  return action;
}

inline v1::Action stop() {
  v1::Action action;
  action.mutable_stop();
  return action;
}

}  // namespace action
}  // namespace robot
