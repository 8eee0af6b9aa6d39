package robot.client;

import robot.v1.Robot.CommandError;

/** The server will not run a command: the same one would be rejected again. */
public final class CommandRejectedException extends Exception {
  private static final long serialVersionUID = 1;

  private final CommandError error;

  public CommandRejectedException(CommandError error) {
    super(error.getReason() + ": " + error.getMessage());
    this.error = error;
  }

  /** What is wrong, and where. */
  public CommandError error() {
    return error;
  }
}
