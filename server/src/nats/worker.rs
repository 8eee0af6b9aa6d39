//! A worker process's end of the broker. It asks for jobs and queues them for the workers of this process, as a session
//! would; what they complete it publishes, and then tells the broker that the job is done. So workers do not know that there
//! is a broker.
//!
//! Invariant: a job is acknowledged after its result was published, never before.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::{Message, Subject, Subscriber};
use bytes::Bytes;
use slab::Slab;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep_until, timeout};
use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;

use super::connect::{Broker, LOG_INTERVAL, REQUEST_MAX};
use super::counts::LinkCounts;
use super::credit::{Credit, PULL_MAX};
use super::header::{Came, JobHeader, ResultHeader};
use super::stream::ensure_consumer;
use super::subjects::{Subjects, boot, number_in};
use crate::pool::Pool;
use crate::queue::{Abandon, Completion, Failure, Job};

/// A job that was given to workers so often, and that nobody came back from, is not run again as a whole.
const DELIVERIES_MAX: u64 = 3;
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Jobs between two measurements; there is one at each look as well.
const MEASURE_EVERY: u32 = 16;

const ACK: Bytes = Bytes::from_static(b"+ACK");
const NAK: Bytes = Bytes::from_static(b"-NAK");
const TERM: Bytes = Bytes::from_static(b"+TERM");
const IN_PROGRESS: Bytes = Bytes::from_static(b"+WPI");

/// The task between the broker and the workers' queue.
pub(crate) struct WorkerLink {
    broker: Broker,
    subjects: Subjects,
    pulls_subject: String,
    ack_wait: Duration,
    pool: Arc<Pool>,
    counts: Arc<LinkCounts>,
    credit: Credit,
    held: Slab<Held>,
    completions: mpsc::Receiver<Completion>,
    reply: mpsc::Sender<Completion>,
    /// Never dropped before the process ends: whether anybody waits, only the gateway knows.
    abandon: Abandon,
    /// Jobs that were done since.
    unmeasured: u32,
    /// Jobs and nanoseconds of all workers that are in the credit already.
    measured: (u64, u64),
    ready: bool,
    readiness: watch::Sender<bool>,
    complained: Option<Instant>,
}

/// A job that was taken and is not done.
#[derive(Debug)]
struct Held {
    number: u64,
    /// Where the broker is told.
    reply: Subject,
    results: String,
    /// When the broker was told last that it is held.
    told: Instant,
}

impl WorkerLink {
    pub(crate) fn new(
        broker: Broker,
        subjects: Subjects,
        ack_wait: Duration,
        pool: Arc<Pool>,
        counts: Arc<LinkCounts>,
        readiness: watch::Sender<bool>,
    ) -> Self {
        let workers = pool.workers();
        let (reply, completions) = mpsc::channel(Credit::jobs_max(workers));
        Self {
            pulls_subject: subjects.pulls_of(&boot()),
            broker,
            subjects,
            ack_wait,
            credit: Credit::new(workers),
            pool,
            counts,
            held: Slab::new(),
            completions,
            reply,
            abandon: Abandon::default(),
            unmeasured: 0,
            measured: (0, 0),
            ready: false,
            readiness,
            complained: None,
        }
    }

    /// Takes jobs until told to stop, and ends once those that it has are done.
    pub(crate) async fn run(mut self, stopping: CancellationToken) {
        let client = &self.broker.client;
        let subscribed = client.subscribe(format!("{}.*", self.pulls_subject));
        // Only ever fails if the client has ended, which it does not before us.
        let Ok(mut jobs) = subscribed.await else {
            return;
        };
        let mut connected = self.broker.connected.clone();
        let mut look_at = tokio::time::Instant::now();
        let (mut stopped, mut open) = (false, true);
        while open || !self.held.is_empty() {
            tokio::select! {
                biased;
                () = stopping.cancelled(), if !stopped => {
                    stopped = true;
                    open = self.stop_pulling(&mut jobs).await;
                }
                changed = connected.changed() => match changed {
                    Ok(()) => open &= !stopped || connected.borrow().now,
                    Err(_closed) => return,
                },
                Some(completion) = self.completions.recv() => self.finish(completion).await,
                job = jobs.next(), if open => match job {
                    Some(message) => self.receive(message).await,
                    None => open = false,
                },
                () = sleep_until(look_at) => {
                    self.look(stopped).await;
                    look_at = tokio::time::Instant::now() + LOOK_INTERVAL;
                }
            }
            if !stopped {
                self.pull().await;
            }
            self.counts.held.set(self.held.len() as u64);
        }
        self.broker.flush().await;
    }

