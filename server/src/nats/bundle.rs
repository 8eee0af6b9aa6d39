//! Jobs that go to the broker as one. Each message costs the broker the same, however much is in it, so jobs that wait at
//! the same time are put end to end, whosever they are; the results come back end to end, and each job gets its own. It
//! knows nothing of connections.

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use robot_api::batch;

use super::answers::malformed_in;
use super::trace::traces_of;
use crate::queue::{Failure, Lease};

/// Bytes of a bundle of more than one job, and of its results: with the headers, below the broker's own default for a
/// message, which is 1 MiB.
pub(crate) const BYTES_MAX: usize = 64 << 10;
const RESULTS_BYTES_MAX: usize = (1 << 20) - 1024;

/// A bundle that is being filled.
#[derive(Debug, Default)]
pub(crate) struct Filling {
    leases: Vec<Lease>,
    bytes: usize,
    results_bytes_max: usize,
    /// The job that did not fit.
    left_over: Option<Lease>,
}

/// Some jobs, and the message that they make.
#[derive(Debug)]
pub(crate) struct Bundle {
    leases: Vec<Lease>,
    pub(crate) bytes: Bytes,
    pub(crate) commands: u32,
    pub(crate) results_bytes_max: usize,
    /// The calls that they are of, as far as those are traced.
    pub(crate) traces: Vec<Box<str>>,
    /// When nobody waits for any of it any more, if that is known.
    pub(crate) deadline: Option<Instant>,
}

impl Filling {
    pub(crate) fn of(first: Lease) -> Self {
        let mut filling = Self::default();
        filling.push(first, 0);
        filling
    }

    pub(crate) fn jobs(&self) -> usize {
        self.leases.len()
    }

    /// Nothing more fits in.
    pub(crate) fn is_full(&self) -> bool {
        self.left_over.is_some()
    }

    /// Puts a job into it, if it then has no more than `bytes_max` bytes, or is the first. Otherwise it is full.
    pub(crate) fn push(&mut self, lease: Lease, bytes_max: usize) {
        let bytes = self.bytes + lease.job().bytes.len();
        let results_bytes_max = self.results_bytes_max + lease.job().results_bytes_max;
        let fits = bytes <= bytes_max && results_bytes_max <= RESULTS_BYTES_MAX;
        if fits || self.leases.is_empty() {
            self.bytes = bytes;
            self.results_bytes_max = results_bytes_max;
            self.leases.push(lease);
        } else {
            self.left_over = Some(lease);
        }
    }

    /// What was put into it, and what did not fit.
    pub(crate) fn seal(self) -> (Bundle, Option<Lease>) {
        (Bundle::of(self.leases), self.left_over)
    }
}

impl Bundle {
    fn of(leases: Vec<Lease>) -> Self {
        let jobs = || leases.iter().map(Lease::job);
        let bytes = match &leases[..] {
            [only] => only.job().bytes.clone(),
            _ => {
                let mut joined = BytesMut::with_capacity(jobs().map(|job| job.bytes.len()).sum());
                jobs().for_each(|job| joined.extend_from_slice(&job.bytes));
                joined.freeze()
            }
        };
        Self {
            commands: jobs().map(|job| job.commands).sum(),
            results_bytes_max: jobs().map(|job| job.results_bytes_max).sum(),
            traces: traces_of(&leases),
            deadline: deadline_of(&leases),
            bytes,
            leases,
        }
    }

    /// The jobs, the oldest first.
    pub(crate) fn leases(&self) -> &[Lease] {
        &self.leases
    }

    pub(crate) fn into_leases(self) -> Vec<Lease> {
        self.leases
    }

    /// The same, to be run whatever the worker's clock says.
    pub(crate) fn without_deadline(self) -> Self {
        Self {
            deadline: None,
            ..self
        }
    }

    /// Nobody waits for any of it any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.leases.iter().all(Lease::is_abandoned)
    }

    /// All of it was run.
    pub(crate) fn complete(self, mut results: Bytes, answered: u32) {
        let mut left = answered;
        for lease in self.leases {
            let commands = lease.job().commands;
            match split(&mut results, commands) {
                Some(own) if commands <= left => complete(lease, own, commands, None),
                // The lease answers that it was lost.
                _ => {}
            }
            left = left.saturating_sub(commands);
        }
    }

    /// It was run up to a command that cannot be read, whose session ends. What is behind that was not run, and comes
    /// back to be sent again, unless it is nothing.
    pub(crate) fn complete_before_malformed(
        self,
        mut results: Bytes,
        answered: u32,
        actions_max: usize,
    ) -> Option<Self> {
        let mut left = answered;
        let mut leases = self.leases.into_iter();
        for lease in leases.by_ref() {
            let own = lease.job().commands.min(left);
            let is_culprit = own < lease.job().commands;
            let failure = match is_culprit {
                true => malformed_in(&lease.job().bytes, actions_max),
                false => None,
            };
            if let Some(results) = split(&mut results, own) {
                complete(lease, results, own, failure);
            }
            if is_culprit {
                break;
            }
            left -= own;
        }
        let others: Vec<_> = leases.collect();
        (!others.is_empty()).then(|| Self::of(others))
    }
}

/// The last of them, if all have one.
fn deadline_of(leases: &[Lease]) -> Option<Instant> {
    let deadlines: Option<Vec<_>> = leases.iter().map(Lease::deadline).collect();
    deadlines?.into_iter().max()
}

fn complete(lease: Lease, results: Bytes, answered: u32, failure: Option<Failure>) {
    let max = lease.job().results_bytes_max;
    if results.len() > max {
        let bytes = results.len();
        // Its session has no room for that; the lease answers that it was lost.
        return tracing::error!(bytes, max, "a worker's results are larger than they can be");
    }
    lease.complete(results, answered, failure);
}

/// The results of the first so many commands; `None` if there are not as many.
fn split(results: &mut Bytes, commands: u32) -> Option<Bytes> {
    let mut frames = batch::frames(results);
    for _ in 0..commands {
        frames.next()?.ok()?;
    }
    let taken = results.len() - frames.remaining();
    Some(results.split_to(taken))
}

#[cfg(test)]
mod tests;
