//! What can go wrong between a client and a server. What is wrong with one command is not here: that is its result.

use std::error::Error;

use tonic::Status;

/// Why a call, or a session, came to no good end.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is none.
    #[error(
        "the server address {address:?} is not understood: it must be http://HOST:PORT or HOST:PORT"
    )]
    InvalidAddress {
        /// As it was given.
        address: String,
    },
    /// Nobody answers there.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// As a URI.
        address: String,
        /// What the transport says.
        reason: String,
    },
    /// The call ended with a status that is not OK. After a session, what is unanswered may be sent again.
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
    /// The server gave more results than there were unanswered commands.
    #[error("the server gave {results} results more than it was sent commands")]
    Unasked {
        /// How many.
        results: usize,
    },
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
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
}
