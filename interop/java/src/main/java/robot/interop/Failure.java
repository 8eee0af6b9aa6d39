package robot.interop;

/** A scenario did not go as its vectors say. */
final class Failure extends RuntimeException {
  private static final long serialVersionUID = 1;

  Failure(String what) {
    super(what);
  }

  static void unless(boolean right, String what) {
    if (!right) {
      throw new Failure(what);
    }
  }
}
