//! When to give up: counts what has failed since the last good news. No I/O and no clock: whoever calls says what time
//! it is.

use std::time::Duration;

use super::retry::RetryConfig;

/// A stream, or a try to open one, has ended while commands were unanswered, or before the first stream was open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failed {
    /// The stream was open.
    pub(crate) open: bool,
    /// The oldest unanswered command, by when it was submitted.
    pub(crate) oldest: Option<u64>,
    /// On the session's clock.
    pub(crate) now: Duration,
}

/// The session gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exhausted {
    /// Tries that failed.
    pub(crate) tries: u32,
    /// Since the first failure, that of a stream which had brought results included.
    pub(crate) elapsed: Duration,
}

/// The failures so far.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    /// The open stream has brought a new result.
    progressed: bool,
    /// Streams and tries to open one, in a row without a new result.
    failures: Streak,
    /// The streams among them.
    fruitless: u32,
    /// Since when no stream is open.
    down_since: Option<Duration>,
    /// The oldest unanswered command, and the streams that broke on it.
    oldest: Option<u64>,
    on_oldest: Streak,
}

#[derive(Debug, Default, Clone, Copy)]
struct Streak {
    length: u32,
    since: Option<Duration>,
}

impl Patience {
    /// A stream is open.
    pub(crate) fn opened(&mut self) {
        self.down_since = None;
        self.progressed = false;
    }

    /// It has brought a new result.
    pub(crate) fn progressed(&mut self) {
        self.progressed = true;
    }

    /// Something has failed: how often in a row without a new result by now, or that it is enough.
    pub(crate) fn failed(&mut self, failed: Failed, retry: &RetryConfig) -> Result<u32, Exhausted> {
        let Failed { open, oldest, now } = failed;
        if open && self.progressed {
            self.failures = Streak::from(now);
            self.fruitless = 0;
        } else {
            self.failures.grow(now);
            self.fruitless += u32::from(open);
        }
        if open {
            self.broke_on(oldest, now);
        }
        self.enough(open, now, retry)
    }

    fn broke_on(&mut self, oldest: Option<u64>, now: Duration) {
        if self.oldest != oldest {
            self.oldest = oldest;
            self.on_oldest = Streak::default();
        }
        self.on_oldest.grow(now);
    }

    fn enough(&mut self, open: bool, now: Duration, retry: &RetryConfig) -> Result<u32, Exhausted> {
        let outage = now.saturating_sub(*self.down_since.get_or_insert(now));
        if open && self.on_oldest.length >= retry.attempts_of_oldest_max.max(1) {
            return Err(self.on_oldest.exhausted(now));
        }
        let enough = match open {
            true => self.fruitless >= retry.attempts_max.max(1),
            false => outage >= Duration::from_millis(retry.outage_ms_max),
        };
        match enough {
            true => Err(self.failures.exhausted(now)),
            false => Ok(self.failures.length),
        }
    }
}

impl Streak {
    /// Nothing yet, from now on.
    fn from(now: Duration) -> Self {
        let since = Some(now);
        Self { length: 0, since }
    }

    fn grow(&mut self, now: Duration) {
        self.since.get_or_insert(now);
        self.length = self.length.saturating_add(1);
    }

    fn exhausted(self, now: Duration) -> Exhausted {
        Exhausted {
            tries: self.length,
            elapsed: now.saturating_sub(self.since.unwrap_or(now)),
        }
    }
}
