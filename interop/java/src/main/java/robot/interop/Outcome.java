package robot.interop;

/** How a scenario went. */
sealed interface Outcome {
  /**
   * @param note for a line of its own, or empty
   */
  record Passed(String note) implements Outcome {}

  record Failed(String why) implements Outcome {}

  record Skipped(String why) implements Outcome {}

  Outcome PASSED = new Passed("");
}
