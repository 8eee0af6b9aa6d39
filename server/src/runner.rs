//! Runs the commands of one job, slice by slice, and writes their results. It knows neither queues nor tasks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use bytes::Bytes;
use robot::Outcome;
use robot_api::batch::{Frames, Malformed};
use robot_api::direct::{CommandReader, Head, ResultWriter};
use robot_api::v1;
use robot_api::v1::command_error::Reason;

use crate::log_limit::Bucket;
use crate::queue::Failure;
use crate::worker::{REASONS, WorkerConfig};

/// Actions in one slice.
const ACTIONS_PER_SLICE_MAX: usize = 1000;
const INTERNAL_MESSAGE: &str =
    "the server failed while it ran this command; the others are not touched by it";

/// The memory that a worker uses for one job after the other.
pub(crate) struct Runner {
    config: WorkerConfig,
    reader: CommandReader,
    outcome: Outcome,
    results: ResultWriter,
    rejected: Rejected,
    began: Instant,
    /// Lines about panics, which a client may cause as often as it likes.
    panics: Bucket,
}

/// The commands of one job that were answered with an error, by the number of the reason.
#[derive(Debug, Default)]
struct Rejected {
    counts: [u32; REASONS],
    any: bool,
}

impl Rejected {
    fn add(&mut self, reason: Reason) {
        self.counts[reason as usize] += 1;
        self.any = true;
    }
}

/// How far a job has come.
#[derive(Debug, Default)]
pub(crate) struct Progress<'a> {
    frames: Frames<'a>,
    /// The command that was begun.
    current: Option<Head<'a>>,
}

impl<'a> Progress<'a> {
    /// Of a job that has not begun.
    pub(crate) fn of(frames: Frames<'a>) -> Self {
        Self {
            frames,
            current: None,
        }
    }
}

impl Runner {
    pub(crate) fn new(config: WorkerConfig) -> Self {
        Self {
            config,
            reader: CommandReader::default(),
            outcome: Outcome::default(),
            results: ResultWriter::default(),
            rejected: Rejected::default(),
            began: Instant::now(),
            panics: Bucket::default(),
        }
    }

    /// Forgets the results of a job that was not finished.
    pub(crate) fn clear(&mut self) {
        self.results.clear();
        self.rejected = Rejected::default();
    }

    /// How many commands of the job were answered with an error, by reason; `None` if none was.
    pub(crate) fn rejected(&self) -> Option<&[u32; REASONS]> {
        self.rejected.any.then_some(&self.rejected.counts)
    }

    /// How many commands of the job have been answered.
    pub(crate) fn answered(&self) -> usize {
        self.results.len()
    }

    /// The results so far, as a response message. None are left.
    pub(crate) fn finish(&mut self, execution: &v1::Execution) -> Bytes {
        self.results.finish(execution)
    }

    /// Runs the next slice of a job; true while there is more of it.
    ///
    /// Invariant: whatever a command does, a panic included, it harms no other.
    pub(crate) fn run_slice(&mut self, progress: &mut Progress<'_>) -> Result<bool, Failure> {
        if let Ok(more) = catch_unwind(AssertUnwindSafe(|| self.run_guarded(progress))) {
            return Ok(more?);
        }
        // What the panic left half done is not used any more: the next command overwrites it.
        let head = progress.current.take().ok_or(Failure::Lost)?;
        if let Some(left_out) = self.panics.take(self.began.elapsed().as_secs()) {
            tracing::error!(id = head.id, left_out, "a command panicked");
        }
        self.results
            .error(head.id, Reason::Internal, INTERNAL_MESSAGE, None);
        self.rejected.add(Reason::Internal);
        Ok(true)
    }

    fn run_guarded(&mut self, progress: &mut Progress<'_>) -> Result<bool, Malformed> {
        let Self {
            config,
            reader,
            outcome,
            results,
            rejected,
            ..
        } = self;
        let mut actions_left = ACTIONS_PER_SLICE_MAX;
        loop {
            let head = match &progress.current {
                Some(head) => head,
                None => {
                    let Some(frame) = progress.frames.next() else {
                        return Ok(false);
                    };
                    let head = reader.decode(frame?.command, config.actions_max)?;
                    let head = progress.current.insert(head);
                    inject_fault(head.id, *config);
                    if let Err(rejection) = reader.check(head, config.actions_max) {
                        let reason = results.rejection(head.id, &rejection, head.script);
                        rejected.add(reason);
                        progress.current = None;
                        continue;
                    }
                    outcome.restart(reader.command());
                    head
                }
            };
            let before = outcome.applied;
            match robot::advance(outcome, reader.command(), actions_left) {
                Ok(true) => return Ok(true),
                Ok(false) => results.outcome(head.id, outcome),
                Err(rejection) => {
                    let reason = results.rejection(head.id, &rejection, head.script);
                    rejected.add(reason);
                }
            }
            progress.current = None;
            actions_left -= outcome.applied - before;
        }
    }
}

#[cfg(feature = "fault-injection")]
fn inject_fault(id: u64, config: WorkerConfig) {
    let every = config.panic_on_multiples_of;
    assert!(
        every.is_none_or(|every| id % every != 0),
        "injected: command {id}"
    );
    let ends = config.abort_on_multiples_of;
    if ends.is_some_and(|every| id % every == 0) {
        std::process::abort();
    }
}

#[cfg(not(feature = "fault-injection"))]
fn inject_fault(_id: u64, _config: WorkerConfig) {}
