package robot.client;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import robot.v1.Robot.CommandError;
import robot.v1.Robot.ExecuteRequest;
import robot.v1.Robot.ExecuteResponse;
import robot.v1.Robot.ExecuteStreamRequest;
import robot.v1.Robot.ExecuteStreamResponse;
import robot.v1.Robot.RobotCommand;
import robot.v1.Robot.RobotResult;
import robot.v1.RobotServiceGrpc.RobotServiceImplBase;

/**
 * A server in this process whose streams end as a test says; it gives each command its own state
 * back.
 */
final class FakeServer extends RobotServiceImplBase implements AutoCloseable {
  /** How one stream goes: after so many commands, of which so many are answered, it ends. */
  record Plan(int commands, int answered, Status end) {}

  private final List<Plan> plans;
  private final List<List<Long>> idsByStream = new CopyOnWriteArrayList<>();
  private final Server server;
  private final ManagedChannel channel;

  /** The n-th stream follows the n-th plan; those after the last answer everything. */
  FakeServer(Plan... plans) throws IOException {
    this.plans = List.of(plans);
    var name = InProcessServerBuilder.generateName();
    server = InProcessServerBuilder.forName(name).addService(this).build().start();
    channel = InProcessChannelBuilder.forName(name).build();
  }

  RobotClient client() {
    return new RobotClient(channel);
  }

  /** What each stream was sent. */
  List<List<Long>> idsByStream() {
    return idsByStream;
  }

  @Override
  public StreamObserver<ExecuteStreamRequest> executeStream(
      StreamObserver<ExecuteStreamResponse> responses) {
    var number = idsByStream.size();
    var plan =
        number < plans.size()
            ? plans.get(number)
            : new Plan(Integer.MAX_VALUE, Integer.MAX_VALUE, Status.OK);
    var ids = new CopyOnWriteArrayList<Long>();
    idsByStream.add(ids);
    return new StreamObserver<>() {
      private boolean ended;

      @Override
      public void onNext(ExecuteStreamRequest request) {
        for (var command : request.getCommandsList()) {
          if (!ended) {
            ids.add(command.getId());
            answer(command);
          }
        }
      }

      private void answer(RobotCommand command) {
        if (ids.size() <= plan.answered()) {
          var result = RobotResult.newBuilder().setId(command.getId()).setState(command.getState());
          responses.onNext(ExecuteStreamResponse.newBuilder().addResults(result).build());
        }
        if (ids.size() == plan.commands()) {
          end();
        }
      }

      private void end() {
        ended = true;
        if (plan.end().isOk()) {
          responses.onCompleted();
        } else {
          responses.onError(plan.end().asRuntimeException());
        }
      }

      @Override
      public void onError(Throwable cancelled) {}

      @Override
      public void onCompleted() {
        if (!ended) {
          end();
        }
      }
    };
  }

  @Override
  public void execute(ExecuteRequest request, StreamObserver<ExecuteResponse> response) {
    var results = ExecuteResponse.newBuilder();
    for (var command : request.getCommandsList()) {
      var result = results.addResultsBuilder().setId(command.getId());
      if (command.getActionsCount() > 0) {
        result.getErrorBuilder().setReason(CommandError.Reason.REASON_ACTION_UNKNOWN);
      } else {
        result.setState(command.getState());
      }
    }
    response.onNext(results.build());
    response.onCompleted();
  }

  @Override
  public void close() {
    channel.shutdownNow();
    server.shutdownNow();
  }
}
