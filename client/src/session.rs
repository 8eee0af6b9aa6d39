//! Commands and their results over one stream after another, with a bounded window of unanswered commands: after a
//! failure the session connects anew and sends what is unanswered again. It knows nothing of what is in a command.
//!
//! What to do when is decided in `resend`, which does no I/O; this file does what it says. There is no task: the
//! receiving end opens streams and reads them while it is asked for results, the connection takes what is to be sent.

mod message;
mod patience;
mod resend;
mod retry;
mod shared;
mod step;
mod stream;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use robot_api::v1;
use tokio::time::Instant;

use crate::ClientError;
use crate::route::Route;

pub use resend::Resumed;
pub use retry::{RetryConfig, SessionConfig};
pub(crate) use step::Refusal;
pub(crate) use stream::SERVICE;

use message::Batch;
use patience::Exhausted;
use resend::Resend;
use retry::ending_of;
use shared::{Requests, Shared};
use step::{Next, Unasked};
use stream::{Opening, Responses};

/// An open session. [`Session::split`] gives its two ends, which must be used at the same time: once the window is
/// full, sending waits for results to be received, and only who receives connects anew.
#[derive(Debug)]
pub struct Session {
    sender: CommandSender,
    receiver: ResultReceiver,
}

/// The end that commands go into. Dropping it half-closes the session: what was sent is still answered.
#[derive(Debug)]
pub struct CommandSender {
    shared: Arc<Shared>,
}

/// The end that results come out of. Dropping it cancels the call.
#[derive(Debug)]
pub struct ResultReceiver {
    shared: Arc<Shared>,
    route: Route,
    retry: RetryConfig,
    /// The beginning of the session's clock.
    start: Instant,
    link: Link,
}

/// Where the results come from. Invariant: whatever is waited for is kept here, and the future of `next` keeps nothing, so
/// that it may be polled, dropped and made anew without a wake-up being lost.
enum Link {
    Opening(Opening),
    Open {
        stream: u64,
        responses: Box<Responses>,
    },
    /// There is nothing to send; this waits until there is.
    Idle(Pin<Box<dyn Future<Output = Next> + Send>>),
    Done,
    Failed,
}

impl Session {
    /// The first stream goes over the connection that is there, if it is one server's.
    pub(crate) async fn open(route: Route, config: SessionConfig) -> Result<Self, ClientError> {
        let shared = Shared::new(config);
        let requests = Requests::of_next(&shared);
        let opening = match route.standing_line() {
            Some(line) => stream::open_on(line, requests),
            None => {
                let open_ms_max = config.retry.open_ms_max;
                stream::open_anew(route.clone(), requests, Duration::ZERO, open_ms_max)
            }
        };
        Self::open_first(opening, shared, route, config).await
    }

    /// Its first stream has a connection of its own, as all others have.
    pub(crate) async fn open_apart(
        route: Route,
        config: SessionConfig,
    ) -> Result<Self, ClientError> {
        let shared = Shared::new(config);
        let requests = Requests::of_next(&shared);
        let open_ms_max = config.retry.open_ms_max;
        let opening = stream::open_anew(route.clone(), requests, Duration::ZERO, open_ms_max);
        Self::open_first(opening, shared, route, config).await
    }

    async fn open_first(
        opening: Opening,
        shared: Arc<Shared>,
        route: Route,
        config: SessionConfig,
    ) -> Result<Self, ClientError> {
        let mut receiver = ResultReceiver {
            shared: Arc::clone(&shared),
            route,
            retry: config.retry,
            start: Instant::now(),
            link: Link::Opening(opening),
        };
        while let Link::Opening(opening) = &mut receiver.link {
            let opened = opening.await;
            receiver.opened(opened)?;
        }
        let sender = CommandSender { shared };
        Ok(Self { sender, receiver })
    }

    /// The two ends.
    pub fn split(self) -> (CommandSender, ResultReceiver) {
        let Self { sender, receiver } = self;
        (sender, receiver)
    }
}

impl CommandSender {
    /// Waits until the window has room for so many commands; [`CommandSender::send`] then goes on without waiting for
    /// it. A number larger than the window waits until nothing is unanswered.
    ///
    /// # Errors
    /// [`ClientError::Closed`] if the session is over: the receiver knows why.
    pub async fn room(&mut self, commands: usize) -> Result<(), ClientError> {
        self.shared.room(commands).await
    }

    /// Sends `commands` as one message, once the window has room for all of them, and each of them again, as a message
    /// of its own, if the stream breaks before it is answered. None at all send nothing.
    ///
    /// If its future is dropped half-way, nothing was sent.
    ///
    /// # Errors
    /// [`ClientError::Closed`] if the session is over: the receiver knows why. [`ClientError::DuplicateId`] if an id
    /// is that of another unanswered command: nothing was sent, and the session goes on.
    pub async fn send(&mut self, commands: Vec<v1::RobotCommand>) -> Result<(), ClientError> {
        if commands.is_empty() {
            return Ok(());
        }
        // Nothing here waits as long as there is room: the task's other work gets its turn.
        tokio::task::consume_budget().await;
        let batch = Arc::new(v1::ExecuteStreamRequest { commands });
        self.shared.submit(&batch).await
    }

