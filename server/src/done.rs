//! Jobs that are done and whose sessions do not know yet. To hand one back wakes its session, which then sends what
//! there is; so one at a time would make many small messages, and as many system calls, where one would do. It knows
//! nothing of what is in the results.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::queue::{Failure, Lease};

/// Nothing is held for longer than this and one slice.
const HELD_MAX: Duration = Duration::from_micros(50);
/// More jobs than this are not held.
const HELD_JOBS_MAX: usize = 4;

/// What one worker holds back while it has more to do.
#[derive(Debug, Default)]
pub(crate) struct Done {
    jobs: Vec<DoneJob>,
    oldest: Option<Instant>,
}

/// A job that was run.
#[derive(Debug)]
pub(crate) struct DoneJob {
    pub(crate) lease: Lease,
    pub(crate) results: Bytes,
    pub(crate) answered: u32,
    pub(crate) failure: Option<Failure>,
}

impl Done {
    /// Takes a job that was done at `now`.
    pub(crate) fn push(&mut self, job: DoneJob, now: Instant) {
        self.jobs.push(job);
        let oldest = *self.oldest.get_or_insert(now);
        let held = now.saturating_duration_since(oldest);
        if held > HELD_MAX || self.jobs.len() >= HELD_JOBS_MAX {
            self.hand_back();
        }
    }

    /// Hands all of them back. A worker does so before it waits for anything.
    pub(crate) fn hand_back(&mut self) {
        self.oldest = None;
        for job in self.jobs.drain(..) {
            let DoneJob {
                lease,
                results,
                answered,
                failure,
            } = job;
            lease.complete(results, answered, failure);
        }
    }
}
