//! A gateway's end of the broker. It takes the jobs that sessions have queued, as a worker in this process would, and
//! publishes them; an answer completes its jobs as a worker would. So sessions do not know that there is a broker.
//!
//! Invariant: each job is completed once, by the first answer, whatever happens to workers, broker and connection. What
//! they lose is published again.

mod results;
mod upkeep;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::{HeaderMap, Subscriber};
use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};
use tokio_stream::StreamExt;

use super::bundle::{Bundle, Filling};
use super::connect::{Broker, REQUEST_MAX};
use super::counts::LinkCounts;
use super::header::{JobHeader, put_deadline, unix_nanos};
use super::lookup::Checked;
use super::pace::Pace;
use super::pending::Pending;
use super::quarantine::Trials;
use super::ready::Readiness;
use super::subjects::{Subjects, boot};
use super::trace;
use crate::pool::Pool;
use crate::queue::Lease;

/// A job is with the broker for this much longer than it takes to give it to another worker, before somebody looks.
const PATIENCE_BEYOND_ACK_WAIT: Duration = Duration::from_millis(500);
/// Between two tries to get what is needed from a broker that is there.
const ENSURE_INTERVAL: Duration = Duration::from_millis(200);
/// A bundle without an answer for so long no longer counts among those that the workers have to do: it takes long, or its
/// worker is gone, and the others are not to wait for it.
const LATE_AFTER: Duration = Duration::from_millis(20);

/// What a gateway is told.
#[derive(Debug, Clone)]
pub(crate) struct GatewaySettings {
    pub(crate) jobs_max: u32,
    pub(crate) job_max: Duration,
    pub(crate) ack_wait: Duration,
    pub(crate) actions_max: usize,
    pub(crate) message_bytes_max: usize,
}

/// The task between the sessions' queue and the broker.
pub(crate) struct Gateway {
    broker: Broker,
    subjects: Subjects,
    jobs_subject: String,
    acks_subject: String,
    boot: String,
    settings: GatewaySettings,
    pool: Arc<Pool>,
    counts: Arc<LinkCounts>,
    readiness: Readiness,
    pace: Pace,
    pending: Pending<Work>,
    /// Taken from the queue, and not published yet.
    filling: Option<Filling>,
    trials: Trials,
    checks: JoinSet<Option<Vec<Checked>>>,
}

/// What was published.
enum Work {
    Bundle(Bundle),
    /// The command that is on trial now.
    Suspect,
}

impl Work {
    fn jobs(&self) -> usize {
        match self {
            Self::Bundle(bundle) => bundle.leases().len(),
            Self::Suspect => 1,
        }
    }
}

impl Gateway {
    pub(crate) fn new(
        broker: Broker,
        subjects: Subjects,
        settings: GatewaySettings,
        pool: Arc<Pool>,
        counts: Arc<LinkCounts>,
    ) -> (Self, watch::Receiver<bool>) {
        let boot = boot();
        let (readiness, is_ready) = Readiness::new("jobs wait for the broker", Arc::clone(&counts));
        let gateway = Self {
            jobs_subject: subjects.jobs_of(&boot),
            acks_subject: subjects.acks_of(&boot),
            boot,
            pending: Pending::new(settings.ack_wait + PATIENCE_BEYOND_ACK_WAIT),
            broker,
            subjects,
            settings,
            pool,
            counts,
            readiness,
            pace: Pace::default(),
            filling: None,
            trials: Trials::default(),
            checks: JoinSet::new(),
        };
        (gateway, is_ready)
    }

    /// Carries jobs and answers until the queue is closed.
    pub(crate) async fn run(mut self) {
        let closed = self.pool.closed().clone();
        tokio::select! {
            () = self.carry() => {}
            // Nobody waits any more: what is unanswered is dropped.
            () = closed.cancelled() => {}
        }
    }

    async fn carry(&mut self) {
        let Some((mut results, mut acks)) = self.subscribe().await else {
            return;
        };
        let queue = self.pool.queue().clone();
        let mut connected = self.broker.connected.clone();
        let mut look_at = tokio::time::Instant::now();
        loop {
            let is_full = self.filling.as_ref().is_some_and(Filling::is_full);
            let due_at = (Instant::now() + LATE_AFTER).into();
            tokio::select! {
                biased;
                changed = connected.changed() => match changed {
                    Ok(()) => {
                        self.connection_changed();
                        look_at = tokio::time::Instant::now();
                    }
                    Err(_closed) => return,
                },
                Some(ack) = acks.next() => self.confirm(&ack),
                Some(result) = results.next() => self.answer(result).await,
                Some(checked) = self.checks.join_next() => self.checked(checked.ok().flatten()),
                lease = queue.take(), if !is_full => match lease {
                    Some(lease) => self.fill(lease),
                    None => return,
                },
                () = sleep_until(due_at), if self.filling.is_some() => {}
                () = sleep_until(look_at) => {
                    self.look().await;
                    let interval = match self.readiness.is_ready() {
                        true => self.pending.look_interval(),
                        false => ENSURE_INTERVAL,
                    };
                    look_at = tokio::time::Instant::now() + interval;
                }
            }
            self.publish_due().await;
            // After a refusal the next look is sooner.
            look_at = look_at.min(tokio::time::Instant::now() + self.pending.look_interval());
            self.counts.unanswered.set(self.pending.len() as u64);
            self.pool.set_beyond(self.pending.len());
        }
    }

