//! Rates from snapshots: what was done from the last one to this one. It knows nothing of how they are shown.

use std::collections::VecDeque;

use robot_api::v1;

use super::times::{JobTimes, job_times};

/// Rates that are kept for the sparkline: more than a terminal is wide.
const HISTORY_MAX: usize = 1000;

/// What was done in a second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Rate {
    pub(super) commands: f64,
    /// From 0 to 1: of all workers, or of the one.
    pub(super) busy: f64,
}

/// The last snapshot, and the rates since the one before it.
#[derive(Debug, Default)]
pub(super) struct Meter {
    last: Option<v1::WatchWorkersResponse>,
    workers: Vec<Rate>,
    times: JobTimes,
    history: VecDeque<u64>,
    /// The next snapshot may be of another server than the last one.
    interrupted: bool,
}

impl Meter {
    pub(super) fn take(&mut self, snapshot: v1::WatchWorkersResponse) {
        let last = self.last.take();
        // Counts begin anew where a server does.
        let interrupted = std::mem::take(&mut self.interrupted);
        let before = last.filter(|last| {
            !interrupted
                && last.uptime_nanos < snapshot.uptime_nanos
                && last.workers.len() == snapshot.workers.len()
        });
        (self.workers, self.times) = match before {
            None => (Vec::new(), JobTimes::default()),
            Some(before) => (rates(&before, &snapshot), job_times(&before, &snapshot)),
        };
        self.last = Some(snapshot);
        if let Some(total) = self.total() {
            if self.history.len() == HISTORY_MAX {
                self.history.pop_front();
            }
            self.history.push_back(total.commands.round() as u64);
        }
    }

    /// The server went away, and may be another one when it comes back: no rate spans that.
    pub(super) fn interrupt(&mut self) {
        self.interrupted = true;
    }

    pub(super) fn last(&self) -> Option<&v1::WatchWorkersResponse> {
        self.last.as_ref()
    }

    /// One of each worker; none before there are two snapshots of one server.
    pub(super) fn workers(&self) -> &[Rate] {
        &self.workers
    }

    /// Of all workers.
    pub(super) fn total(&self) -> Option<Rate> {
        let (commands, busy) = self
            .workers
            .iter()
            .fold((0.0, 0.0), |(commands, busy), rate| {
                (commands + rate.commands, busy + rate.busy)
            });
        let busy = busy / self.workers.len() as f64;
        (!self.workers.is_empty()).then_some(Rate { commands, busy })
    }

    /// Of the jobs of all workers.
    pub(super) fn times(&self) -> JobTimes {
        self.times
    }

    /// Commands a second, the newest last: as many as there are, up to `max`.
    pub(super) fn history(&self, max: usize) -> Vec<u64> {
        let skipped = self.history.len().saturating_sub(max);
        self.history.iter().skip(skipped).copied().collect()
    }
}

fn rates(before: &v1::WatchWorkersResponse, now: &v1::WatchWorkersResponse) -> Vec<Rate> {
    let nanos = (now.uptime_nanos - before.uptime_nanos) as f64;
    let pairs = before.workers.iter().zip(&now.workers);
    pairs
        .map(|(before, now)| Rate {
            commands: now.commands.saturating_sub(before.commands) as f64 / nanos * 1e9,
            // A job's time is booked at its end, so it may be more than has passed.
            busy: (now.busy_nanos.saturating_sub(before.busy_nanos) as f64 / nanos).min(1.0),
        })
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// After so many seconds, of workers that have run so many commands and were busy for so many seconds.
    pub(in crate::cli::watch) fn snapshot(
        seconds: u64,
        workers: &[(u64, f64)],
    ) -> v1::WatchWorkersResponse {
        let workers = workers.iter().zip(0..);
        v1::WatchWorkersResponse {
            workers: workers
                .map(|(&(commands, busy), worker)| v1::WorkerSnapshot {
                    worker,
                    jobs: commands / 10,
                    commands,
                    busy_nanos: (busy * 1e9) as u64,
                    queue_time_counts: vec![commands / 10],
                    run_time_counts: vec![0, 0, commands / 10],
                })
                .collect(),
            queue: Some(v1::QueueSnapshot {
                jobs: 3,
                jobs_max: 1024,
                idle_workers: 1,
            }),
            open_calls: 4,
            uptime_nanos: seconds * 1_000_000_000,
        }
    }

    #[test]
    fn rates_come_from_two_snapshots() {
        let mut meter = Meter::default();
        meter.take(snapshot(10, &[(100, 1.0), (50, 0.0)]));
        assert_eq!((meter.total(), meter.workers()), (None, &[][..]));
        meter.take(snapshot(12, &[(300, 2.0), (50, 0.0)]));
        let (commands, busy) = (100.0, 0.5);
        assert_eq!(meter.workers(), [Rate { commands, busy }, Rate::default()]);
        let busy = 0.25;
        assert_eq!(meter.total(), Some(Rate { commands, busy }));
    }

    #[test]
    fn a_server_that_began_anew_has_no_rates_yet() {
        let mut meter = Meter::default();
        meter.take(snapshot(10, &[(100, 1.0)]));
        meter.take(snapshot(1, &[(5, 0.5)]));
        assert_eq!(meter.total(), None);
        meter.take(snapshot(2, &[(7, 0.5)]));
        assert_eq!(
            meter.total(),
            Some(Rate {
                commands: 2.0,
                busy: 0.0
            })
        );
        meter.take(snapshot(3, &[(7, 0.5), (1, 0.0)]));
        assert_eq!(meter.total(), None);
    }

    #[test]
    fn no_rate_spans_an_outage() {
        let mut meter = Meter::default();
        meter.take(snapshot(10, &[(100, 1.0)]));
        meter.interrupt();
        // The server may have begun anew and be older by now than the last one was.
        meter.take(snapshot(11, &[(500, 1.0)]));
        assert_eq!(meter.total(), None);
        meter.take(snapshot(12, &[(500, 2.0)]));
        assert_eq!(meter.total().map(|total| total.busy), Some(1.0));
    }

    #[test]
    fn history_is_bounded() {
        let mut meter = Meter::default();
        for second in 0..2 * HISTORY_MAX as u64 {
            meter.take(snapshot(second, &[(second * second, 0.0)]));
        }
        assert_eq!(meter.history(usize::MAX).len(), HISTORY_MAX);
        assert_eq!(meter.history(2), [3995, 3997]);
    }
}
