//! A gateway's end of the broker. It takes the jobs that sessions have queued, as a worker in this process would, and
//! publishes them; an answer completes its job as a worker would. So sessions do not know that there is a broker.
//!
//! Invariant: each job is completed once, by the first answer, whatever happens to workers, broker and connection. What
//! they lose is published again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::{Message, Subscriber};
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};
use tokio_stream::StreamExt;

use super::answers::{execution_in, malformed_in};
use super::connect::{Broker, LOG_INTERVAL, REQUEST_MAX};
use super::counts::LinkCounts;
use super::header::{Came, JobHeader, ResultHeader, unix_nanos};
use super::lookup::{Checked, look_up};
use super::pending::{Due, Pending};
use super::quarantine::Trial;
use super::stream::ensure_stream;
use super::subjects::{Subjects, boot, number_in};
use crate::pool::Pool;
use crate::queue::{Failure, Lease, Queue};

/// A job is with the broker for this much longer than it takes to give it to another worker, before somebody looks.
const PATIENCE_BEYOND_ACK_WAIT: Duration = Duration::from_millis(500);
/// Of a job's headers at the broker.
const HEADER_BYTES_MAX: usize = 256;
/// Between two tries to get what is needed from a broker that is there.
const ENSURE_INTERVAL: Duration = Duration::from_millis(200);

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
    ready: watch::Sender<bool>,
    pending: Pending<Work>,
    /// One at a time; more wait.
    trials: std::collections::VecDeque<(Accepted, Trial)>,
    on_trial: Option<u64>,
    checks: JoinSet<Option<Vec<Checked>>>,
    /// Since when it has been said that the broker does not do.
    complained: Option<Instant>,
}

/// A job that was taken from the queue, and its place among those that the broker may hold.
struct Accepted {
    lease: Lease,
    _place: OwnedSemaphorePermit,
}

