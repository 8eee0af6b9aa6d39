//! What a gateway or a worker process counts of its dealings with the broker. Written by one task, read by anybody. It
//! knows nothing of who reads.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::times::Times;

/// A counter.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// All of them; a process uses those of its side.
#[derive(Debug, Default)]
pub(crate) struct LinkCounts {
    /// 1 while the broker is there and has all that is needed.
    pub(crate) ready: Count,
    /// Times that the connection was made.
    pub(crate) connects: Count,

    /// A gateway's: jobs published, those that were sent again not counted.
    pub(crate) published: Count,
    pub(crate) resent: Count,
    /// The broker had no room.
    pub(crate) refused: Count,
    /// Answers to jobs that had one.
    pub(crate) dropped: Count,
    /// Jobs whose commands were run one by one.
    pub(crate) quarantined: Count,
    /// Commands that were answered with an error since no worker came back from them.
    pub(crate) condemned: Count,
    /// Jobs that were given up.
    pub(crate) lost: Count,
    /// Jobs with the broker and its workers now.
    pub(crate) unanswered: Count,
    /// From publishing a job to the broker's confirmation.
    pub(crate) confirm_times: Times,

    /// A worker's: jobs taken from the broker.
    pub(crate) taken: Count,
    /// Those of them that another worker had before.
    pub(crate) redelivered: Count,
    /// Jobs that were not run, since nobody had come back from them.
    pub(crate) suspected: Count,
    /// Jobs that were not run, since their deadlines had passed.
    pub(crate) late: Count,
    /// Jobs held now.
    pub(crate) held: Count,
}
