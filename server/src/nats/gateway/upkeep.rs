//! What is done from time to time: the broker is given what it has to have, and jobs that take long are seen to.

use std::time::Instant;

use tokio::time::timeout;

use super::{Gateway, GatewaySettings, Work};
use crate::nats::connect::REQUEST_MAX;
use crate::nats::lookup::{Checked, look_up};
use crate::nats::pending::Due;
use crate::nats::stream::ensure_stream;

/// Of a job's headers at the broker.
const HEADER_BYTES_MAX: usize = 256;

impl Gateway {
    /// Sees to the broker if it does not do, and to the jobs that take long.
    pub(super) async fn look(&mut self) {
        if !self.readiness.is_ready() && !self.get_ready().await {
            return;
        }
        self.pace.forget(Instant::now());
        let is_abandoned = |work: &Work| matches!(work, Work::Bundle(jobs) if jobs.is_abandoned());
        for number in self.pending.find(is_abandoned) {
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

    /// Nothing more can be done for these jobs: their sessions end, and their clients ask again.
    pub(super) fn lose(&mut self, number: u64) {
        self.counts.lost.add(1);
        match self.pending.remove(number) {
            Some(Work::Suspect) => self.trials.give_up(),
            Some(Work::Bundle(_)) | None => {}
        }
    }

    pub(super) fn checked(&mut self, checked: Option<Vec<Checked>>) {
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
            self.readiness.complain("the broker does not answer");
            return false;
        }
        let GatewaySettings {
            jobs_max, job_max, ..
        } = self.settings;
        let ensured = ensure_stream(&self.broker, &self.subjects, jobs_max, job_max);
        match timeout(REQUEST_MAX, ensured).await {
            Ok(Ok(())) => {
                tracing::info!("jobs go to the broker");
                self.compare_limits();
                self.pending.doubt_all(Instant::now());
                self.readiness.set(true);
            }
            Ok(Err(error)) => self.readiness.complain(&error.to_string()),
            Err(_elapsed) => self
                .readiness
                .complain("the broker does not make the stream in time"),
        }
        self.readiness.is_ready()
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
}
