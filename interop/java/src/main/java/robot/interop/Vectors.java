package robot.interop;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import robot.v1.Robot.RobotCommand;
import robot.v1.Robot.RobotResult;
import robot.v1.Robot.RobotState;

/** Reads {@code interop/vectors}, and compares what a server says with them. */
final class Vectors {
  /** As {@code scenarios.json} has it; interop/README.md tells what each field means. */
  record Scenario(
      String name,
      String call,
      String commands,
      int times,
      int messagesOf,
      int inFlightMax,
      String halfClose,
      Map<String, String> metadata,
      long deadlineMs,
      int cancelAfter,
      int restartAfter,
      Status.Code status) {}

  private record Scenarios(List<Scenario> scenarios) {}

  private record Commands(List<JsonObject> commands) {}

  private record Bits(String x, String y, String headingDegrees) {}

  /**
   * A command, its result without {@code execution}, and the bits of the result's state, if it has
   * one.
   */
  record Entry(RobotCommand command, RobotResult result, Bits bits) {
    /** The same under another id. */
    Entry withId(long id) {
      return new Entry(
          command.toBuilder().setId(id).build(), result.toBuilder().setId(id).build(), bits);
    }

    /**
     * @throws Failure if {@code actual} is not what it should be
     */
    void check(RobotResult actual) {
      if (actual.getExecution().getWorker() == 0) {
        throw failure("has no worker");
      }
      if (actual.hasState() && result.hasState()) {
        checkBits(actual.getState());
      }
      if (actual.hasError() && actual.getError().getMessage().isEmpty()) {
        throw failure("has an error without a message");
      }
      if (!comparable(actual).equals(comparable(result))) {
        throw failure("is {%s}, not {%s}".formatted(text(actual), text(result)));
      }
    }

    private void checkBits(RobotState actual) {
      checkBits("x", actual.getX(), bits.x);
      checkBits("y", actual.getY(), bits.y);
      checkBits("headingDegrees", actual.getHeadingDegrees(), bits.headingDegrees);
    }

    private void checkBits(String field, double actual, String expected) {
      var hex = HexFormat.of().toHexDigits(Double.doubleToRawLongBits(actual));
      if (!hex.equals(expected)) {
        throw failure("%s is %s, not %s".formatted(field, hex, expected));
      }
    }

    private Failure failure(String what) {
      return new Failure("id " + Long.toUnsignedString(command.getId()) + ": " + what);
    }

    private static RobotResult comparable(RobotResult result) {
      var builder = result.toBuilder().clearExecution();
      if (builder.hasError()) {
        builder.getErrorBuilder().clearMessage();
      }
      return builder.build();
    }

    private static String text(RobotResult result) {
      return result.toString().replaceAll("\\s+", " ").strip();
    }
  }

  private static final Gson GSON = new Gson();

  private final Path directory;

  Vectors(Path directory) {
    this.directory = directory;
  }

  List<Scenario> scenarios() throws IOException {
    return read(directory.resolve("scenarios.json"), Scenarios.class).scenarios;
  }

  /**
   * Of the scenario's file, as often as it asks for; copies have ids of their own, since a stream's
   * must be unique.
   */
  List<Entry> entries(Scenario scenario) throws IOException {
    var file = directory.resolve("commands").resolve(scenario.commands() + ".json");
    var once = new ArrayList<Entry>();
    for (var entry : read(file, Commands.class).commands) {
      once.add(entryFrom(entry));
    }
    if (scenario.times() == 1) {
      return once;
    }
    var all = new ArrayList<Entry>();
    for (var copy = 0; copy < scenario.times(); copy++) {
      for (var entry : once) {
        all.add(entry.withId(all.size()));
      }
    }
    return all;
  }

  private static Entry entryFrom(JsonObject entry) throws InvalidProtocolBufferException {
    return new Entry(
        parse(entry, "command", RobotCommand.newBuilder()).build(),
        parse(entry, "result", RobotResult.newBuilder()).build(),
        GSON.fromJson(entry.get("bits"), Bits.class));
  }

  private static <B extends Message.Builder> B parse(JsonObject entry, String name, B builder)
      throws InvalidProtocolBufferException {
    JsonFormat.parser().merge(entry.get(name).toString(), builder);
    return builder;
  }

  private static <T> T read(Path file, Class<T> type) throws IOException {
    try (var reader = Files.newBufferedReader(file)) {
      return GSON.fromJson(reader, type);
    }
  }
}
