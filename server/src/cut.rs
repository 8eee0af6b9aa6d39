//! Cuts what a session has read into jobs: small messages are joined, large ones are cut at their commands'
//! boundaries, without decoding either. It knows nothing of queues or streams.

use bytes::{Buf, Bytes, BytesMut};

use robot_api::{batch, wire};

use crate::queue::Job;

/// How large a job may grow. A single command always fits: it is the least that can be run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JobLimits {
    /// Commands in a job.
    pub(crate) commands_max: u32,
    /// Bytes in a job of more than one command.
    pub(crate) bytes_max: usize,
    /// Actions that one command runs at most; it bounds the size of a result.
    pub(crate) actions_max: usize,
}

/// Messages on one side, the next job on the other.
#[derive(Debug)]
pub(crate) struct Cutter {
    limits: JobLimits,
    /// Commands in the open job; no more than the limits say.
    commands_max: u32,
    /// What is left of the message that is being cut.
    message: Bytes,
    /// The job that is being filled.
    open: BytesMut,
    open_commands: u32,
    open_results_bytes_max: usize,
    /// The size of the job before it: the next one is most likely as large.
    last_bytes: usize,
    next_sequence: u32,
}

/// Why filling a job came to an end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Filled {
    /// The job holds as much as it may.
    Full,
    /// There is no room for the next command's result.
    NoRoom,
    /// There are no more commands to put into it.
    Drained,
}

impl Cutter {
    pub(crate) fn new(limits: JobLimits) -> Self {
        Self {
            limits,
            commands_max: limits.commands_max,
            message: Bytes::new(),
            open: BytesMut::new(),
            open_commands: 0,
            open_results_bytes_max: 0,
            last_bytes: 0,
            next_sequence: 0,
        }
    }

    /// Takes the next message.
    ///
    /// Precondition: [`batch::count`] has accepted it, and the message before it has been cut to its end.
    pub(crate) fn push(&mut self, message: Bytes) {
        debug_assert!(self.message.is_empty());
        self.message = message;
    }

    /// The next message, of so many commands, as a whole, if that is what [`Cutter::fill`] would come to. It is the
    /// shorter way for small messages, which are not looked at a second time.
    ///
    /// Precondition: as for [`Cutter::push`].
    pub(crate) fn push_whole(&mut self, message: &[u8], commands: usize, room: usize) -> bool {
        if commands == 0 {
            return true;
        }
        let all = self.open_commands as usize + commands;
        let results = wire::results_bytes_max(commands, message.len(), self.limits.actions_max);
        let fits = all <= self.commands_max as usize
            && self.open.len() + message.len() <= self.limits.bytes_max
            && self.open_results_bytes_max + results <= room;
        if fits {
            self.add(message, commands as u32, results);
        }
        fits
    }

    /// Puts commands into the open job.
    fn add(&mut self, framed: &[u8], commands: u32, results_bytes_max: usize) {
        if self.open.is_empty() {
            self.open.reserve(self.last_bytes);
        }
        self.open.extend_from_slice(framed);
        self.open_commands += commands;
        self.open_results_bytes_max += results_bytes_max;
    }

    /// From here on a job holds at most so many commands, if its limits allow as many.
    pub(crate) fn bound(&mut self, commands_max: u32) {
        self.commands_max = commands_max.min(self.limits.commands_max);
    }

    /// Moves commands into the open job while it is within its bounds and their results fit into `room` bytes. With
    /// `alone`, the first command goes in even if its result does not fit.
    pub(crate) fn fill(&mut self, room: usize, alone: bool) -> Filled {
        if self.message.is_empty() {
            return Filled::Drained;
        }
        let mut message = std::mem::take(&mut self.message);
        let mut frames = batch::frames(&message);
        let mut taken = 0;
        let filled = loop {
            let Some(frame) = frames.next() else {
                taken = message.len();
                break Filled::Drained;
            };
            let framed = frame.expect("the message was accepted").framed;
            let result = wire::results_bytes_max(1, framed.len(), self.limits.actions_max);
            let first = self.open_commands == 0;
            if !first && self.open.len() + framed.len() > self.limits.bytes_max
                || self.open_commands >= self.commands_max
            {
                break Filled::Full;
            }
            if self.open_results_bytes_max + result > room && !(alone && first) {
                break Filled::NoRoom;
            }
            self.add(framed, 1, result);
            taken = message.len() - frames.remaining();
        };
        message.advance(taken);
        self.message = message;
        filled
    }

    /// The open job's size in bytes; 0 if it holds nothing.
    pub(crate) fn open_bytes(&self) -> usize {
        self.open.len()
    }

    /// Closes the open job, which must hold something.
    pub(crate) fn seal(&mut self) -> Job {
        let sequence = self.next_sequence;
        self.next_sequence = self.next_sequence.wrapping_add(1);
        self.last_bytes = self.open.len();
        Job {
            bytes: std::mem::take(&mut self.open).freeze(),
            commands: std::mem::take(&mut self.open_commands),
            sequence,
            results_bytes_max: std::mem::take(&mut self.open_results_bytes_max),
        }
    }

    /// Nothing is left to be run.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.message.is_empty()
    }

    /// Drops what has not been sealed.
    pub(crate) fn clear(&mut self) {
        *self = Self {
            next_sequence: self.next_sequence,
            ..Self::new(self.limits)
        };
    }
}
