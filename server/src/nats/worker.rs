//! A worker process's end of the broker. It asks for jobs and queues them for the workers of this process, as a session
//! would; what they complete it publishes, and then tells the broker that the job is done. So workers do not know that there
//! is a broker.
//!
//! Invariant: a job is acknowledged after its result was published, never before.

mod jobs;
mod upkeep;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::{Subject, Subscriber};
use slab::Slab;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep_until, timeout};
use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;

use super::connect::{Broker, REQUEST_MAX};
use super::counts::LinkCounts;
use super::credit::{Credit, PULL_MAX};
use super::ready::Readiness;
use super::subjects::{Subjects, boot};
use super::trace::{JobSpan, JobSpans};
use crate::pool::Pool;
use crate::queue::{Abandon, Completion};
use crate::traces::Traces;

const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// The task between the broker and the workers' queue.
pub(crate) struct WorkerLink {
    broker: Broker,
    subjects: Subjects,
    pulls_subject: String,
    ack_wait: Duration,
    pool: Arc<Pool>,
    counts: Arc<LinkCounts>,
    spans: Option<JobSpans>,
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
    readiness: Readiness,
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
    span: Option<JobSpan>,
}

impl WorkerLink {
    pub(crate) fn new(
        broker: Broker,
        subjects: Subjects,
        ack_wait: Duration,
        pool: Arc<Pool>,
        counts: Arc<LinkCounts>,
        traces: Option<Traces>,
    ) -> (Self, watch::Receiver<bool>) {
        let workers = pool.workers();
        let (reply, completions) = mpsc::channel(Credit::jobs_max(workers));
        let without = "no jobs come from the broker";
        let (readiness, is_ready) = Readiness::new(without, Arc::clone(&counts));
        let link = Self {
            pulls_subject: subjects.pulls_of(&boot()),
            broker,
            subjects,
            ack_wait,
            credit: Credit::new(workers),
            pool,
            counts,
            spans: traces.map(JobSpans::new),
            held: Slab::new(),
            completions,
            reply,
            abandon: Abandon::default(),
            unmeasured: 0,
            measured: (0, 0),
            readiness,
        };
        (link, is_ready)
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
        if let Some(spans) = &self.spans {
            spans.close().await;
        }
    }

    /// What is on its way already still comes; true if anything may.
    async fn stop_pulling(&self, jobs: &mut Subscriber) -> bool {
        let connected = self.broker.connected.borrow().now;
        connected && matches!(timeout(REQUEST_MAX, jobs.drain()).await, Ok(Ok(())))
    }

    /// Asks for jobs, if there is room for more.
    async fn pull(&mut self) {
        while self.readiness.is_ready()
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
}
