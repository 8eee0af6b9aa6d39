// The README's example: one program in one shot, then a thousand turns through a session.
#include <iostream>

#include "robot_session.hpp"

int main(int argc, char** argv) {
  robot::Target target;
  target.address = argc > 1 ? argv[1] : "localhost:50051";
  const robot::Client client(target);

  const robot::Outcome outcome =
      client.execute({}, {robot::action::turn(90), robot::action::move(5), robot::action::start()});
  if (const auto* state = std::get_if<robot::v1::RobotState>(&outcome)) {
    std::cout << "at " << state->x() << ", " << state->y() << '\n';
  } else if (const auto* error = std::get_if<robot::v1::CommandError>(&outcome)) {
    std::cerr << "the command is wrong: " << error->message() << '\n';
  } else {
    std::cerr << "the call failed: " << std::get<grpc::Status>(outcome).error_message() << '\n';
    return 1;
  }

  robot::SessionCallbacks callbacks;
  double headings = 0;
  callbacks.on_result = [&](const robot::v1::RobotResult& result) {
    headings += result.state().heading_degrees();
  };
  robot::Session session(client, {}, callbacks);
  for (std::uint64_t id = 1; id <= 1000; ++id) {
    robot::v1::ExecuteStreamRequest message;
    robot::v1::RobotCommand& command = *message.add_commands();
    command.set_id(id);
    command.mutable_state()->set_heading_degrees(static_cast<double>(id));
    *command.add_actions() = robot::action::turn(1);
    if (!session.send(std::move(message))) break;  // waits while 256 are unanswered
  }
  const grpc::Status status = session.finish();
  if (!status.ok()) {
    std::cerr << session.unanswered().size() << " unanswered: " << status.error_message() << '\n';
    return 1;
  }
  std::cout << "headings add up to " << headings << '\n';
}
