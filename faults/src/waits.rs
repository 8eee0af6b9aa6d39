//! How long commands wait for their answers, from when they were handed to the session. It knows nothing of what they are.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The commands of one session, which are sent in batches of one size, in the order of their ids.
#[derive(Debug)]
pub(crate) struct Waits {
    first_id: u64,
    batch: u64,
    /// When each batch had been handed over, and the longest wait so far.
    times: Mutex<(Vec<Instant>, Duration)>,
}

impl Waits {
    pub(crate) fn of(ids: &Range<u64>, batch: usize) -> Self {
        Self {
            first_id: ids.start,
            batch: batch as u64,
            times: Mutex::default(),
        }
    }

    /// The next batch has been handed over.
    pub(crate) fn sent(&self, now: Instant) {
        self.times(|times, _longest| times.push(now));
    }

    /// One of these ids that has come before its batch was noted has not waited.
    pub(crate) fn answered(&self, ids: impl Iterator<Item = u64>, now: Instant) {
        self.times(|times, longest| {
            for id in ids {
                let batch = id.saturating_sub(self.first_id) / self.batch;
                if let Some(&sent) = times.get(batch as usize) {
                    *longest = now.saturating_duration_since(sent).max(*longest);
                }
            }
        });
    }

    pub(crate) fn longest(&self) -> Duration {
        self.times(|_times, longest| *longest)
    }

    fn times<T>(&self, use_them: impl FnOnce(&mut Vec<Instant>, &mut Duration) -> T) -> T {
        let mut locked = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let (times, longest) = &mut *locked;
        use_them(times, longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_is_that_of_the_command_that_was_answered_last_after_it_was_sent() {
        let waits = Waits::of(&(101..301), 100);
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        waits.sent(at(0));
        waits.sent(at(5));
        waits.answered([101, 102, 300].into_iter(), at(7));
        assert_eq!(waits.longest(), Duration::from_secs(7));
        waits.answered([250].into_iter(), at(11));
        assert_eq!(waits.longest(), Duration::from_secs(7), "6 of them");
        waits.answered([200].into_iter(), at(12));
        assert_eq!(waits.longest(), Duration::from_secs(12));
    }
}
