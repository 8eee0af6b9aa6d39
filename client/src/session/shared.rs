//! The one [`Resend`] that the sending end, the receiving end and the stream between them share, and who is woken when
//! it changes. It decides nothing.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;
use tokio_stream::Stream;

use super::SessionConfig;
use super::message::{Batch, Outgoing};
use super::resend::Resend;
use super::step::{Given, Next, Refusal};
use crate::ClientError;

/// Shared by one sender, one receiver and the requests of one stream at a time.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// There may be room. Invariant: at most one, the sender, waits, so that a stored permit loses no wake-up.
    room: Notify,
    /// Something was submitted while no stream was open. At most one, the receiver, waits.
    work: Notify,
}

#[derive(Debug)]
struct State {
    resend: Resend,
    /// Of the requests, when they have nothing to send.
    requests: Option<Waker>,
}

impl Shared {
    pub(crate) fn new(config: SessionConfig) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                resend: Resend::new(config),
                requests: None,
            }),
            room: Notify::new(),
            work: Notify::new(),
        })
    }

    /// Waits until so many commands fit.
    pub(crate) async fn room(&self, commands: usize) -> Result<(), ClientError> {
        self.retried(|| self.lock().resend.room(commands)).await
    }

    /// Submits a batch if it fits.
    pub(crate) fn submit_now(&self, batch: &Batch) -> Result<(), Refusal> {
        self.add(|resend| resend.submit(batch))
    }

    /// Submits a batch as soon as it fits.
    pub(crate) async fn submit(&self, batch: &Batch) -> Result<(), ClientError> {
        self.retried(|| self.add(|resend| resend.submit(batch)))
            .await
    }

    /// No more will be submitted.
    pub(crate) fn finish(&self) {
        self.add(Resend::finish);
    }

    /// The next stream is open.
    pub(crate) fn opened(&self) -> u64 {
        self.add(Resend::opened)
    }

    /// Changes it in a way that can make room.
    pub(crate) fn make_room<T>(&self, change: impl FnOnce(&mut Resend) -> T) -> T {
        let changed = self.change(change);
        self.room.notify_one();
        changed
    }

    /// Reads or changes it in a way that nobody waits for.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Resend) -> T) -> T {
        change(&mut self.lock().resend)
    }

    /// Waits, while no stream is open, until one is needed or none ever will be.
    pub(crate) async fn work(&self) -> Next {
        loop {
            match self.change(Resend::wake) {
                Next::Wait => self.work.notified().await,
                next => return next,
            }
        }
    }

    /// Tries until it succeeds or is refused for good.
    async fn retried(&self, attempt: impl Fn() -> Result<(), Refusal>) -> Result<(), ClientError> {
        loop {
            match attempt() {
                Ok(()) => return Ok(()),
                Err(Refusal::Over) => return Err(ClientError::Closed),
                Err(Refusal::DuplicateId(id)) => return Err(ClientError::DuplicateId { id }),
                Err(Refusal::NoRoom) => self.room.notified().await,
            }
        }
    }

    /// Changes it in a way that the open stream, or who could open one, has to know of.
    fn add<T>(&self, change: impl FnOnce(&mut Resend) -> T) -> T {
        let mut state = self.lock();
        let changed = change(&mut state.resend);
        let requests = state.requests.take();
        let open = state.resend.is_open();
        // Who is woken wants the lock.
        drop(state);
        if let Some(requests) = requests {
            requests.wake();
        }
        if !open {
            self.work.notify_one();
        }
        changed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding it")
    }
}

/// The request messages of one stream.
#[derive(Debug)]
pub(crate) struct Requests {
    shared: Arc<Shared>,
    stream: u64,
    /// Given to the stream, but not yet on their way.
    messages: VecDeque<Outgoing>,
}

impl Requests {
    /// Of the next stream to be opened.
    pub(crate) fn of_next(shared: &Arc<Shared>) -> Self {
        Self {
            stream: shared.change(|resend| resend.stream()),
            shared: Arc::clone(shared),
            messages: VecDeque::new(),
        }
    }
}

impl Stream for Requests {
    type Item = Outgoing;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Outgoing>> {
        let Self {
            shared,
            stream,
            messages,
        } = &mut *self;
        if messages.is_empty() {
            let mut state = shared.lock();
            match state.resend.give(*stream, messages) {
                Given::Messages => {}
                Given::End => return Poll::Ready(None),
                Given::Nothing => {
                    state.requests = Some(cx.waker().clone());
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(messages.pop_front())
    }
}
