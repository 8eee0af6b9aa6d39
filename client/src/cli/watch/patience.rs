//! How long to wait for a server that went away, and when to give up. It knows no clock.

use std::time::{Duration, Instant};

/// The wait after the first failure; each one more doubles it.
const WAIT_MIN: Duration = Duration::from_millis(250);
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Failures in a row.
#[derive(Debug)]
pub(super) struct Patience {
    outage_max: Duration,
    failures: u32,
    first: Option<Instant>,
}

impl Patience {
    pub(super) fn new(outage_max: Duration) -> Self {
        Self {
            outage_max,
            failures: 0,
            first: None,
        }
    }

    /// It is there.
    pub(super) fn restore(&mut self) {
        self.failures = 0;
        self.first = None;
    }

    /// It failed: how long to wait before the next try, or none if this one was the last.
    pub(super) fn wait_after_failure(&mut self, now: Instant) -> Option<Duration> {
        let elapsed = now - *self.first.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
        let left = self.outage_max.checked_sub(elapsed)?;
        let doublings = (self.failures - 1).min(16);
        // The last try is at the end of the time that there is.
        let wait = (WAIT_MIN * (1 << doublings)).min(WAIT_MAX).min(left);
        (!left.is_zero()).then_some(wait)
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound_and_end_with_the_outage() {
        let mut now = Instant::now();
        let mut patience = Patience::new(Duration::from_secs(17));
        let mut waits_ms = Vec::new();
        while let Some(wait) = patience.wait_after_failure(now) {
            waits_ms.push(wait.as_millis());
            now += wait;
        }
        let expected = [250, 500, 1000, 2000, 4000, 5000, 4250];
        assert_eq!(waits_ms, expected);
        assert_eq!(patience.failures(), 8);
        patience.restore();
        assert_eq!(patience.wait_after_failure(now), Some(WAIT_MIN));
    }

    #[test]
    fn no_patience_is_no_second_try() {
        let mut patience = Patience::new(Duration::ZERO);
        assert_eq!(patience.wait_after_failure(Instant::now()), None);
    }
}
