//! What can go wrong between a client and a server. What is wrong with one command is not here: that is its result.

use std::error::Error;

use tonic::{Code, Status};

/// Why a call, or a session, came to no good end.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is none.
    #[error(
        "the server address {address:?} is not understood: it must be http://HOST:PORT, https://HOST:PORT or \
         HOST:PORT"
    )]
    InvalidAddress {
        /// As it was given.
        address: String,
    },
    /// They are none, or do not fit the address.
    #[error("the credentials cannot be used: {reason}")]
    Credentials {
        /// What is wrong, and what is allowed.
        reason: String,
    },
    /// Nobody answers there.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// As a URI.
        address: String,
        /// What the transport says.
        reason: String,
    },
    /// None of several servers takes calls.
    #[error("none of {servers} servers takes calls: {reasons}")]
    NoneServing {
        /// How many there are.
        servers: usize,
        /// What each says, or how it fails.
        reasons: String,
    },
    /// More servers were given than a client can watch.
    #[error("too many servers; one client takes {max} at the most")]
    TooManyServers {
        /// So many are allowed.
        max: usize,
    },
    /// The call ended with a status that is not OK. A session says so only if trying again cannot help.
    #[error("the call ended with {}", status_text(.0))]
    Status(Box<Status>),
    /// The session is over, so nothing can be sent or received on it any more.
    #[error("the session is closed")]
    Closed,
    /// The server ended the call with OK before it had answered everything.
    #[error("the server ended the call with OK, yet {commands} commands are unanswered")]
    Unanswered {
        /// How many.
        commands: usize,
    },
    /// The server gave results of commands that it was not sent, or that it had answered already.
    #[error("the server gave {results} results that it was not asked for")]
    Unasked {
        /// How many.
        results: usize,
    },
    /// Two commands of one id would be unanswered at the same time, so that a result would not say which one of them
    /// need not be sent again. Nothing of that message was sent; the session goes on.
    #[error(
        "a command of id {id} is unanswered already; ids must be unique among the unanswered commands of a session"
    )]
    DuplicateId {
        /// The first such id.
        id: u64,
    },
    /// No stream was open in time.
    #[error("the server did not open a stream within {waited_ms} ms")]
    NotOpened {
        /// [`crate::RetryConfig::open_ms_max`].
        waited_ms: u64,
    },
    /// A session has failed as often, or for as long, as [`crate::RetryConfig`] allows.
    #[error(
        "gave up after {tries} tries in {elapsed_ms} ms, with {unanswered} commands unanswered{}: {last}",
        oldest_text(.oldest_id)
    )]
    GaveUp {
        /// Streams that broke or could not be opened, one after the other.
        tries: u32,
        /// Since the first of them.
        elapsed_ms: u64,
        /// Commands; [`crate::ResultReceiver::unanswered`] gives their ids.
        unanswered: usize,
        /// Of the one that was sent first.
        oldest_id: Option<u64>,
        /// How the last try ended.
        last: Box<ClientError>,
    },
}

impl ClientError {
    /// The gRPC code that says the most of it: the status's own, UNAVAILABLE if there was no connection, and so on.
    pub fn code(&self) -> Code {
        match self {
            Self::InvalidAddress { .. }
            | Self::Credentials { .. }
            | Self::DuplicateId { .. }
            | Self::TooManyServers { .. } => Code::InvalidArgument,
            Self::Connect { .. } | Self::NoneServing { .. } => Code::Unavailable,
            Self::Status(status) => status.code(),
            Self::Closed => Code::Cancelled,
            Self::Unanswered { .. } | Self::Unasked { .. } => Code::Internal,
            Self::NotOpened { .. } => Code::DeadlineExceeded,
            Self::GaveUp { last, .. } => last.code(),
        }
    }
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

fn oldest_text(id: &Option<u64>) -> String {
    match id {
        Some(id) => format!(" (the oldest has id {id})"),
        None => String::new(),
    }
}

/// A status that the transport made says little; what it was caused by says more.
fn status_text(status: &Status) -> String {
    let (code, message) = (status.code(), status.message());
    match status.source() {
        Some(cause) => format!("{code:?}: {message}: {}", root_cause(cause)),
        None => format!("{code:?}: {message}"),
    }
}

/// The last of the chain of causes.
pub(crate) fn root_cause<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn shows_the_code_the_message_and_the_root_cause() {
        let mut status = Status::unavailable("http2 error");
        let check = |status: &Status, expected: &str| {
            assert_eq!(ClientError::from(status.clone()).to_string(), expected);
        };
        check(&status, "the call ended with Unavailable: http2 error");
        let cause = std::io::Error::other(ClientError::Closed);
        status.set_source(Arc::new(cause));
        check(
            &status,
            "the call ended with Unavailable: http2 error: the session is closed",
        );
    }

    #[test]
    fn giving_up_says_how_often_how_long_and_what_is_unanswered() {
        let gave_up = |unanswered, oldest_id| ClientError::GaveUp {
            tries: 3,
            elapsed_ms: 1200,
            unanswered,
            oldest_id,
            last: Box::new(Status::aborted("lost").into()),
        };
        assert_eq!(
            gave_up(2, Some(7)).to_string(),
            "gave up after 3 tries in 1200 ms, with 2 commands unanswered (the oldest has id 7): \
             the call ended with Aborted: lost"
        );
        assert_eq!(
            gave_up(0, None).to_string(),
            "gave up after 3 tries in 1200 ms, with 0 commands unanswered: the call ended with Aborted: lost"
        );
    }
}
