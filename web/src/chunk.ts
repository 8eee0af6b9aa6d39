/**
 * Cuts commands into Execute calls that the server takes and whose answers fit into one message. Pure.
 *
 * It must not know what the commands are for, nor how they are sent.
 */

/** What one call may hold. */
export interface CallLimits {
  commandsMax: number;
  requestBytesMax: number;
  answerBytesMax: number;
}

/** What a command takes of a call. */
export interface Size {
  requestBytes: number;
  answerBytes: number;
}

/** The contract's bound for the answer of one Execute. */
export const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
/** Bytes that one event, and a result without its events, take at most. */
export const EVENT_BYTES_MAX = 24;
export const RESULT_BYTES_MAX = 256;
/** A command's tag and length in its request. */
const TAG_AND_LENGTH_BYTES_MAX = 6;

/** In their order. What is too large even alone is a call alone: the server says what is wrong with it. */
export function chunks<T>(
  items: readonly T[],
  sizeOf: (item: T) => Size,
  limits: CallLimits,
): T[][] {
  const calls: T[][] = [];
  let call: T[] = [];
  let requestBytes = 0;
  let answerBytes = 0;
  for (const item of items) {
    const size = sizeOf(item);
    const request = size.requestBytes + TAG_AND_LENGTH_BYTES_MAX;
    const full =
      call.length >= limits.commandsMax ||
      requestBytes + request > limits.requestBytesMax ||
      answerBytes + size.answerBytes > limits.answerBytesMax;
    if (full && call.length > 0) {
      calls.push(call);
      call = [];
      requestBytes = 0;
      answerBytes = 0;
    }
    call.push(item);
    requestBytes += request;
    answerBytes += size.answerBytes;
  }
  if (call.length > 0) calls.push(call);
  return calls;
}
