package robot.interop;

import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import robot.client.RobotClient;
import robot.client.Session;
import robot.client.SessionLimits;
import robot.interop.Exchange.Event;
import robot.interop.Outcome.Failed;
import robot.interop.Outcome.Passed;
import robot.interop.Outcome.Skipped;
import robot.interop.Vectors.Entry;
import robot.interop.Vectors.Scenario;
import robot.v1.Robot.ExecuteRequest;
import robot.v1.Robot.GetServerInfoRequest;
import robot.v1.Robot.Limits;
import robot.v1.Robot.QueueKind;
import robot.v1.Robot.RobotResult;
import robot.v1.Robot.RobotState;
import robot.v1.Robot.WatchWorkersRequest;

/** Runs one scenario of each kind; interop/README.md tells what each has to do. */
final class Scenarios {
  private static final int SEMANTICS_VERSION = 1;

  private final RobotClient client;
  private final Vectors vectors;
  private final Optional<Path> pidFile;
  private final ExecutorService threads;

  Scenarios(RobotClient client, Vectors vectors, Optional<Path> pidFile, ExecutorService threads) {
    this.client = client;
    this.vectors = vectors;
    this.pidFile = pidFile;
    this.threads = threads;
  }

  Outcome run(Scenario scenario) throws Exception {
    return switch (scenario.call()) {
      case "stream" -> stream(scenario);
      case "chain" -> chain(scenario);
      case "unary" -> unary(scenario);
      case "cancel" -> cancel(scenario);
      case "deadline" -> deadline(scenario);
      case "restart" ->
          pidFile.isPresent() ? restart(scenario, pidFile.get()) : new Skipped("no --pid-file");
      case "info" -> info(scenario);
      case "watch" -> watch(scenario);
      default -> new Failed("the call \"%s\" is not known".formatted(scenario.call()));
    };
  }

  private Outcome stream(Scenario scenario) throws Exception {
    try (var session = session(scenario)) {
      var exchange = exchange(scenario, session);
      exchange.run(threads, 0, () -> {});
      return new Passed(scenario.commands().equals("turns") ? exchange.spread() : "");
    }
  }

  private Outcome chain(Scenario scenario) throws Exception {
    try (var session = session(scenario)) {
      var state = Optional.<RobotState>empty();
      for (var entry : vectors.entries(scenario)) {
        var command = entry.command().toBuilder();
        state.ifPresent(command::setState);
        session.send(List.of(command.build()));
        var results = session.receive();
        Failure.unless(results.size() == 1, "one command has " + results.size() + " results");
        entry.check(results.get(0));
        state = Optional.of(results.get(0).getState());
      }
      session.finish();
      Failure.unless(session.receive().isEmpty(), "more results than commands");
      return Outcome.PASSED;
    }
  }

  private Outcome unary(Scenario scenario) throws Exception {
    var entries = vectors.entries(scenario);
    var request = ExecuteRequest.newBuilder();
    entries.forEach(entry -> request.addCommands(entry.command()));
    var end = Status.OK;
    try {
      var stub = configured(client.blockingStub(), scenario);
      checkInOrder(entries, stub.execute(request.build()).getResultsList());
    } catch (StatusRuntimeException error) {
      end = error.getStatus();
    }
    Exchange.checkEnd(scenario, end);
    return Outcome.PASSED;
  }

  private Outcome cancel(Scenario scenario) throws Exception {
    try (var session = session(scenario)) {
      exchange(scenario, session).run(threads, scenario.cancelAfter(), session::cancel);
    }
    var some = vectors.entries(scenario).subList(0, 10);
    checkInOrder(some, client.execute(some.stream().map(Entry::command).toList()));
    return Outcome.PASSED;
  }

  private Outcome deadline(Scenario scenario) throws Exception {
    // The deadline is for the commands; connecting is not timed.
    client.blockingStub().getServerInfo(GetServerInfoRequest.getDefaultInstance());
    try (var session = session(scenario)) {
      var exchange = exchange(scenario, session);
      exchange.run(threads, 0, () -> {});
      Failure.unless(
          exchange.unanswered() == 0, exchange.unanswered() + " commands have no result");
      return Outcome.PASSED;
    }
  }