    /// What is on its way already still comes; true if anything may.
    async fn stop_pulling(&self, jobs: &mut Subscriber) -> bool {
        let connected = self.broker.connected.borrow().now;
        connected && matches!(timeout(REQUEST_MAX, jobs.drain()).await, Ok(Ok(())))
    }

    /// Asks for jobs, if there is room for more.
    async fn pull(&mut self) {
        while self.ready
            && let Some((id, jobs)) = self.credit.pull(Instant::now())
        {
            let expires = PULL_MAX.as_nanos();
            let request = format!(r#"{{"batch":{jobs},"expires":{expires}}}"#);
            let reply = format!("{}.{id}", self.pulls_subject);
            let client = &self.broker.client;
            let asked = client.publish_with_reply(self.subjects.next(), reply, request.into());
            if !matches!(timeout(REQUEST_MAX, asked).await, Ok(Ok(()))) {
                self.credit.ended(id);
                return;
            }
        }
    }

    /// A job, or what the broker says of a pull.
    async fn receive(&mut self, message: Message) {
        let Some(status) = message.status else {
            return self.take(message).await;
        };
        if let Some(id) = number_in(&message.subject) {
            self.credit.ended(id);
        }
        // A pull that comes to its end is nothing new; else the consumer is not there.
        if status != async_nats::StatusCode::TIMEOUT {
            tracing::debug!(%status, description = message.description, "a pull failed");
            self.ready = false;
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
        let held = Held {
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
    async fn finish(&mut self, completion: Completion) {
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
    async fn tell(&self, reply: Subject, what: Bytes) {
        let _gone = timeout(REQUEST_MAX, self.broker.client.publish(reply, what)).await;
    }

    /// How long jobs take, by the workers' own clocks.
    fn measure(&mut self) {
        self.unmeasured = 0;
        let counts = self.pool.counts();
        let jobs = counts.iter().map(|worker| worker.jobs()).sum();
        let busy = counts.iter().map(|worker| worker.busy_nanos()).sum();
        let (jobs_before, busy_before) = std::mem::replace(&mut self.measured, (jobs, busy));
        let busy = Duration::from_nanos(busy - busy_before);
        self.credit.measured(jobs - jobs_before, busy);
    }

    /// Sees to the broker if it does not do, and tells it which jobs are still being run.
    async fn look(&mut self, stopped: bool) {
        let connected = *self.broker.connected.borrow();
        if self.counts.connects.get() != connected.times || !connected.now {
            self.counts.connects.set(connected.times);
            self.ready = false;
        }
        self.measure();
        let now = Instant::now();
        let mut overdue = Vec::new();
        for (_key, held) in &mut self.held {
            if now.saturating_duration_since(held.told) >= self.ack_wait / 2 {
                held.told = now;
                overdue.push(held.reply.clone());
            }
        }
        if connected.now {
            for reply in overdue {
                self.tell(reply, IN_PROGRESS).await;
            }
        }
        if !self.ready && !stopped {
            self.get_ready(connected.now).await;
        }
        self.counts.ready.set(self.ready.into());
        self.readiness.send_replace(self.ready);
    }

    /// Makes what is needed at the broker. What was asked for before does not come any more.
    async fn get_ready(&mut self, connected: bool) {
        self.credit.all_ended();
        if !connected {
            return self.complain("the broker does not answer");
        }
        let ensured = ensure_consumer(&self.broker, &self.subjects, self.ack_wait);
        match timeout(REQUEST_MAX, ensured).await {
            Ok(Ok(())) => {
                self.complained = None;
                self.ready = true;
                tracing::info!("jobs come from the broker");
            }
            // A gateway makes the stream.
            Ok(Err(error)) => self.complain(&error.to_string()),
            Err(_elapsed) => self.complain("the broker does not make the consumer in time"),
        }
    }

    fn complain(&mut self, error: &str) {
        let silent = self
            .complained
            .is_some_and(|at| at.elapsed() < LOG_INTERVAL);
        if !silent {
            self.complained = Some(Instant::now());
            tracing::warn!(
                error,
                "not ready: no jobs come from the broker; trying again"
            );
        }
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
