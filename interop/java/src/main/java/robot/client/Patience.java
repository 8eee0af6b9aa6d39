package robot.client;

import io.grpc.Status;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/** Knows after which ends of a stream to try again, when, and when to give up. */
final class Patience {
  /**
   * After these another stream may do better, after an OK that comes too early as well; after all
   * others the same bytes would fail again.
   */
  private static final Set<Status.Code> BROKEN =
      Set.of(
          Status.Code.OK,
          Status.Code.UNAVAILABLE,
          Status.Code.INTERNAL,
          Status.Code.UNKNOWN,
          Status.Code.ABORTED,
          Status.Code.CANCELLED);

  private final SessionLimits limits;
  private int failuresInRow;
  private Status failure;
  private long retryAtNanos = System.nanoTime();

  Patience(SessionLimits limits) {
    this.limits = limits;
  }

  static boolean mayHelpAfter(Status status) {
    return BROKEN.contains(status.getCode());
  }

  /** One that did not open in time does not know why; the one before it may. */
  void failed(SessionStream stream, Status status) {
    failuresInRow = stream.hasProgressed() ? 0 : failuresInRow + 1;
    failure = stream.hasTimedOut() && failure != null ? failure : status;
    retryAtNanos = System.nanoTime() + backoffNanos();
  }

  /** Nothing is wrong: nothing is unanswered. */
  void reset() {
    failuresInRow = 0;
    failure = null;
    retryAtNanos = System.nanoTime();
  }

  boolean isExhausted() {
    return failuresInRow >= limits.triesMax();
  }

  Status gaveUp(int unanswered) {
    var status = failure.isOk() ? Status.UNAVAILABLE.withDescription("OK came early") : failure;
    return status.withDescription(
        "%s; gave up after %d streams in a row without a result, %d commands are unanswered"
            .formatted(status.getDescription(), failuresInRow, unanswered));
  }

  /** Until the next stream may be opened; 0 or less if it may now. */
  long waitNanos() {
    return retryAtNanos - System.nanoTime();
  }

  /** Made shorter by chance, so that many clients do not come back at once. */
  private long backoffNanos() {
    var doubled = limits.backoffMin().multipliedBy(1L << Math.min(failuresInRow, 20));
    var longest = doubled.compareTo(limits.backoffMax()) < 0 ? doubled : limits.backoffMax();
    return (long) (longest.toNanos() * ThreadLocalRandom.current().nextDouble(0.5, 1.0));
  }
}
