package robot.client;

import java.time.Duration;

/**
 * How much of a {@link Session} may be under way, and how long it tries.
 *
 * @param unansweredMax commands; a message of more goes out when nothing else is unanswered
 * @param triesMax streams in a row that may break without one new result; then the session gives up
 * @param openMax how long one stream may take to open
 * @param backoffMin the wait after a stream that had brought results; each failure since then
 *     doubles it
 * @param backoffMax the longest wait
 */
public record SessionLimits(
    int unansweredMax, int triesMax, Duration openMax, Duration backoffMin, Duration backoffMax) {
  public SessionLimits {
    if (unansweredMax < 1 || triesMax < 1) {
      throw new IllegalArgumentException(
          "unansweredMax is %d and triesMax is %d; both must be 1 or more"
              .formatted(unansweredMax, triesMax));
    }
  }

  /** With so many commands unanswered, and patience for a server that is away for 10 seconds. */
  public static SessionLimits of(int unansweredMax) {
    return new SessionLimits(
        unansweredMax, 3, Duration.ofSeconds(5), Duration.ofMillis(50), Duration.ofSeconds(2));
  }
}
