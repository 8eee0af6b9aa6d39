//! One stream of commands and results, with a bounded window of unanswered commands. It counts what is unanswered,
//! and knows nothing of what is in a command.

use std::num::NonZeroUsize;
use std::sync::Arc;

use robot_api::v1;
use robot_api::v1::robot_service_client::RobotServiceClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::ClientError;
use crate::window::Window;

/// Messages between the sender and the connection; one more waits. The window bounds their commands.
const MESSAGES_QUEUED_MAX: usize = 256;

/// How a session is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionConfig {
    /// Commands that may be unanswered; sending one more waits.
    pub window: NonZeroUsize,
}

/// An open stream. [`Session::split`] gives its two ends, which must be used at the same time: once the window is
/// full, sending waits for results to be received.
#[derive(Debug)]
pub struct Session {
    sender: CommandSender,
    receiver: ResultReceiver,
}

/// The end that commands go into. Dropping it half-closes the stream: what was sent is still answered.
#[derive(Debug)]
pub struct CommandSender {
    requests: mpsc::Sender<v1::ExecuteStreamRequest>,
    window: Arc<Window>,
}

/// The end that results come out of. Dropping it cancels the call.
#[derive(Debug)]
pub struct ResultReceiver {
    responses: Streaming<v1::ExecuteStreamResponse>,
    window: Arc<Window>,
    failed: bool,
}

impl Session {
    pub(crate) async fn open(
        mut service: RobotServiceClient<Channel>,
        config: SessionConfig,
    ) -> Result<Self, ClientError> {
        let SessionConfig { window } = config;
        let window = Arc::new(Window::new(window));
        let (requests, messages) = mpsc::channel(MESSAGES_QUEUED_MAX);
        // This waits for the response's headers, which the server sends before it reads a command.
        let response = service
            .execute_stream(ReceiverStream::new(messages))
            .await?;
        Ok(Self {
            sender: CommandSender {
                requests,
                window: Arc::clone(&window),
            },
            receiver: ResultReceiver {
                responses: response.into_inner(),
                window,
                failed: false,
            },
        })
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
    /// [`ClientError::Closed`] if the stream has ended: the receiver knows why.
    pub async fn room(&mut self, commands: usize) -> Result<(), ClientError> {
        self.window.room(commands).await
    }

    /// Sends `commands` as one message, once the window has room for all of them. None at all send nothing.
    ///
    /// If its future is dropped half-way, nothing was sent.
    ///
    /// # Errors
    /// [`ClientError::Closed`] if the stream has ended: the receiver knows why.
    pub async fn send(&mut self, commands: Vec<v1::RobotCommand>) -> Result<(), ClientError> {
        if commands.is_empty() {
            return Ok(());
        }
        self.window.room(commands.len()).await?;
        let place = self.requests.reserve().await;
        let place = place.map_err(|_dropped| ClientError::Closed)?;
        self.window.sent(commands.len());
        place.send(v1::ExecuteStreamRequest { commands });
        Ok(())
    }

    /// Half-closes the stream, as dropping does: no more commands; what was sent is still answered.
    pub fn finish(self) {}
}

impl ResultReceiver {
    /// The results of one message, in the order in which they completed, and room in the window for as many
    /// commands. `None` once the stream has ended OK with everything answered. If its future is dropped half-way,
    /// no result is lost.
    ///
    /// # Errors
    /// [`ClientError::Status`] if the stream ended otherwise; [`ClientError::Unanswered`] and
    /// [`ClientError::Unasked`] if there were too few or too many results; [`ClientError::Closed`] after an error.
    pub async fn next(&mut self) -> Result<Option<Vec<v1::RobotResult>>, ClientError> {
        if self.failed {
            return Err(ClientError::Closed);
        }
        let message = self.responses.message().await;
        let results = self.results_of(message);
        if !matches!(results, Ok(Some(_))) {
            self.window.close();
        }
        self.failed = results.is_err();
        results
    }

    fn results_of(
        &self,
        message: Result<Option<v1::ExecuteStreamResponse>, tonic::Status>,
    ) -> Result<Option<Vec<v1::RobotResult>>, ClientError> {
        if let Some(v1::ExecuteStreamResponse { results }) = message? {
            self.window.answered(results.len())?;
            return Ok(Some(results));
        }
        match self.window.unanswered() {
            0 => Ok(None),
            commands => Err(ClientError::Unanswered { commands }),
        }
    }
}

/// No result will make room any more.
impl Drop for ResultReceiver {
    fn drop(&mut self) {
        self.window.close();
    }
}

#[cfg(test)]
mod tests;
