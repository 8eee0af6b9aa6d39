//! What is done from time to time: the broker is given what it has to have, and is told which jobs are still being run.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::timeout;

use super::WorkerLink;
use crate::nats::connect::REQUEST_MAX;
use crate::nats::stream::ensure_consumer;

const IN_PROGRESS: Bytes = Bytes::from_static(b"+WPI");

impl WorkerLink {
    /// How long jobs take, by the workers' own clocks.
    pub(super) fn measure(&mut self) {
        self.unmeasured = 0;
        let counts = self.pool.counts();
        let jobs = counts.iter().map(|worker| worker.jobs()).sum();
        let busy = counts.iter().map(|worker| worker.busy_nanos()).sum();
        let (jobs_before, busy_before) = std::mem::replace(&mut self.measured, (jobs, busy));
        let busy = Duration::from_nanos(busy - busy_before);
        self.credit.measured(jobs - jobs_before, busy);
    }

    /// Sees to the broker if it does not do, and tells it which jobs are still being run.
    pub(super) async fn look(&mut self, stopped: bool) {
        let connected = *self.broker.connected.borrow();
        if self.counts.connects.get() != connected.times || !connected.now {
            self.counts.connects.set(connected.times);
            self.readiness.set(false);
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
        if !self.readiness.is_ready() && !stopped {
            self.get_ready(connected.now).await;
        }
    }

    /// Makes what is needed at the broker. What was asked for before does not come any more.
    async fn get_ready(&mut self, connected: bool) {
        self.credit.all_ended();
        if !connected {
            return self.readiness.complain("the broker does not answer");
        }
        let ensured = ensure_consumer(&self.broker, &self.subjects, self.ack_wait);
        match timeout(REQUEST_MAX, ensured).await {
            Ok(Ok(())) => {
                tracing::info!("jobs come from the broker");
                self.readiness.set(true);
            }
            // A gateway makes the stream.
            Ok(Err(error)) => self.readiness.complain(&error.to_string()),
            Err(_elapsed) => self
                .readiness
                .complain("the broker does not make the consumer in time"),
        }
    }
}
