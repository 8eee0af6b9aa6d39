//! Why calls come to their ends, in our own terms: `service.rs` makes gRPC statuses of them.

use robot_api::batch::Malformed;

use crate::queue::QueueClosed;

/// Why a call came to its end.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum End {
    #[error("all commands were answered")]
    Answered,
    #[error("{0}")]
    Malformed(#[from] Malformed),
    #[error("broken request: {0}")]
    BrokenFraming(&'static str),
    #[error("a message holds {found} commands; at most {max} are allowed")]
    TooManyCommands { found: usize, max: usize },
    #[error("a message is too large: found {found} bytes; at most {max} are allowed")]
    MessageTooLarge { found: usize, max: usize },
    #[error(
        "the results take more than the {max} bytes that fit into one message; send fewer commands, or use \
         ExecuteStream"
    )]
    AnswerTooLarge { max: usize },
    #[error("the client cancelled the call")]
    Cancelled,
    #[error("the deadline has passed")]
    DeadlineExceeded,
    #[error("the server is shutting down; send again what is unanswered")]
    ShuttingDown,
    #[error("the connection has reached its age; connect again, and send what is unanswered")]
    ConnectionAged,
    #[error("nothing was sent for too long; open another stream when there is something to send")]
    Idle,
    #[error("the token was withdrawn")]
    Withdrawn,
    #[error("the server lost a job; send again what is unanswered")]
    Lost,
}

impl From<QueueClosed> for End {
    fn from(_closed: QueueClosed) -> Self {
        Self::Lost
    }
}
