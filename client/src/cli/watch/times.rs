//! Percentiles of what a server counted in powers of two, from one snapshot to the next. It knows nothing of how they are
//! shown.

use std::fmt;
use std::time::Duration;

use robot_api::v1;

/// The bound of the contract's first counter; each is twice the one before.
const FIRST_NANOS: u64 = 1024;
/// The bounds; one counter more holds what is longer than all of them.
const BOUNDS: usize = 24;

/// How long jobs took, as bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Percentiles {
    pub(super) p50: Bound,
    pub(super) p99: Bound,
}

/// Below so much, and half of that at least; or longer than the contract counts apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    Below(Duration),
    Longest,
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
        match place {
            Some(place @ ..BOUNDS) => Bound::Below(Duration::from_nanos(FIRST_NANOS << place)),
            _ => Bound::Longest,
        }
    };
    (jobs > 0).then(|| Percentiles {
        p50: bound_of(50),
        p99: bound_of(99),
    })
}

impl fmt::Display for Bound {
    /// In two digits or three, rounded up, so that it is true: `<1.1 us`, `<66 us`, `<525 us`, `<4.3 ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Below(time) = self else {
            return f.write_str(">8.5 s");
        };
        let nanos = time.as_nanos() as f64;
        let (count, unit) = match nanos {
            ..1e6 => (nanos / 1e3, "us"),
            ..1e9 => (nanos / 1e6, "ms"),
            _ => (nanos / 1e9, "s"),
        };
        match count {
            ..10.0 => write!(f, "<{:.1} {unit}", (count * 10.0).ceil() / 10.0),
            _ => write!(f, "<{} {unit}", count.ceil()),
        }
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
            p50: Bound::Below(Duration::from_nanos(p50_nanos)),
            p99: Bound::Below(Duration::from_nanos(p99_nanos)),
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
        let longest = Percentiles {
            p50: Bound::Longest,
            p99: Bound::Longest,
        };
        assert_eq!(times.run, Some(longest));
    }

    #[test]
    fn bounds_are_short_and_true() {
        for (log2, expected) in [
            (10, "<1.1 us"),
            (16, "<66 us"),
            (19, "<525 us"),
            (20, "<1.1 ms"),
            (31, "<2.2 s"),
            (33, "<8.6 s"),
        ] {
            let bound = Bound::Below(Duration::from_nanos(1 << log2));
            assert_eq!(bound.to_string(), expected);
        }
        assert_eq!(Bound::Longest.to_string(), ">8.5 s");
    }
}
