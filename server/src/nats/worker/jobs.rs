//! A job's way through a worker process: taken from the broker, run, answered, and done with.

use std::time::Instant;

use async_nats::{Message, StatusCode, Subject};
use bytes::Bytes;
use tokio::time::timeout;

use super::{Held, WorkerLink};
use crate::nats::connect::REQUEST_MAX;
use crate::nats::header::{Came, JobHeader, ResultHeader, is_late};
use crate::nats::subjects::number_in;
use crate::queue::{Completion, Failure, Job};

/// A job that was given to workers so often, and that nobody came back from, is not run again as a whole.
const DELIVERIES_MAX: u64 = 3;
/// Jobs between two measurements; there is one at each look as well.
const MEASURE_EVERY: u32 = 16;

const ACK: Bytes = Bytes::from_static(b"+ACK");
const NAK: Bytes = Bytes::from_static(b"-NAK");
const TERM: Bytes = Bytes::from_static(b"+TERM");

impl WorkerLink {
    /// A job, or what the broker says of a pull.
    pub(super) async fn receive(&mut self, message: Message) {
        let Some(status) = message.status else {
            return self.take(message).await;
        };
        if let Some(id) = number_in(&message.subject) {
            self.credit.ended(id);
        }
        // A pull that comes to its end is nothing new; else the consumer is not there.
        if status != StatusCode::TIMEOUT {
            tracing::debug!(%status, description = message.description, "a pull failed");
            self.readiness.set(false);
        }
    }

    async fn take(&mut self, message: Message) {
        let Message {
            subject,
            reply,
            payload,
            headers,
            ..
        } = message;
        self.credit.came();
        self.counts.taken.add(1);
        let Some(reply) = reply else {
            return self.credit.gone();
        };
        let header = JobHeader::from_map(headers.as_ref());
        let known = header.zip(self.subjects.results_for(&subject));
        let Some((header, results)) = known else {
            tracing::warn!(%subject, "a job that this worker cannot read is dropped");
            self.credit.gone();
            return self.tell(reply, TERM).await;
        };
        let deliveries = deliveries_in(&reply);
        self.counts.redelivered.add(u64::from(deliveries > 1));
        let spans = self.spans.as_mut();
        let span =
            spans.and_then(|spans| spans.begin(headers.as_ref(), header.commands, deliveries));
        let held = Held {
            span,
            number: header.number,
            reply,
            results,
            told: Instant::now(),
        };
        // The broker was told too late that it is held: it is run already.
        let same = |other: &Held| (other.number, &other.results) == (held.number, &held.results);
        if deliveries > 1
            && let Some((_key, before)) = self.held.iter_mut().find(|(_key, other)| same(other))
        {
            *before = held;
            return self.credit.gone();
        }
        if deliveries > DELIVERIES_MAX {
            self.counts.suspected.add(1);
            self.credit.gone();
            return self.respond(held, Bytes::new(), 0, Came::Suspect).await;
        }
        if is_late(headers.as_ref()) {
            self.counts.late.add(1);
            self.credit.gone();
            return self.respond(held, Bytes::new(), 0, Came::Late).await;
        }
        let queue = self.pool.queue();
        let room = queue.try_reserve(payload.len());
        let place = self.reply.clone().try_reserve_owned().ok();
        let Some((slot, place)) = room.zip(place) else {
            // The credit leaves this to the bytes.
            self.credit.gone();
            return self.tell(held.reply, NAK).await;
        };
        let job = Job {
            bytes: payload,
            commands: header.commands,
            sequence: self.held.insert(held) as u32,
            results_bytes_max: usize::try_from(header.results_bytes_max).unwrap_or(usize::MAX),
        };
        queue.submit_aged(job, slot, place, &self.abandon, header.age());
    }

    /// A worker of this process has done a job.
    pub(super) async fn finish(&mut self, completion: Completion) {
        let Completion {
            results,
            answered,
            failure,
            sequence,
            results_bytes_max: _,
        } = completion;
        let held = self.held.remove(sequence as usize);
        self.credit.gone();
        self.unmeasured += 1;
        if self.unmeasured >= MEASURE_EVERY {
            self.measure();
        }
        match failure {
            None => self.respond(held, results, answered, Came::Through).await,
            Some(Failure::Malformed(_)) => {
                self.respond(held, results, answered, Came::Malformed).await;
            }
            // Somebody else may have more luck.
            Some(Failure::Lost) => self.tell(held.reply, NAK).await,
        }
    }

    /// Sends a result to its gateway, and then tells the broker that the job is done.
    async fn respond(&mut self, held: Held, results: Bytes, answered: u32, came: Came) {
        let header = ResultHeader {
            number: held.number,
            answered,
            came,
        };
        if let Some(span) = held.span {
            span.end(answered, came);
        }
        let client = &self.broker.client;
        let published = client.publish_with_headers(held.results, header.to_map(), results);
        match timeout(REQUEST_MAX, published).await {
            Ok(Ok(())) => self.tell(held.reply, ACK).await,
            // Another worker gets the job, and with it the same trouble, until its commands are run one by one.
            Ok(Err(error)) => tracing::error!(%error, "a result cannot be published"),
            Err(_elapsed) => tracing::warn!("a result is given up: the broker does not take it"),
        }
    }

    /// What cannot be told is found out by the broker itself, after the ack wait.
    pub(super) async fn tell(&self, reply: Subject, what: Bytes) {
        let _gone = timeout(REQUEST_MAX, self.broker.client.publish(reply, what)).await;
    }
}

/// How often the broker has given a job to a worker, this time included. It says so in the subject for its answer:
/// `$JS.ACK.`, perhaps a domain and an account, then stream, consumer and this.
fn deliveries_in(reply: &str) -> u64 {
    const SHORT: usize = 9;
    let place = if reply.split('.').count() > SHORT {
        6
    } else {
        4
    };
    let token = reply.split('.').nth(place);
    token.and_then(|token| token.parse().ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_are_read_in_both_forms() {
        for (reply, deliveries) in [
            ("$JS.ACK.ROBOT_main.workers-1.2.70.69.1700000000.5", 2),
            (
                "$JS.ACK._.hash.ROBOT_main.workers-1.4.70.69.1700000000.5",
                4,
            ),
            (
                "$JS.ACK._.hash.ROBOT_main.workers-1.4.70.69.1700000000.5.token",
                4,
            ),
            ("something.else", 1),
        ] {
            assert_eq!(deliveries_in(reply), deliveries, "{reply}");
        }
    }
}
