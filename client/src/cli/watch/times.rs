//! Percentiles of what a server counted in powers of two, from one snapshot to the next. It knows nothing of how they are
//! shown.

use std::time::Duration;

use robot_api::v1;

/// The bound of the contract's first counter; each is twice the one before.
const FIRST_NANOS: u64 = 1024;
/// The bounds; one counter more holds what is longer than all of them.
const BOUNDS: usize = 24;

/// How long jobs took: below so much, and twice that at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Percentiles {
    pub(super) p50: Duration,
    pub(super) p99: Duration,
}

/// How long the jobs of all workers waited and ran; none where there were none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct JobTimes {
    pub(super) queue: Option<Percentiles>,
    pub(super) run: Option<Percentiles>,
}

/// Of the jobs that were run between two snapshots of the same workers.
pub(super) fn job_times(
    before: &v1::WatchWorkersResponse,
    now: &v1::WatchWorkersResponse,
) -> JobTimes {
    let mut queue = [0; BOUNDS + 1];
    let mut run = [0; BOUNDS + 1];
    for (before, now) in before.workers.iter().zip(&now.workers) {
        add(
            &mut queue,
            &before.queue_time_counts,
            &now.queue_time_counts,
        );
        add(&mut run, &before.run_time_counts, &now.run_time_counts);
    }
    JobTimes {
        queue: percentiles(&queue),
        run: percentiles(&run),
    }
}

/// Counts that are left out are 0.
fn add(total: &mut [u64], before: &[u64], now: &[u64]) {
    let before = before.iter().chain(std::iter::repeat(&0));
    for ((total, before), now) in total.iter_mut().zip(before).zip(now) {
        *total += now.saturating_sub(*before);
    }
}

fn percentiles(counts: &[u64]) -> Option<Percentiles> {
    let jobs: u64 = counts.iter().sum();
    let bound_of = |percent: u64| {
        let rank = (jobs * percent).div_ceil(100);
        let mut counted = 0;
        let place = counts.iter().position(|count| {
            counted += count;
            counted >= rank
        });
        let place = place.unwrap_or(BOUNDS).min(BOUNDS - 1);
        Duration::from_nanos(FIRST_NANOS << place)
    };
    (jobs > 0).then(|| Percentiles {
        p50: bound_of(50),
        p99: bound_of(99),
    })
}

/// As short as it can be told apart: `2 us`, `66 us`, `1 ms`, `2 s`.
pub(super) fn text(time: Duration) -> String {
    match time.as_nanos() {
        nanos @ ..1_000_000 => format!("{} us", nanos / 1000),
        nanos @ ..1_000_000_000 => format!("{} ms", nanos / 1_000_000),
        nanos => format!("{} s", nanos / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(workers: &[(&[u64], &[u64])]) -> v1::WatchWorkersResponse {
        let workers = workers.iter().map(|(queue, run)| v1::WorkerSnapshot {
            queue_time_counts: queue.to_vec(),
            run_time_counts: run.to_vec(),
            ..Default::default()
        });
        v1::WatchWorkersResponse {
            workers: workers.collect(),
            ..Default::default()
        }
    }

    fn below(p50_nanos: u64, p99_nanos: u64) -> Option<Percentiles> {
        Some(Percentiles {
            p50: Duration::from_nanos(p50_nanos),
            p99: Duration::from_nanos(p99_nanos),
        })
    }

    #[test]
    fn percentiles_are_of_what_happened_in_between() {
        let before = snapshot(&[(&[7, 1], &[100]), (&[], &[])]);
        let now = snapshot(&[(&[57, 1], &[100]), (&[0, 0, 48, 2], &[])]);
        let times = job_times(&before, &now);
        assert_eq!((times.queue, times.run), (below(1024, 8192), None));
        let long = [&[0; BOUNDS][..], &[1]].concat();
        let times = job_times(&before, &snapshot(&[(&[7, 1], &[200]), (&[], &long)]));
        assert_eq!((times.queue, times.run), (None, below(1024, 1024)));
        let times = job_times(&now, &snapshot(&[(&[57, 1], &[100]), (&[], &long)]));
        assert_eq!(times.run, below(1 << 33, 1 << 33));
    }

    #[test]
    fn times_are_short() {
        for (nanos, expected) in [
            (1024, "1 us"),
            (65_536, "65 us"),
            (1 << 20, "1 ms"),
            (1 << 31, "2 s"),
        ] {
            assert_eq!(text(Duration::from_nanos(nanos)), expected);
        }
    }
}
