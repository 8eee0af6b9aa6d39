//! A session of several streams: one sender, one receiver, one window and one set of ids, while each stream is a session
//! of its own underneath, which survives and sends again by itself. Here it is only decided which of them gets a batch,
//! and what comes back is put together.

mod whole;

use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use robot_api::v1;

use crate::route::Route;
use crate::session::Refusal;
use crate::{ClientError, CommandSender, ResultReceiver, Resumed, Session, SessionConfig};

use whole::Whole;

/// An open session of several streams. [`SpreadSession::split`] gives its two ends, which must be used at the same time,
/// as those of a [`Session`].
#[derive(Debug)]
pub struct SpreadSession {
    sender: SpreadSender,
    receiver: SpreadReceiver,
}

/// The end that commands go into. Dropping it half-closes the session: what was sent is still answered.
#[derive(Debug)]
pub struct SpreadSender {
    whole: Arc<Whole>,
    streams: Vec<CommandSender>,
}

/// The end that results come out of. Dropping it cancels the calls.
#[derive(Debug)]
pub struct SpreadReceiver {
    whole: Arc<Whole>,
    /// Of those that are not at their end.
    streams: Vec<ResultReceiver>,
    /// Who is asked first, so that none waits behind the others for ever.
    first: usize,
    /// Of those that are at their end.
    resumed: Resumed,
    failed: bool,
}

impl SpreadSession {
    /// All streams are open when it comes back.
    pub(crate) async fn open(
        route: &Route,
        config: SessionConfig,
        streams: NonZeroUsize,
    ) -> Result<Self, ClientError> {
        let whole = Arc::new(Whole::new(config.window, streams));
        let (mut senders, mut receivers) = (Vec::new(), Vec::new());
        for _ in 0..streams.get() {
            // No stream has more unanswered than all of them together: its own window is never what is waited for.
            let session = Session::open_apart(route.clone(), config).await?;
            let (sender, receiver) = session.split();
            senders.push(sender);
            receivers.push(receiver);
        }
        let sender = SpreadSender {
            whole: Arc::clone(&whole),
            streams: senders,
        };
        let receiver = SpreadReceiver {
            whole,
            streams: receivers,
            first: 0,
            resumed: Resumed::default(),
            failed: false,
        };
        Ok(Self { sender, receiver })
    }

    /// The two ends.
    pub fn split(self) -> (SpreadSender, SpreadReceiver) {
        let Self { sender, receiver } = self;
        (sender, receiver)
    }
}

impl SpreadSender {
    /// Waits until the window has room for so many commands; [`SpreadSender::send`] then goes on without waiting for
    /// it. A number larger than the window waits until nothing is unanswered.
    ///
    /// # Errors
    /// [`ClientError::Closed`] if the session is over: the receiver knows why.
    pub async fn room(&mut self, commands: usize) -> Result<(), ClientError> {
        self.whole.room(commands).await
    }

    /// Sends `commands` as one message, once the window has room for all of them, on the stream that has the fewest
    /// unanswered. None at all send nothing.
    ///
    /// If its future is dropped half-way, nothing was sent.
    ///
    /// # Errors
    /// As [`CommandSender::send`]; the ids of unanswered commands must differ on all streams together.
    pub async fn send(&mut self, commands: Vec<v1::RobotCommand>) -> Result<(), ClientError> {
        if commands.is_empty() {
            return Ok(());
        }
        // Nothing here waits as long as there is room: the task's other work gets its turn.
        tokio::task::consume_budget().await;
        self.whole.room(commands.len()).await?;
        // From here on nothing waits, so nothing can be dropped half-way.
        let ids = || commands.iter().map(|command| command.id);
        let stream = self.whole.submit(ids())?;
        let batch = Arc::new(v1::ExecuteStreamRequest { commands });
        match self.streams[stream].submit(&batch) {
            Ok(()) => Ok(()),
            Err(Refusal::DuplicateId(id)) => {
                unreachable!("id {id} is unanswered on one stream and on none of all")
            }
            Err(Refusal::NoRoom) => unreachable!("one stream has more unanswered than all"),
            Err(Refusal::Over) => Err(ClientError::Closed),
        }
    }

    /// Half-closes the session, as dropping does: no more commands; what was sent is still answered.
    pub fn finish(self) {}
}

impl SpreadReceiver {
    /// The results of one message of one stream, and room in the window for as many commands. `None` once everything is
    /// answered and no more can be sent. While it waits, broken streams are replaced. If its future is dropped half-way,
    /// no result is lost.
    ///
    /// # Errors
    /// As [`ResultReceiver::next`], of the first stream that fails: the session is over then, and the other streams are
    /// cancelled.
    pub async fn next(&mut self) -> Result<Option<Vec<v1::RobotResult>>, ClientError> {
        if self.failed {
            return Err(ClientError::Closed);
        }
        let next = poll_fn(|cx| self.poll_streams(cx)).await;
        match &next {
            Ok(Some(results)) => self.whole.answered(results.iter().map(|result| result.id)),
            Ok(None) => self.whole.over(),
            Err(_) => self.fail(),
        }
        next
    }

    /// What the streams have gone through so far, all together.
    pub fn resumed(&self) -> Resumed {
        let mut resumed = self.resumed;
        for stream in &self.streams {
            resumed.add(stream.resumed());
        }
        resumed
    }

    /// The ids of the commands that are unanswered, in the order in which they were sent; after an error, what may be
    /// sent again elsewhere.
    pub fn unanswered(&self) -> Vec<u64> {
        self.whole.unanswered()
    }

    /// Asks all of them, each in its turn first. That their futures are dropped loses no wake-up: what they wait for is
    /// kept by the streams.
    #[allow(clippy::type_complexity, reason = "it is what `next` gives")]
    fn poll_streams(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Vec<v1::RobotResult>>, ClientError>> {
        let mut asked = 0;
        while asked < self.streams.len() {
            let index = (self.first + asked) % self.streams.len();
            let polled = pin!(self.streams[index].next()).poll(cx);
            match polled {
                Poll::Pending => asked += 1,
                Poll::Ready(Ok(None)) => {
                    let ended = self.streams.swap_remove(index);
                    self.resumed.add(ended.resumed());
                    // The places have changed.
                    asked = 0;
                }
                Poll::Ready(next) => {
                    self.first = index + 1;
                    return Poll::Ready(next);
                }
            }
        }
        match self.streams.is_empty() {
            true => Poll::Ready(Ok(None)),
            false => Poll::Pending,
        }
    }

    fn fail(&mut self) {
        self.failed = true;
        self.resumed = self.resumed();
        self.streams.clear();
        self.whole.over();
    }
}

/// No result will make room any more.
impl Drop for SpreadReceiver {
    fn drop(&mut self) {
        self.whole.over();
    }
}
