//! What comes back: the broker's confirmations, and the workers' answers.

use std::time::Instant;

use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::{Message, StatusCode};
use bytes::Bytes;

use super::{Gateway, Work};
use crate::nats::answers::{execution_in, malformed_in};
use crate::nats::bundle::Bundle;
use crate::nats::header::{Came, ResultHeader};
use crate::nats::quarantine::Verdict;
use crate::nats::subjects::number_in;

impl Gateway {
    /// What the broker says to a job that was published.
    pub(super) fn confirm(&mut self, ack: &Message) {
        let Some(number) = number_in(&ack.subject) else {
            return;
        };
        let now = Instant::now();
        // Without a stream nobody listens.
        if ack.status.is_some_and(|status| status != StatusCode::OK) {
            self.pending.refuse(number, now);
            return self.readiness.set(false);
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
    pub(super) async fn answer(&mut self, message: Message) {
        let Some(header) = ResultHeader::from_map(message.headers.as_ref()) else {
            tracing::warn!("a result without its header is left out");
            return;
        };
        match self.pending.remove(header.number) {
            None => self.counts.dropped.add(1),
            Some(Work::Bundle(bundle)) => self.complete(bundle, header, message.payload).await,
            Some(Work::Suspect) => self.judge(header, &message.payload),
        }
        self.try_next().await;
    }

    async fn complete(&mut self, bundle: Bundle, header: ResultHeader, results: Bytes) {
        let ResultHeader { answered, came, .. } = header;
        if let Some(execution) = execution_in(&results) {
            self.pool.note_remote(&execution, answered);
            self.pace
                .ran(&execution, bundle.bytes.len(), Instant::now());
        }
        match came {
            Came::Through => bundle.complete(results, answered),
            Came::Malformed => {
                let max = self.settings.actions_max;
                if let Some(others) = bundle.complete_before_malformed(results, answered, max) {
                    self.publish_new(Work::Bundle(others)).await;
                }
            }
            // Nobody waits for it, or else the clocks do not agree.
            Came::Late if bundle.is_abandoned() => {}
            Came::Late => {
                tracing::warn!(
                    "a worker's clock is ahead: it takes the deadline of a job for passed"
                );
                let work = Work::Bundle(bundle.without_deadline());
                self.publish_new(work).await;
            }
            Came::Suspect => {
                tracing::warn!(
                    commands = bundle.commands,
                    "no worker comes back from a job: its commands are run one by one"
                );
                self.counts.quarantined.add(1);
                bundle
                    .into_leases()
                    .into_iter()
                    .for_each(|lease| self.trials.add(lease));
            }
        }
    }

    /// What came of the command that is on trial.
    fn judge(&mut self, header: ResultHeader, results: &Bytes) {
        let verdict = match header.came {
            Came::Through => Verdict::Answered(results),
            Came::Suspect => Verdict::Culprit,
            Came::Malformed => Verdict::Malformed,
            // It has no deadline.
            Came::Late => return self.trials.give_up(),
        };
        let actions_max = self.settings.actions_max;
        let why = |bytes: &Bytes| malformed_in(bytes, actions_max);
        if let Some(id) = self.trials.judge(verdict, why) {
            tracing::error!(id, "no worker comes back from a command");
            self.counts.condemned.add(1);
        }
    }

    /// Goes on with the trials, if none is under way.
    pub(super) async fn try_next(&mut self) {
        if self.trials.begin_next() {
            self.publish_new(Work::Suspect).await;
        }
    }
}
