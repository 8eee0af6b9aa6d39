package robot.client;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import robot.v1.Robot.ExecuteStreamRequest;
import robot.v1.Robot.RobotCommand;
import robot.v1.Robot.RobotResult;
import robot.v1.RobotServiceGrpc.RobotServiceStub;

/**
 * Commands and their results over one stream after another: when a stream breaks, another one is
 * opened and what is unanswered is sent again, which does no harm since commands are pure. Each
 * command is answered once.
 *
 * <p>One thread sends and another receives, at the same time: once the window is full, {@link
 * #send} waits for results to be received, and only {@link #receive} opens the next stream. The
 * session has no thread of its own.
 */
public final class Session implements AutoCloseable {
  private final RobotServiceStub stub;
  private final SessionLimits limits;

  /** Guards all that follows. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition changed = lock.newCondition();
  private final Window window;
  private final Patience patience;

  /** What the open stream has not taken yet; all of it is unanswered. */
  private final Queue<ExecuteStreamRequest> outgoing = new ArrayDeque<>();

  /** Those of one message; another is asked for when they have been taken. */
  private List<RobotResult> received = List.of();

  /** Null: none is open. */
  private SessionStream stream;

  private int resends;

  /** A stream was open, this one or an earlier one. */
  private boolean reached;

  private boolean finished;
  private boolean cancelled;

  /** Null: not yet. */
  private Status end;

  /** Over streams of {@code stub}, so with its deadline, its metadata and its credentials. */
  public Session(RobotServiceStub stub, SessionLimits limits) {
    this.stub = stub;
    this.limits = limits;
    this.patience = new Patience(limits);
    this.window = new Window(limits.unansweredMax());
    locked(() -> open(stub));
  }

  /**
   * Sends commands as one message, once the window has room for them.
   *
   * @throws StatusRuntimeException if the session is over
   * @throws IllegalArgumentException if an id is that of another unanswered command: nothing was
   *     sent
   */
  public void send(List<RobotCommand> commands) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (end == null && !window.hasRoomFor(commands.size())) {
        changed.await();
      }
      requireOpen();
      window.add(commands);
      if (stream != null && !commands.isEmpty()) {
        outgoing.add(message(commands));
      }
      drain();
    } finally {
      lock.unlock();
    }
  }

  /** Half-closes the session once all has been written: what was sent is still answered. */
  public void finish() {
    locked(
        () -> {
          finished = true;
          if (stream == null && end == null && owesNothing()) {
            end(Status.OK);
          }
          drain();
        });
  }

  /** Waits until all that was sent, and the half-close after {@link #finish}, is on its way. */
  public void flush() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (end == null && !isFlushed()) {
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * The results of one message, in the order in which they completed; none once the session is
   * finished and all is answered. While it waits, broken streams are replaced.
   *
   * @throws StatusRuntimeException if a stream ended so that trying again cannot help, or has not
   *     helped
   */
  public List<RobotResult> receive() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (received.isEmpty() && end == null) {
        changed.awaitNanos(advance());
      }
      if (received.isEmpty() && !end.isOk()) {
        throw end.asRuntimeException();
      }
      var results = received;
      received = List.of();
      return results;
    } finally {
      lock.unlock();
    }
  }

  /** Ends the session: {@link #receive} gives what has come, then throws CANCELLED. */
  public void cancel() {
    locked(
        () -> {
          cancelled = true;
          if (stream != null) {
            stream.cancel("cancelled by the caller");
          } else if (end == null) {
            end(Status.CANCELLED.withDescription("cancelled by the caller"));
          }
        });
  }

  /** Cancels what has not ended. */
  @Override
  public void close() {
    cancel();
  }

  /** How often what was unanswered has been sent again. */
  public int resends() {
    lock.lock();
    try {
      return resends;
    } finally {
      lock.unlock();
    }
  }

  /** What may be sent again elsewhere, after an error. */
  public List<RobotCommand> unanswered() {
    lock.lock();
    try {
      return window.unanswered();
    } finally {
      lock.unlock();
    }
  }

  // What gRPC's threads have to say.

  void onReady(SessionStream from) {
    lockedIfOpen(
        from,
        () -> {
          from.opened();
          reached = true;
          drain();
        });
  }

  void onResults(SessionStream from, List<RobotResult> results) {
    lockedIfOpen(from, () -> answered(results));
  }

  void onEnd(SessionStream from, Status status) {
    lockedIfOpen(from, () -> ended(status));
  }

  /** Nobody listens to an earlier stream: its commands were given to another. */
  private void lockedIfOpen(SessionStream from, Runnable change) {
    locked(
        () -> {
          if (from == stream) {
            change.run();
          }
        });
  }

  private void locked(Runnable change) {
    lock.lock();
    try {
      change.run();
    } finally {
      lock.unlock();
    }
  }

  // All that follows is called under the lock.

  private boolean isFlushed() {
    return stream != null && outgoing.isEmpty() && finished == stream.isHalfClosed();
  }

  private void requireOpen() {
    if (end != null) {
      throw end.asRuntimeException();
    }
    if (finished) {
      throw new IllegalStateException("the session was finished: it takes no more commands");
    }
  }

  /**
   * A session that never reached a server has to, even if nothing was sent: else no server would do
   * as well.
   */
  private boolean owesNothing() {
    return reached && window.isEmpty();
  }

  private static ExecuteStreamRequest message(List<RobotCommand> commands) {
    return ExecuteStreamRequest.newBuilder().addAllCommands(commands).build();
  }

  /** Does what is due to get more results, and says for how long at most to wait for them. */
  private long advance() {
    if (stream == null) {
      var waitNanos = owesNothing() ? Long.MAX_VALUE : patience.waitNanos();
      if (waitNanos > 0) {
        return waitNanos;
      }
      resend();
      return 0;
    }
    stream.read();
    return stream.openNanosLeft();
  }

  /**
   * The first stream fails at once if nobody is there; the others wait for the server to come back.
   */
  private void resend() {
    resends += window.isEmpty() ? 0 : 1;
    window.unanswered().forEach(command -> outgoing.add(message(List.of(command))));
    open(stub.withWaitForReady());
  }

  private void open(RobotServiceStub stub) {
    stream = new SessionStream(this, limits.openMax());
    stub.executeStream(stream);
  }

  private void drain() {
    if (stream != null) {
      stream.write(outgoing);
      if (finished && outgoing.isEmpty()) {
        stream.halfClose();
      }
    }
    changed.signalAll();
  }

  private void answered(List<RobotResult> results) {
    stream.progressed();
    for (var result : results) {
      if (!window.answered(result.getId())) {
        var id = Long.toUnsignedString(result.getId());
        stream.cancel("a result was not asked for");
        end(Status.DATA_LOSS.withDescription("a result of command " + id + " was not asked for"));
        return;
      }
    }
    received = results;
    changed.signalAll();
  }

  private void ended(Status status) {
    patience.failed(stream, status);
    stream = null;
    outgoing.clear();
    if (cancelled || !Patience.mayHelpAfter(status)) {
      end(status);
    } else if (owesNothing()) {
      answeredAll();
    } else if (patience.isExhausted()) {
      end(patience.gaveUp(window.unanswered().size()));
    }
    changed.signalAll();
  }

  /** If there is more to come, the next stream is opened for that. */
  private void answeredAll() {
    patience.reset();
    if (finished) {
      end(Status.OK);
    }
  }

  private void end(Status status) {
    end = status;
    stream = null;
    outgoing.clear();
    changed.signalAll();
  }
}