/// What was published.
enum Work {
    Job(Accepted),
    /// The command of the first trial that is run now.
    Suspect,
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
        let (ready, is_ready) = watch::channel(false);
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
            ready,
            trials: Default::default(),
            on_trial: None,
            checks: JoinSet::new(),
            complained: None,
        };
        (gateway, is_ready)
    }

    /// Carries jobs and answers until the queue is closed. Nobody waits for an answer then.
    pub(crate) async fn run(mut self) {
        let jobs_max = self.settings.jobs_max as usize;
        let (taken, mut jobs) = mpsc::channel(jobs_max);
        let taking = tokio::spawn(take(self.pool.queue().clone(), jobs_max, taken));
        let closed = self.pool.closed().clone();
        tokio::select! {
            () = self.carry(&mut jobs) => {}
            // Nobody waits any more: what is unanswered is dropped.
            () = closed.cancelled() => {}
        }
        taking.abort();
    }

    async fn carry(&mut self, jobs: &mut mpsc::Receiver<Accepted>) {
        let Some((mut results, mut acks)) = self.subscribe().await else {
            return;
        };
        let mut connected = self.broker.connected.clone();
        let mut look_at = tokio::time::Instant::now();
        loop {
            let accepting = *self.ready.borrow() && self.pending.refused() == 0;
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
                Some(accepted) = jobs.recv(), if accepting => self.submit(accepted).await,
                () = sleep_until(look_at) => {
                    self.look().await;
                    let interval = match *self.ready.borrow() {
                        true => self.pending.look_interval(),
                        false => ENSURE_INTERVAL,
                    };
                    look_at = tokio::time::Instant::now() + interval;
                }
            }
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
        self.set_ready(false);
    }

    fn set_ready(&mut self, ready: bool) {
        self.counts.ready.set(ready.into());
        self.ready
            .send_if_modified(|before| std::mem::replace(before, ready) != ready);
    }

    /// Takes a job that a session waits for.
    async fn submit(&mut self, accepted: Accepted) {
        if accepted.lease.is_abandoned() {
            return;
        }
        self.counts.published.add(1);
        let number = self.pending.insert(Work::Job(accepted), Instant::now());
        self.publish(number).await;
    }

    /// Publishes a job, or publishes it again. What does not come out of this process is late, and dealt with then.
    async fn publish(&mut self, number: u64) {
        let Some((header, bytes)) = self.message(number) else {
            return;
        };
        let published = self.broker.client.publish_with_reply_and_headers(
            self.jobs_subject.clone(),
            format!("{}.{number}", self.acks_subject),
            header.to_map(),
            bytes,
        );
        match timeout(REQUEST_MAX, published).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                // It is larger than the broker takes, and always will be.
                tracing::error!(%error, "a job cannot be published");
                self.lose(number);
            }
            Err(_elapsed) => self.set_ready(false),
        }
    }

    fn message(&self, number: u64) -> Option<(JobHeader, Bytes)> {
        let (bytes, commands, results_bytes_max, queued) = match self.pending.get(number)? {
            Work::Job(Accepted { lease, .. }) => {
                let job = lease.job();
                let queued = lease.queued_for(Instant::now());
                (
                    job.bytes.clone(),
                    job.commands,
                    job.results_bytes_max,
                    queued,
                )
            }
            Work::Suspect => {
                let (accepted, trial) = self.trials.front()?;
                let max = accepted.lease.job().results_bytes_max;
                (trial.command()?.clone(), 1, max, Duration::ZERO)
            }
        };
        let header = JobHeader {
            number,
            commands,
            results_bytes_max: results_bytes_max as u64,
            submitted_nanos: unix_nanos().saturating_sub(queued.as_nanos() as u64),
        };
        Some((header, bytes))
    }

    /// What the broker says to a job that was published.
    fn confirm(&mut self, ack: &Message) {
        let Some(number) = number_in(&ack.subject) else {
            return;
        };
        let now = Instant::now();
        // Without a stream nobody listens.
        if ack
            .status
            .is_some_and(|status| status != async_nats::StatusCode::OK)
        {
            self.pending.refuse(number, now);
            return self.set_ready(false);
        }
        match serde_json::from_slice(&ack.payload) {
            Ok(Response::Ok(PublishAck { sequence, .. })) => {
                if let Some(time) = self.pending.confirm(number, sequence, now) {
                    self.counts.confirm_times.add(time);
                }
            }
            Ok(Response::Err { error }) => {
                tracing::debug!(%error, "the broker has no room for a job");
                self.counts.refused.add(1);
                self.pending.refuse(number, now);
            }
            Err(error) => tracing::warn!(%error, "the broker's confirmation makes no sense"),
        }
    }

    /// A worker's answer.
    async fn answer(&mut self, message: Message) {
        let Some(header) = ResultHeader::from_map(message.headers.as_ref()) else {
            tracing::warn!("a result without its header is left out");
            return;
        };
        match self.pending.remove(header.number) {
            None => self.counts.dropped.add(1),
            Some(Work::Job(accepted)) => self.complete(accepted, header, message.payload),
            Some(Work::Suspect) => self.judge(header, &message.payload),
        }
        self.try_next().await;
    }

    fn complete(&mut self, accepted: Accepted, header: ResultHeader, results: Bytes) {
        let Accepted { lease, _place } = accepted;
        let ResultHeader { answered, came, .. } = header;
        let job = lease.job();
        if came == Came::Suspect {
            tracing::warn!(
                commands = job.commands,
                "no worker comes back from a job: its commands are run one by one"
            );
            self.counts.quarantined.add(1);
            let trial = Trial::of(&job.bytes);
            self.trials.push_back((Accepted { lease, _place }, trial));
            return;
        }
        let failure = match came {
            Came::Through if answered == job.commands => None,
            Came::Malformed => malformed_in(&job.bytes, self.settings.actions_max),
            _ => Some(Failure::Lost),
        };
        if results.len() > job.results_bytes_max {
            tracing::error!(
                bytes = results.len(),
                max = job.results_bytes_max,
                "a worker's results are larger than they can be"
            );
            return self.counts.lost.add(1);
        }
        if let Some(execution) = execution_in(&results) {
            self.pool.note_remote(&execution, answered);
        }
        lease.complete(results, answered, failure);
    }

    /// What came of the command that is on trial.
    fn judge(&mut self, header: ResultHeader, results: &Bytes) {
        self.on_trial = None;
        let Some((accepted, trial)) = self.trials.front_mut() else {
            return;
        };
        match header.came {
            Came::Through => trial.answered(results),
            Came::Suspect => {
                let id = trial.condemn();
                tracing::error!(id, "no worker comes back from a command");
                self.counts.condemned.add(1);
            }
            // The stream that sent it ends.
            Came::Malformed => {
                let failure = malformed_in(&accepted.lease.job().bytes, self.settings.actions_max);
                if let Some((accepted, _trial)) = self.trials.pop_front() {
                    accepted.lease.complete(Bytes::new(), 0, failure);
                }
            }
        }
    }

    /// Goes on with the trials, if none is under way.
    async fn try_next(&mut self) {
        while self.on_trial.is_none()
            && let Some((accepted, trial)) = self.trials.front()
        {
            if trial.command().is_some() && !accepted.lease.is_abandoned() {
                let number = self.pending.insert(Work::Suspect, Instant::now());
                self.on_trial = Some(number);
                return self.publish(number).await;
            }
            if let Some((accepted, trial)) = self.trials.pop_front() {
                let (results, answered) = trial.into_results();
                accepted.lease.complete(results, answered, None);
            }
        }
    }

    /// Sees to the broker if it does not do, and to the jobs that take long.
    async fn look(&mut self) {
        if !*self.ready.borrow() && !self.get_ready().await {
            return;
        }
        let abandoned = |work: &Work| matches!(work, Work::Job(job) if job.lease.is_abandoned());
        for number in self.pending.find(abandoned) {
            self.pending.remove(number);
        }
        let mut to_check = Vec::new();
        for (number, due) in self.pending.look(Instant::now()) {
            match due {
                Due::Check(place) => to_check.push((number, place)),
                Due::GiveUp => self.lose(number),
                Due::Send => {
                    self.counts.resent.add(1);
                    self.pending.resend(number, Instant::now());
                    self.publish(number).await;
                }
            }
        }
        // A trial may have been given up.
        self.try_next().await;
        if !to_check.is_empty() {
            let (broker, subjects) = (self.broker.clone(), self.subjects.clone());
            let jobs = self.jobs_subject.clone();
            self.checks.spawn(look_up(broker, subjects, jobs, to_check));
        }
    }

    /// Nothing more can be done for this job: its session ends, and its client asks again.
    fn lose(&mut self, number: u64) {
        self.counts.lost.add(1);
        match self.pending.remove(number) {
            Some(Work::Suspect) => {
                self.on_trial = None;
                self.trials.pop_front();
            }
            Some(Work::Job(_)) | None => {}
        }
    }

    fn checked(&mut self, checked: Option<Vec<Checked>>) {
        for Checked {
            number,
            place,
            found,
        } in checked.into_iter().flatten()
        {
            self.pending.checked(number, place, found, Instant::now());
        }
    }

    /// Makes what is needed at the broker. Whatever was there before may be gone.
    async fn get_ready(&mut self) -> bool {
        if !self.broker.connected.borrow().now {
            self.complain("the broker does not answer");
            return false;
        }
        let GatewaySettings {
            jobs_max, job_max, ..
        } = self.settings;
        let ensured = ensure_stream(&self.broker, &self.subjects, jobs_max, job_max);
        match timeout(REQUEST_MAX, ensured).await {
            Ok(Ok(())) => {
                self.complained = None;
                tracing::info!("jobs go to the broker");
                self.compare_limits();
                self.pending.doubt_all(Instant::now());
                self.set_ready(true);
                true
            }
            Ok(Err(error)) => {
                self.complain(&error.to_string());
                false
            }
            Err(_elapsed) => {
                self.complain("the broker does not make the stream in time");
                false
            }
        }
    }

    /// Says so if there are jobs that the broker will not take.
    fn compare_limits(&self) {
        let broker = self.broker.client.server_info().max_payload;
        let needed = self.settings.message_bytes_max + HEADER_BYTES_MAX;
        if broker < needed {
            tracing::warn!(
                broker,
                needed,
                "the broker's max_payload is less than the largest job: its stream would end ABORTED"
            );
        }
    }

    fn complain(&mut self, error: &str) {
        let silent = self
            .complained
            .is_some_and(|at| at.elapsed() < LOG_INTERVAL);
        if !silent {
            self.complained = Some(Instant::now());
            tracing::warn!(error, "not ready: jobs wait for the broker; trying again");
        }
    }
}

/// Takes jobs from the queue as long as the broker may hold more of them, until it is closed.
async fn take(queue: Queue, jobs_max: usize, taken: mpsc::Sender<Accepted>) {
    let places = Arc::new(Semaphore::new(jobs_max));
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        let place = place.expect("it is never closed");
        let Some(lease) = queue.take().await else {
            return;
        };
        let accepted = Accepted {
            lease,
            _place: place,
        };
        if taken.send(accepted).await.is_err() {
            return;
        }
    }
}
