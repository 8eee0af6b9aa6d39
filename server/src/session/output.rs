//! A session's way out: completions are taken and joined into response messages.

use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};

use super::{End, HEAD_BYTES, Messages, Session};
use crate::queue::{Completion, Failure};

/// A response message takes no further job once it has this many bytes. With one job more, whose size the
/// configuration bounds, it stays below the 4 MiB that clients accept by default.
const RESPONSE_BYTES_ENOUGH: usize = 64 * 1024;

impl<R: Messages> Session<R> {
    /// Whether what is ready waits until the other tasks of this thread have had their turn. While all workers are busy
    /// and have jobs of this session to do, some of those will be done by then; and one larger response costs less
    /// than two, by a system call and a wake-up at the client.
    pub(super) fn waits_a_turn(&mut self, cx: &mut Context<'_>) -> bool {
        let ready = self.completions.len();
        let more = ready > 0 && ready < self.jobs_in_flight && self.queue.idle_workers() == 0;
        let waits = more && !self.waited_a_turn;
        self.waited_a_turn = waits;
        if waits {
            cx.waker().wake_by_ref();
        }
        waits
    }

    /// Joins the completions that are there into one response message.
    pub(super) fn poll_response(&mut self, cx: &mut Context<'_>) -> Poll<BytesMut> {
        let mut parts = Vec::new();
        let mut bytes = 0;
        while bytes < RESPONSE_BYTES_ENOUGH {
            let Poll::Ready(Some(completion)) = self.completions.poll_recv(cx) else {
                break;
            };
            let results = self.take(completion);
            bytes += results.len();
            parts.push(results);
        }
        if bytes == 0 {
            return Poll::Pending;
        }
        let mut response = BytesMut::with_capacity(HEAD_BYTES + bytes);
        response.put_bytes(0, HEAD_BYTES);
        for results in parts {
            response.extend_from_slice(&results);
        }
        Poll::Ready(response)
    }

    fn take(&mut self, completion: Completion) -> Bytes {
        let Completion {
            results,
            answered,
            failure,
            sequence: _,
            results_bytes_max,
        } = completion;
        self.jobs_in_flight -= 1;
        self.results_in_flight_bytes -= results_bytes_max;
        self.call.answered(answered);
        match failure {
            None => {}
            Some(Failure::Malformed(malformed)) => self.stop(End::Malformed(malformed)),
            Some(Failure::Lost) => self.stop(End::Lost),
        }
        results
    }
}