  private Outcome restart(Scenario scenario, Path pidFile) throws Exception {
    try (var session = session(scenario)) {
      Event kill = () -> killServer(pidFile);
      exchange(scenario, session).run(threads, scenario.restartAfter(), kill);
      Failure.unless(session.resends() > 0, "the server was killed, yet nothing was sent again");
      return Outcome.PASSED;
    }
  }

  private Outcome info(Scenario scenario) {
    var info =
        configured(client.blockingStub(), scenario)
            .getServerInfo(GetServerInfoRequest.getDefaultInstance());
    Failure.unless(
        info.getSemanticsVersion() == SEMANTICS_VERSION,
        "semantics_version is " + info.getSemanticsVersion());
    Failure.unless(!info.getVersion().isEmpty(), "version is empty");
    Failure.unless(info.getWorkers() != 0, "workers is 0");
    Failure.unless(
        info.getQueueKind() == QueueKind.QUEUE_KIND_EMBEDDED,
        "queue_kind is " + info.getQueueKind());
    for (var limit : Limits.getDescriptor().getFields()) {
      var unlimited = ((Number) info.getLimits().getField(limit)).longValue() == 0;
      var mayBe = limit.getNumber() == Limits.CONNECTION_AGE_MS_MAX_FIELD_NUMBER;
      Failure.unless(!unlimited || mayBe, limit.getName() + " is 0");
    }
    return Outcome.PASSED;
  }

  /** The blocking stub's iterator has no cancel; its context has. */
  private Outcome watch(Scenario scenario) throws Exception {
    try (var context = Context.current().withCancellation()) {
      return context.call(
          () -> {
            var request = WatchWorkersRequest.newBuilder().setIntervalMs(100).build();
            var snapshots = configured(client.blockingStub(), scenario).watchWorkers(request);
            var first = snapshots.next();
            var second = snapshots.next();
            Failure.unless(
                Long.compareUnsigned(second.getUptimeNanos(), first.getUptimeNanos()) > 0,
                "uptime_nanos did not grow");
            Failure.unless(second.getWorkersCount() > 0, "no worker is listed");
            return Outcome.PASSED;
          });
    }
  }

  private Session session(Scenario scenario) {
    return new Session(
        configured(client.stub(), scenario), SessionLimits.of(scenario.inFlightMax()));
  }

  private Exchange exchange(Scenario scenario, Session session) throws IOException {
    return new Exchange(scenario, vectors.entries(scenario), session);
  }

  private static <S extends AbstractStub<S>> S configured(S stub, Scenario scenario) {
    var headers = headers(scenario.metadata());
    var configured = stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
    return scenario.deadlineMs() == 0
        ? configured
        : configured.withDeadlineAfter(scenario.deadlineMs(), TimeUnit.MILLISECONDS);
  }

  private static Metadata headers(Map<String, String> metadata) {
    var headers = new Metadata();
    metadata.forEach(
        (name, value) -> {
          if (name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
            var key = Metadata.Key.of(name, Metadata.BINARY_BYTE_MARSHALLER);
            headers.put(key, Base64.getDecoder().decode(value));
          } else {
            headers.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value);
          }
        });
    return headers;
  }

  private static void checkInOrder(List<Entry> entries, List<RobotResult> results) {
    Failure.unless(
        results.size() == entries.size(),
        "%d commands have %d results".formatted(entries.size(), results.size()));
    for (var i = 0; i < entries.size(); i++) {
      entries.get(i).check(results.get(i));
    }
  }

  private static void killServer(Path pidFile) throws IOException {
    var pid = Long.parseLong(Files.readString(pidFile).strip());
    var killed = ProcessHandle.of(pid).map(ProcessHandle::destroyForcibly).orElse(false);
    Failure.unless(killed, "cannot kill the server, process " + pid);
  }
}
