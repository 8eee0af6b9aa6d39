package robot.client;

import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import robot.v1.Robot.Action;
import robot.v1.Robot.ExecuteRequest;
import robot.v1.Robot.RobotCommand;
import robot.v1.Robot.RobotResult;
import robot.v1.Robot.RobotState;
import robot.v1.RobotServiceGrpc;
import robot.v1.RobotServiceGrpc.RobotServiceBlockingStub;
import robot.v1.RobotServiceGrpc.RobotServiceStub;

/**
 * A client of one server. Any number of threads may use it; its channel connects when it is first
 * used, and anew by itself. Many commands go through a {@link Session}, a few through {@link
 * #execute}.
 */
public final class RobotClient implements AutoCloseable {
  private static final Duration CALL_TIMEOUT = Duration.ofSeconds(10);

  /** A peer that is silent for so long while a call is open is asked whether it is still there. */
  private static final Duration KEEP_ALIVE = Duration.ofSeconds(20);

  private static final List<String> RETRIED =
      List.of("UNAVAILABLE", "INTERNAL", "UNKNOWN", "ABORTED");

  /** Calls that gRPC itself may make again: commands are pure. Sessions do it on their own. */
  private static final Map<String, ?> SERVICE_CONFIG =
      Map.of(
          "methodConfig",
          List.of(
              Map.of(
                  "name", List.of(method("Execute"), method("GetServerInfo")),
                  "retryPolicy",
                      Map.ofEntries(
                          Map.entry("maxAttempts", 3.0),
                          Map.entry("initialBackoff", "0.05s"),
                          Map.entry("maxBackoff", "2s"),
                          Map.entry("backoffMultiplier", 2.0),
                          Map.entry("retryableStatusCodes", RETRIED)))));

  private final ManagedChannel channel;

  RobotClient(ManagedChannel channel) {
    this.channel = channel;
  }

  /**
   * @param address {@code HOST:PORT}
   * @param credentials {@link io.grpc.InsecureChannelCredentials}, or {@link
   *     io.grpc.TlsChannelCredentials}, joined with a {@link BearerToken} by {@link
   *     io.grpc.CompositeChannelCredentials} where the server wants one
   */
  public static RobotClient connect(String address, ChannelCredentials credentials) {
    return new RobotClient(
        Grpc.newChannelBuilder(address, credentials)
            .defaultServiceConfig(SERVICE_CONFIG)
            .keepAliveTime(KEEP_ALIVE.toSeconds(), TimeUnit.SECONDS)
            .build());
  }

  /**
   * Runs some commands in one message.
   *
   * @return the results in the order of the commands, those that are errors among them
   * @throws io.grpc.StatusRuntimeException if the call as a whole failed
   */
  public List<RobotResult> execute(List<RobotCommand> commands) {
    var request = ExecuteRequest.newBuilder().addAllCommands(commands).build();
    return blockingStub().execute(request).getResultsList();
  }

  /**
   * Runs one command.
   *
   * @return the state after the last action
   * @throws CommandRejectedException if the command itself is wrong
   * @throws io.grpc.StatusRuntimeException if the call failed
   */
  public RobotState execute(RobotState state, List<Action> actions)
      throws CommandRejectedException {
    var command = RobotCommand.newBuilder().setState(state).addAllActions(actions).build();
    var result = execute(List.of(command)).get(0);
    if (result.hasError()) {
      throw new CommandRejectedException(result.getError());
    }
    return result.getState();
  }

  /** Opens a session for many commands. */
  public Session session(SessionLimits limits) {
    return new Session(stub(), limits);
  }

  /** For all else that the service offers. A call that takes longer than 10 seconds fails. */
  public RobotServiceBlockingStub blockingStub() {
    return RobotServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(CALL_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** For streams: without a deadline. */
  public RobotServiceStub stub() {
    return RobotServiceGrpc.newStub(channel);
  }

  /** Ends all calls that are still open. */
  @Override
  public void close() {
    channel.shutdownNow();
  }

  private static Map<String, String> method(String name) {
    return Map.of("service", RobotServiceGrpc.SERVICE_NAME, "method", name);
  }
}
