//! A run's numbers, as they are reported, and the verdict. How they look is for `text` and `json`.

use std::time::Duration;

use robot_api::v1;
use robot_client::Resumed;

use super::args::Plan;
use super::drive::Ran;
use super::times::{Quantiles, Step};
use super::workload::Workload;

/// Everything that is reported of a run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    pub(crate) address: String,
    pub(crate) version: String,
    pub(crate) workload: Workload,
    /// The workload had no end then: time ended it.
    pub(crate) duration: Option<Duration>,
    pub(crate) streams: u32,
    pub(crate) connections: u32,
    /// Commands a second that were asked for. `None`: a closed loop.
    pub(crate) rate: Option<u32>,
    /// Commands of a stream that may be unanswered.
    pub(crate) window: usize,
    /// Commands in one message.
    pub(crate) batch: usize,
    pub(crate) sent: u64,
    /// Sent later than they were due, or not at all.
    pub(crate) late: u64,
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    pub(crate) mismatched: u64,
    /// Errors of commands by reason, and streams that broke by gRPC code.
    pub(crate) errors: Vec<(String, u64)>,
    pub(crate) first_complaint: Option<String>,
    /// Somebody stopped it before it was done.
    pub(crate) interrupted: bool,
    pub(crate) elapsed: Duration,
    /// What the session got over.
    pub(crate) resumed: Resumed,
    /// Of a command, from its sending, or in an open loop from when it was due, to the receipt of its result.
    pub(crate) round_trip_us: Quantiles,
    /// The same times, sorted.
    pub(crate) round_trip_steps: Vec<Step>,
    /// Of a job, as the server measured it.
    pub(crate) server_queue_us: Quantiles,
    /// Of a job, as the server measured it.
    pub(crate) server_run_us: Quantiles,
    pub(crate) jobs: u64,
    /// The mean.
    pub(crate) commands_per_job: f64,
    /// Worker numbers and the commands that they ran, by number.
    pub(crate) workers: Vec<(u32, u64)>,
}

impl Report {
    pub(crate) fn new(
        address: &str,
        info: &v1::GetServerInfoResponse,
        plan: &Plan,
        ran: &Ran,
    ) -> Self {
        let Ran {
            tally,
            elapsed,
            resumed,
            interrupted,
            broken,
            error: _,
        } = ran;
        let errors = tally.reasons.iter().chain(broken);
        Self {
            address: address.to_owned(),
            version: info.version.clone(),
            workload: plan.workload.clone(),
            duration: plan.duration,
            streams: plan.streams,
            connections: plan.connections,
            rate: plan.rate,
            window: plan.window.get(),
            batch: plan.batch,
            sent: tally.sent,
            late: tally.late,
            answered: tally.answered,
            failed: tally.failed,
            mismatched: tally.mismatched,
            errors: errors.map(|(kind, count)| (kind.clone(), *count)).collect(),
            interrupted: *interrupted,
            first_complaint: tally.first_complaint.clone(),
            elapsed: *elapsed,
            resumed: *resumed,
            round_trip_us: tally.round_trip.quantiles_us(),
            round_trip_steps: tally.round_trip.steps(),
            server_queue_us: tally.jobs.queue.quantiles_us(),
            server_run_us: tally.jobs.run.quantiles_us(),
            jobs: tally.jobs.jobs,
            commands_per_job: tally.jobs.commands_per_job(),
            workers: tally.workers.clone().into_iter().collect(),
        }
    }

    /// Commands that the run is about, sent or not; if time ended it, those that were sent.
    pub(crate) fn commands(&self) -> u64 {
        match self.duration {
            Some(_) => self.sent,
            None => self.workload.commands(),
        }
    }

    /// Answered commands a second.
    pub(crate) fn commands_per_second(&self) -> f64 {
        self.answered as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// All were answered, and every result was as it must be.
    pub(crate) fn is_good(&self) -> bool {
        let all = self.answered > 0 && self.answered == self.commands();
        all && self.failed == 0 && self.mismatched == 0
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::cli::bench::workload::{Content, Mode};

    /// A report of round numbers.
    pub(crate) fn report() -> Report {
        let quantiles = |p50| Quantiles {
            p50,
            p90: p50 * 2.0,
            p99: p50 * 3.0,
            p999: p50 * 4.0,
            max: p50 * 100.0,
        };
        Report {
            address: "127.0.0.1:50051".to_owned(),
            version: "1.2.3".to_owned(),
            workload: Workload {
                mode: Mode::Pipelined,
                turns: 2000,
                content: Content::Turns,
            },
            duration: None,
            streams: 1,
            connections: 1,
            rate: None,
            window: 1000,
            batch: 1,
            sent: 2000,
            late: 0,
            answered: 2000,
            failed: 0,
            mismatched: 0,
            errors: Vec::new(),
            first_complaint: None,
            interrupted: false,
            elapsed: Duration::from_millis(4),
            resumed: Resumed::default(),
            round_trip_us: quantiles(812.34),
            round_trip_steps: vec![
                Step {
                    from: 500_000,
                    to: 1_000_000,
                    count: 1500,
                },
                Step {
                    from: 1_000_000,
                    to: 2_000_000,
                    count: 500,
                },
            ],
            server_queue_us: quantiles(40.0),
            server_run_us: quantiles(2.25),
            jobs: 250,
            commands_per_job: 8.0,
            workers: vec![(1, 1500), (2, 500), (3, 0)],
        }
    }

    #[test]
    fn is_good_only_if_nothing_is_missing_or_wrong() {
        assert!(report().is_good());
        for bad in [
            Report {
                answered: 1999,
                ..report()
            },
            Report {
                failed: 1,
                ..report()
            },
            Report {
                mismatched: 1,
                ..report()
            },
        ] {
            assert!(!bad.is_good(), "{bad:?}");
        }
    }
}
