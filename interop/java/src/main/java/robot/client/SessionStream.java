package robot.client;

import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.time.Duration;
import java.util.Queue;
import robot.v1.Robot.ExecuteStreamRequest;
import robot.v1.Robot.ExecuteStreamResponse;

/**
 * One stream of a session. gRPC calls it on threads of its own, which it hands to the session; all
 * else is called under the session's lock, so that a single thread at a time writes, as gRPC
 * demands.
 */
final class SessionStream
    implements ClientResponseObserver<ExecuteStreamRequest, ExecuteStreamResponse> {
  private final Session session;
  private final Duration openMax;
  private final long startNanos = System.nanoTime();
  private ClientCallStreamObserver<ExecuteStreamRequest> call;
  private boolean open;
  private boolean reading;
  private boolean progressed;
  private boolean halfClosed;
  private boolean timedOut;
  private boolean cancelled;

  SessionStream(Session session, Duration openMax) {
    this.session = session;
    this.openMax = openMax;
  }

  /**
   * Without automatic requests a message is read when it is wanted: who does not receive is not
   * sent more than HTTP/2's window.
   */
  @Override
  public void beforeStart(ClientCallStreamObserver<ExecuteStreamRequest> call) {
    this.call = call;
    call.disableAutoRequestWithInitial(0);
    call.setOnReadyHandler(() -> session.onReady(this));
  }

  @Override
  public void onNext(ExecuteStreamResponse response) {
    session.onResults(this, response.getResultsList());
  }

  @Override
  public void onError(Throwable error) {
    session.onEnd(this, Status.fromThrowable(error));
  }

  @Override
  public void onCompleted() {
    session.onEnd(this, Status.OK);
  }

  /** It has reached the server. */
  void opened() {
    open = true;
  }

  /** It has brought results. */
  void progressed() {
    reading = false;
    progressed = true;
  }

  boolean hasProgressed() {
    return progressed;
  }

  /** It did not open in time. */
  boolean hasTimedOut() {
    return timedOut;
  }

  boolean isHalfClosed() {
    return halfClosed;
  }

  /**
   * Writes what the transport takes without buffering it; when it takes more, {@code onReady}
   * comes.
   */
  void write(Queue<ExecuteStreamRequest> outgoing) {
    while (!cancelled && !outgoing.isEmpty() && call.isReady()) {
      call.onNext(outgoing.remove());
    }
  }

  void halfClose() {
    if (!cancelled && !halfClosed) {
      halfClosed = true;
      call.onCompleted();
    }
  }

  /** Asks for one message, unless one is on its way. */
  void read() {
    if (!reading) {
      reading = true;
      call.request(1);
    }
  }

  /** Gives up if it does not open in time; says for how long that is no question. */
  long openNanosLeft() {
    if (open || cancelled) {
      return Long.MAX_VALUE;
    }
    var leftNanos = openMax.toNanos() - (System.nanoTime() - startNanos);
    if (leftNanos <= 0) {
      timedOut = true;
      cancel("no stream was open within " + openMax.toMillis() + " ms");
    }
    return leftNanos;
  }

  /** {@code onEnd} comes with CANCELLED. */
  void cancel(String why) {
    cancelled = true;
    call.cancel(why, null);
  }
}
