package robot.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import robot.client.FakeServer.Plan;
import robot.v1.Robot.Action;
import robot.v1.Robot.CommandError;
import robot.v1.Robot.RobotCommand;
import robot.v1.Robot.RobotResult;
import robot.v1.Robot.RobotState;

@Timeout(20)
final class SessionTest {
  private static final SessionLimits LIMITS =
      new SessionLimits(10, 3, Duration.ofSeconds(10), Duration.ofMillis(1), Duration.ofMillis(4));

  @Test
  void resendsWhatIsUnansweredAndSurfacesEachResultOnce() throws Exception {
    try (var server = new FakeServer(new Plan(5, 2, Status.UNAVAILABLE));
        var session = server.client().session(LIMITS)) {
      session.send(commands(1, 5));
      session.finish();
      assertEquals(List.of(1L, 2L, 3L, 4L, 5L), idsOf(session));
      assertEquals(List.of(List.of(1L, 2L, 3L, 4L, 5L), List.of(3L, 4L, 5L)), server.idsByStream());
      assertEquals(1, session.resends());
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Status.Code.class,
      names = {"OK", "UNAVAILABLE", "INTERNAL", "UNKNOWN", "ABORTED", "CANCELLED"})
  void resendsAfterWhatABrokenStreamEndsWith(Status.Code code) throws Exception {
    try (var server = new FakeServer(new Plan(1, 0, code.toStatus()));
        var session = server.client().session(LIMITS)) {
      session.send(commands(1, 1));
      session.finish();
      assertEquals(List.of(1L), idsOf(session));
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Status.Code.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"OK", "UNAVAILABLE", "INTERNAL", "UNKNOWN", "ABORTED", "CANCELLED"})
  void doesNotResendWhatWouldFailAgain(Status.Code code) throws Exception {
    try (var server = new FakeServer(new Plan(1, 0, code.toStatus()));
        var session = server.client().session(LIMITS)) {
      session.send(commands(1, 1));
      var end = assertThrows(StatusRuntimeException.class, session::receive);
      assertEquals(code, end.getStatus().getCode());
      assertEquals(1, server.idsByStream().size());
      assertThrows(StatusRuntimeException.class, () -> session.send(commands(2, 2)));
    }
  }

  @Test
  void givesUpAfterThreeStreamsWithoutAResultAndTellsWhatIsUnanswered() throws Exception {
    var fruitless = new Plan(1, 0, Status.UNAVAILABLE);
    try (var server = new FakeServer(fruitless, fruitless, fruitless);
        var session = server.client().session(LIMITS)) {
      session.send(commands(7, 7));
      var end = assertThrows(StatusRuntimeException.class, session::receive);
      assertEquals(Status.Code.UNAVAILABLE, end.getStatus().getCode());
      assertEquals(3, server.idsByStream().size());
      assertEquals(commands(7, 7), session.unanswered());
    }
  }

  @Test
  void goesOnAsLongAsEachStreamBringsAResult() throws Exception {
    var fruitful = new Plan(2, 1, Status.UNAVAILABLE);
    try (var server = new FakeServer(fruitful, fruitful, fruitful, fruitful, fruitful);
        var session = server.client().session(LIMITS)) {
      session.send(commands(1, 6));
      session.finish();
      assertEquals(List.of(1L, 2L, 3L, 4L, 5L, 6L), idsOf(session));
      assertEquals(5, session.resends());
    }
  }

  @Test
  void goesOnAfterAStreamThatEndedWhileNothingWasUnanswered() throws Exception {
    try (var server = new FakeServer(new Plan(1, 1, Status.UNAVAILABLE));
        var session = server.client().session(LIMITS)) {
      session.send(commands(1, 1));
      assertEquals(1, session.receive().size());
      session.send(commands(2, 2));
      session.finish();
      assertEquals(List.of(2L), idsOf(session));
    }
  }

  @Test
  void takesNoIdThatIsUnansweredAndGoesOn() throws Exception {
    try (var server = new FakeServer();
        var session = server.client().session(LIMITS)) {
      session.send(commands(1, 1));
      assertThrows(IllegalArgumentException.class, () -> session.send(commands(1, 2)));
      session.finish();
      assertEquals(List.of(1L), idsOf(session));
    }
  }

  @Test
  void hasRoomForAsManyCommandsAsItsWindowOrForOneLargerMessage() {
    var window = new Window(3);
    assertTrue(window.hasRoomFor(100));
    window.add(commands(1, 2));
    assertTrue(window.hasRoomFor(1));
    assertFalse(window.hasRoomFor(2));
    assertTrue(window.answered(1));
    assertFalse(window.answered(1));
    assertTrue(window.hasRoomFor(2));
  }

  @Test
  void executeGivesTheStateOrThrowsWhatIsWrongWithTheCommand() throws Exception {
    try (var server = new FakeServer();
        var client = server.client()) {
      var state = RobotState.newBuilder().setX(1).build();
      assertEquals(state, client.execute(state, List.of()));
      var rejected =
          assertThrows(
              CommandRejectedException.class,
              () -> client.execute(state, List.of(Action.getDefaultInstance())));
      assertEquals(CommandError.Reason.REASON_ACTION_UNKNOWN, rejected.error().getReason());
    }
  }

  private static List<RobotCommand> commands(long first, long last) {
    return LongStream.rangeClosed(first, last)
        .mapToObj(id -> RobotCommand.newBuilder().setId(id).build())
        .toList();
  }

  private static List<Long> idsOf(Session session) throws InterruptedException {
    var ids = new ArrayList<Long>();
    for (var results = session.receive(); !results.isEmpty(); results = session.receive()) {
      results.stream().map(RobotResult::getId).forEach(ids::add);
    }
    return ids;
  }
}
