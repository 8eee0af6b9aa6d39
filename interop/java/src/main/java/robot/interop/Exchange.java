package robot.interop;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import robot.client.Session;
import robot.interop.Vectors.Entry;
import robot.interop.Vectors.Scenario;
import robot.v1.Robot.RobotResult;

/**
 * One scenario's session: commands go out and results come in at the same time, and each result is
 * checked.
 */
final class Exchange {
  /** What happens in the middle. */
  interface Event {
    void happen() throws Exception;
  }

  private final Scenario scenario;
  private final List<Entry> entries;
  private final Session session;
  private final Map<Long, Entry> unanswered = new HashMap<>();
  private final TreeMap<Integer, Integer> commandsByWorker = new TreeMap<>();

  Exchange(Scenario scenario, List<Entry> entries, Session session) {
    this.scenario = scenario;
    this.entries = entries;
    this.session = session;
    entries.forEach(entry -> unanswered.put(entry.command().getId(), entry));
  }

  /** All of it; {@code event} happens as soon as so many results have come, if they are not 0. */
  void run(ExecutorService threads, int eventAfter, Event event) throws Exception {
    Future<?> sending =
        threads.submit(
            () -> {
              send();
              return null;
            });
    if (scenario.halfClose().equals("before_reading")) {
      sending.get();
      session.flush();
    }
    var end = receive(eventAfter, event);
    sending.get();
    checkEnd(scenario, end);
    Failure.unless(
        !end.isOk() || unanswered.isEmpty(), unanswered.size() + " commands have no result");
  }

  static void checkEnd(Scenario scenario, Status end) {
    Failure.unless(
        end.getCode() == scenario.status(),
        "ended %s, not %s".formatted(text(end), scenario.status()));
  }

  private static String text(Status end) {
    var cause = Optional.ofNullable(end.getCause()).map(e -> " (" + e.getMessage() + ")");
    return end.getCode() + ": " + end.getDescription() + cause.orElse("");
  }

  int unanswered() {
    return unanswered.size();
  }

  /** Such as {@code 1: 512, 2: 488}. */
  String spread() {
    return commandsByWorker.entrySet().stream()
        .map(worker -> worker.getKey() + ": " + worker.getValue())
        .collect(Collectors.joining(", "));
  }

  private void send() throws InterruptedException {
    try {
      for (var from = 0; from < entries.size(); from += scenario.messagesOf()) {
        var to = Math.min(from + scenario.messagesOf(), entries.size());
        session.send(entries.subList(from, to).stream().map(Entry::command).toList());
      }
      switch (scenario.halfClose()) {
        case "after_commands", "before_reading" -> session.finish();
        case "after_results", "never" -> {}
        default ->
            throw new Failure("halfClose \"%s\" is not known".formatted(scenario.halfClose()));
      }
    } catch (StatusRuntimeException over) {
      // Whoever receives is told as well.
    } catch (RuntimeException failure) {
      session.cancel();
      throw failure;
    }
  }

  private Status receive(int eventAfter, Event event) throws Exception {
    var happened = eventAfter == 0;
    try {
      for (var results = session.receive(); !results.isEmpty(); results = session.receive()) {
        results.forEach(this::check);
        if (!happened && entries.size() - unanswered.size() >= eventAfter) {
          happened = true;
          event.happen();
        }
        if (unanswered.isEmpty() && scenario.halfClose().equals("after_results")) {
          session.finish();
        }
      }
      return Status.OK;
    } catch (StatusRuntimeException end) {
      return end.getStatus();
    }
  }

  private void check(RobotResult result) {
    var entry = unanswered.remove(result.getId());
    Failure.unless(
        entry != null,
        "id %s: answered twice, or never sent".formatted(Long.toUnsignedString(result.getId())));
    entry.check(result);
    commandsByWorker.merge(result.getExecution().getWorker(), 1, Integer::sum);
  }
}
