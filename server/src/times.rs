//! How long jobs took, as counts: one counter for each power of two of nanoseconds. Written by one worker, read by anybody
//! at any time, so counting needs neither a lock nor an atomic addition. It knows nothing of what is counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::counter::add;

/// Times below two to this many nanoseconds are not told apart: 1024 ns.
const SHORTEST_LOG2: u32 = 10;
/// Nor are those of two to this many nanoseconds and longer: 8.6 s.
const LONGEST_LOG2: u32 = 33;
/// The counters: one below each bound, and one for all that is longer.
pub(crate) const COUNTS: usize = (LONGEST_LOG2 - SHORTEST_LOG2) as usize + 2;

/// The times of one worker's jobs.
#[derive(Debug, Default)]
pub(crate) struct Times {
    counts: [AtomicU64; COUNTS],
    sum_nanos: AtomicU64,
}

/// What [`Times`] held at some moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TimesSnapshot {
    pub(crate) counts: [u64; COUNTS],
    pub(crate) sum_nanos: u64,
}

impl Times {
    /// Counts a time. Only ever called by one task at a time.
    pub(crate) fn add(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        add(&self.counts[place_of(nanos)], 1);
        add(&self.sum_nanos, nanos);
    }

    pub(crate) fn snapshot(&self) -> TimesSnapshot {
        TimesSnapshot {
            counts: self
                .counts
                .each_ref()
                .map(|count| count.load(Ordering::Relaxed)),
            sum_nanos: self.sum_nanos.load(Ordering::Relaxed),
        }
    }
}

impl TimesSnapshot {
    pub(crate) fn add(&mut self, other: &Self) {
        for (count, other) in self.counts.iter_mut().zip(other.counts) {
            *count += other;
        }
        self.sum_nanos += other.sum_nanos;
    }

    /// As the contract has them: without the zeros at the end.
    pub(crate) fn into_counts(self) -> Vec<u64> {
        let mut counts = self.counts.to_vec();
        while counts.last() == Some(&0) {
            counts.pop();
        }
        counts
    }
}

/// The upper bounds of all counters but the last, in seconds.
pub(crate) fn bounds_seconds() -> impl Iterator<Item = f64> {
    (SHORTEST_LOG2..=LONGEST_LOG2).map(|log2| (1_u64 << log2) as f64 / 1e9)
}

/// Which counter a time belongs to.
fn place_of(nanos: u64) -> usize {
    let bits = (u64::BITS - nanos.leading_zeros()).max(SHORTEST_LOG2);
    ((bits - SHORTEST_LOG2) as usize).min(COUNTS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_has_its_counter() {
        for (nanos, place) in [
            (0, 0),
            (1023, 0),
            (1024, 1),
            (2047, 1),
            (2048, 2),
            ((1 << 33) - 1, COUNTS - 2),
            (1 << 33, COUNTS - 1),
            (u64::MAX, COUNTS - 1),
        ] {
            assert_eq!(place_of(nanos), place, "{nanos} ns");
        }
        let bounds: Vec<_> = bounds_seconds().collect();
        assert_eq!(bounds.len(), COUNTS - 1);
        assert_eq!((bounds[0], bounds[1]), (1.024e-6, 2.048e-6));
    }

    #[test]
    fn counts_end_with_the_longest_time() {
        let times = Times::default();
        assert!(times.snapshot().into_counts().is_empty());
        for nanos in [1, 5000, 1_000_000, 900] {
            times.add(Duration::from_nanos(nanos));
        }
        let snapshot = times.snapshot();
        assert_eq!(snapshot.sum_nanos, 1_005_901);
        assert_eq!(snapshot.into_counts(), [2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]);
    }
}