    /// Only ever fails if the client has ended, which it does not before us.
    async fn subscribe(&self) -> Option<(Subscriber, Subscriber)> {
        let client = &self.broker.client;
        let results = client.subscribe(self.subjects.results_of(&self.boot));
        let acks = client.subscribe(format!("{}.*", self.acks_subject));
        Some((results.await.ok()?, acks.await.ok()?))
    }

    fn connection_changed(&mut self) {
        let connected = *self.broker.connected.borrow();
        self.counts.connects.set(connected.times);
        // What was ready before may be gone: the next look sees to it.
        self.readiness.set(false);
    }

    /// Takes a job that a session waits for, and others with it.
    fn fill(&mut self, lease: Lease) {
        let queue = self.pool.queue();
        let (bundles, _jobs) = self.with_workers();
        let bytes_max = self.pace.bytes_max();
        let filling = self.filling.get_or_insert_default();
        let jobs_max = self
            .pace
            .jobs_max(filling.jobs() + 1 + queue.len(), bundles);
        filling.push(lease, bytes_max);
        while filling.jobs() < jobs_max
            && !filling.is_full()
            && let Some(lease) = queue.try_take()
        {
            filling.push(lease, bytes_max);
        }
    }

    /// Bundles that workers have to do, and the jobs in them.
    fn with_workers(&self) -> (usize, usize) {
        let recent = self.pending.since(Instant::now() - LATE_AFTER);
        recent.fold((0, 0), |(bundles, jobs), work| {
            (bundles + 1, jobs + work.jobs())
        })
    }

    /// Publishes what was taken, if it is time for that.
    async fn publish_due(&mut self) {
        if self.filling.is_none() {
            return;
        }
        let has_room = self.pending.len() < self.settings.jobs_max as usize;
        if !has_room || !self.readiness.is_ready() || self.pending.refused() > 0 {
            return;
        }
        let (bundles, jobs) = self.with_workers();
        let is_due = |filling: &mut Filling| {
            self.pace
                .is_due(filling.jobs(), filling.is_full(), bundles, jobs)
        };
        let Some(filling) = self.filling.take_if(is_due) else {
            return;
        };
        let (bundle, left_over) = filling.seal();
        self.filling = left_over.map(Filling::of);
        if !bundle.is_abandoned() {
            self.publish_new(Work::Bundle(bundle)).await;
        }
    }

    async fn publish_new(&mut self, work: Work) {
        if matches!(work, Work::Bundle(_)) {
            self.counts.published.add(1);
        }
        let number = self.pending.insert(work, Instant::now());
        self.publish(number).await;
    }

    /// Publishes it, or publishes it again. What does not come out of this process is late, and dealt with then.
    async fn publish(&mut self, number: u64) {
        let Some((headers, bytes)) = self.message(number) else {
            return;
        };
        let published = self.broker.client.publish_with_reply_and_headers(
            self.jobs_subject.clone(),
            format!("{}.{number}", self.acks_subject),
            headers,
            bytes,
        );
        match timeout(REQUEST_MAX, published).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                // It is larger than the broker takes, and always will be.
                tracing::error!(%error, "a job cannot be published");
                self.lose(number);
            }
            Err(_elapsed) => self.readiness.set(false),
        }
    }

    fn message(&self, number: u64) -> Option<(HeaderMap, Bytes)> {
        match self.pending.get(number)? {
            Work::Bundle(bundle) => {
                let queued = bundle.leases().first()?.queued_for(Instant::now());
                let header = JobHeader {
                    number,
                    commands: bundle.commands,
                    results_bytes_max: bundle.results_bytes_max as u64,
                    submitted_nanos: unix_nanos().saturating_sub(queued.as_nanos() as u64),
                };
                let mut headers = header.to_map();
                trace::put(&mut headers, &bundle.traces);
                if let Some(deadline) = bundle.deadline {
                    put_deadline(&mut headers, deadline);
                }
                Some((headers, bundle.bytes.clone()))
            }
            Work::Suspect => {
                let (command, results_bytes_max) = self.trials.command()?;
                let header = JobHeader {
                    number,
                    commands: 1,
                    results_bytes_max: results_bytes_max as u64,
                    submitted_nanos: unix_nanos(),
                };
                Some((header.to_map(), command))
            }
        }
    }
}