    /// Sends a message for which the caller knows that there is room.
    pub(crate) fn submit(&mut self, batch: &Batch) -> Result<(), Refusal> {
        self.shared.submit_now(batch)
    }

    /// Half-closes the session, as dropping does: no more commands; what was sent is still answered.
    pub fn finish(self) {}
}

impl Drop for CommandSender {
    fn drop(&mut self) {
        self.shared.finish();
    }
}

impl ResultReceiver {
    /// The results of one message, in the order in which they completed, and room in the window for as many
    /// commands. `None` once everything is answered and no more can be sent. While it waits, broken streams are
    /// replaced. If its future is dropped half-way, no result is lost.
    ///
    /// # Errors
    /// [`ClientError::GaveUp`] after too many failures; [`ClientError::Status`] if a stream ended so that trying again
    /// cannot help; [`ClientError::Unasked`] if there were too many results; [`ClientError::Closed`] after an error.
    pub async fn next(&mut self) -> Result<Option<Vec<v1::RobotResult>>, ClientError> {
        loop {
            match &mut self.link {
                Link::Opening(opening) => {
                    let opened = opening.await;
                    self.opened(opened)?;
                }
                Link::Open { stream, responses } => {
                    let stream = *stream;
                    match responses.message().await {
                        Ok(Some(response)) => {
                            if let Some(results) = self.results_of(stream, response)? {
                                return Ok(Some(results));
                            }
                        }
                        Ok(None) => self.ended_ok()?,
                        Err(error) => self.ended(error)?,
                    }
                }
                Link::Idle(work) => {
                    let next = work.await;
                    self.link = self.link_to(next);
                }
                Link::Done => return Ok(None),
                Link::Failed => return Err(ClientError::Closed),
            }
        }
    }

    /// What the session has gone through so far.
    pub fn resumed(&self) -> Resumed {
        self.shared.change(|resend| resend.resumed())
    }

    /// The ids of the commands that are unanswered, in the order in which they were sent; after an error, what may be
    /// sent again elsewhere.
    pub fn unanswered(&self) -> Vec<u64> {
        self.shared.change(|resend| resend.unanswered())
    }

    fn opened(&mut self, opened: Result<Responses, ClientError>) -> Result<(), ClientError> {
        match opened {
            Ok(responses) => {
                let stream = self.shared.opened();
                let responses = Box::new(responses);
                self.link = Link::Open { stream, responses };
                Ok(())
            }
            Err(error) => self.ended(error),
        }
    }

    /// `None`: there is nothing to surface.
    fn results_of(
        &mut self,
        stream: u64,
        response: v1::ExecuteStreamResponse,
    ) -> Result<Option<Vec<v1::RobotResult>>, ClientError> {
        let v1::ExecuteStreamResponse { results } = response;
        let ids = results.iter().map(|result| result.id);
        let answered = self.shared.make_room(|resend| resend.answered(stream, ids));
        match answered {
            Ok(surface) => Ok(surface.then_some(results)),
            Err(Unasked { results }) => {
                self.over(Link::Failed);
                Err(ClientError::Unasked { results })
            }
        }
    }

    /// An OK that comes before everything is answered is as good as a broken stream.
    fn ended_ok(&mut self) -> Result<(), ClientError> {
        let commands = self.shared.change(|resend| resend.unanswered_commands());
        self.ended(ClientError::Unanswered { commands })
    }

    /// The stream has ended, or could not be opened.
    fn ended(&mut self, error: ClientError) -> Result<(), ClientError> {
        let now = self.start.elapsed();
        let next = self
            .shared
            .make_room(|resend| resend.ended(ending_of(&error), now, fastrand::f64()));
        self.link = self.link_to(next);
        match next {
            Next::Open { .. } | Next::Wait | Next::Done => Ok(()),
            Next::Fail => Err(error),
            Next::GiveUp(exhausted) => Err(self.gave_up(exhausted, error)),
        }
    }

    fn link_to(&self, next: Next) -> Link {
        match next {
            Next::Open { after } => Link::Opening(stream::open_anew(
                self.route.clone(),
                Requests::of_next(&self.shared),
                after,
                self.retry.open_ms_max,
            )),
            Next::Wait => {
                let shared = Arc::clone(&self.shared);
                Link::Idle(Box::pin(async move { shared.work().await }))
            }
            Next::Done => Link::Done,
            Next::Fail | Next::GiveUp(_) => Link::Failed,
        }
    }

    fn gave_up(&self, exhausted: Exhausted, last: ClientError) -> ClientError {
        let Exhausted { tries, elapsed } = exhausted;
        let unanswered = self.unanswered();
        ClientError::GaveUp {
            tries,
            elapsed_ms: elapsed.as_millis() as u64,
            unanswered: unanswered.len(),
            oldest_id: unanswered.first().copied(),
            last: Box::new(last),
        }
    }

    fn over(&mut self, link: Link) {
        self.shared.make_room(Resend::over);
        self.link = link;
    }
}

/// No result will make room any more.
impl Drop for ResultReceiver {
    fn drop(&mut self) {
        self.shared.make_room(Resend::over);
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Opening(_) => "Opening",
            Self::Open { .. } => "Open",
            Self::Idle(_) => "Idle",
            Self::Done => "Done",
            Self::Failed => "Failed",
        })
    }
}

#[cfg(test)]
mod tests;
