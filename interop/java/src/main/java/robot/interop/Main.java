package robot.interop;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import robot.interop.Outcome.Failed;
import robot.interop.Outcome.Passed;
import robot.interop.Outcome.Skipped;
import robot.interop.Vectors.Scenario;

/** Runs the scenarios of {@code interop/vectors} against a server, and prints a line for each. */
public final class Main {
  private static final int SCENARIO_SECONDS_MAX = 20;

  private Main() {}

  public static void main(String[] args) throws IOException, InterruptedException {
    try {
      System.exit(run(Options.from(args)) ? 0 : 1);
    } catch (IllegalArgumentException wrong) {
      System.err.println(wrong.getMessage());
      System.exit(2);
    }
  }

  private static boolean run(Options options) throws IOException, InterruptedException {
    var vectors = new Vectors(options.vectors());
    var chosen = chosen(vectors.scenarios(), options);
    var threads = Executors.newCachedThreadPool(Main::daemon);
    int passed = 0;
    int failed = 0;
    int skipped = 0;
    try (var client = options.connect()) {
      var scenarios = new Scenarios(client, vectors, options.pidFile(), threads);
      for (var scenario : chosen) {
        var outcome = outcome(scenarios, scenario, threads);
        print(scenario, outcome);
        passed += outcome instanceof Passed ? 1 : 0;
        failed += outcome instanceof Failed ? 1 : 0;
        skipped += outcome instanceof Skipped ? 1 : 0;
      }
    }
    System.out.printf("%d passed, %d failed, %d skipped%n", passed, failed, skipped);
    return failed == 0;
  }

  private static List<Scenario> chosen(List<Scenario> all, Options options) {
    if (options.only().isEmpty()) {
      return all;
    }
    var unknown = new HashSet<>(options.only());
    all.forEach(scenario -> unknown.remove(scenario.name()));
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException("--only: there is no scenario " + unknown);
    }
    return all.stream().filter(scenario -> options.only().contains(scenario.name())).toList();
  }

  private static Outcome outcome(Scenarios scenarios, Scenario scenario, ExecutorService threads)
      throws InterruptedException {
    var running = threads.submit(() -> scenarios.run(scenario));
    try {
      return running.get(SCENARIO_SECONDS_MAX, TimeUnit.SECONDS);
    } catch (TimeoutException late) {
      running.cancel(true);
      return new Failed("timed out");
    } catch (ExecutionException failure) {
      return new Failed(why(failure));
    }
  }

  private static String why(Throwable failure) {
    var cause = failure;
    while (cause instanceof ExecutionException) {
      cause = cause.getCause();
    }
    return cause instanceof Failure ? cause.getMessage() : cause.toString();
  }

  private static void print(Scenario scenario, Outcome outcome) {
    var name = scenario.name();
    if (outcome instanceof Passed passed) {
      System.out.println("ok " + name);
      if (!passed.note().isEmpty()) {
        System.out.println("  " + name + " on workers " + passed.note());
      }
    } else if (outcome instanceof Failed failed) {
      System.out.println("FAILED " + name + ": " + failed.why().replaceAll("\\s+", " "));
    } else if (outcome instanceof Skipped skipped) {
      System.out.println("skipped " + name + ": " + skipped.why());
    }
  }

  private static Thread daemon(Runnable task) {
    var thread = new Thread(task);
    thread.setDaemon(true);
    return thread;
  }
}
