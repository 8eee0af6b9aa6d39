//! What the queue is built from. It is a module of its own so that `tests/schedules.rs` can build the very same queue
//! from primitives whose scheduling it controls.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

pub(crate) use tokio::sync::mpsc::OwnedPermit;
pub(crate) use tokio::sync::{OwnedSemaphorePermit, Semaphore};
