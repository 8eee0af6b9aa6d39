//! How a session gets over failures: what may be changed about it, how long it waits, and the one table of statuses
//! after which commands are sent again. It knows nothing of streams.

use std::num::NonZeroUsize;
use std::time::Duration;

use tonic::Code;

use crate::ClientError;

/// How a session is opened, and how it gets over failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionConfig {
    /// Commands that may be unanswered; sending one more waits. They are kept until they are answered.
    pub window: NonZeroUsize,
    /// When to try again, and when to give up.
    pub retry: RetryConfig,
}

impl SessionConfig {
    /// With a window of so many commands, and the default for the rest.
    pub fn new(window: NonZeroUsize) -> Self {
        Self {
            window,
            retry: RetryConfig::default(),
        }
    }
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self::new(NonZeroUsize::new(1000).expect("1000 is not 0"))
    }
}

/// How long, and how often, a session tries to get its commands answered before it gives up. The default survives a
/// server's restart of half a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryConfig {
    /// Streams in a row that may break without one new result while commands are unanswered: at so many the session
    /// gives up. 0 is read as 1.
    pub attempts_max: u32,
    /// Streams that may break on one and the same oldest unanswered command, even if others were answered: it may be
    /// what breaks them. 0 is read as 1.
    pub attempts_of_oldest_max: u32,
    /// How long no stream could be opened, in milliseconds: a try that fails after that was the last.
    pub outage_ms_max: u64,
    /// How long one try to connect and to open a stream may take, in milliseconds.
    pub open_ms_max: u64,
    /// The wait after the break of a stream that had brought results, in milliseconds; each failure since then makes
    /// it twice as long.
    /// Each wait is made shorter by chance, by up to a half, so that many clients do not come back at once.
    pub backoff_ms_min: u64,
    /// The longest wait between two tries, in milliseconds.
    pub backoff_ms_max: u64,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            attempts_max: 3,
            attempts_of_oldest_max: 10,
            outage_ms_max: 30_000,
            open_ms_max: 5_000,
            backoff_ms_min: 50,
            backoff_ms_max: 2_000,
        }
    }
}

impl RetryConfig {
    /// The wait after so many failures in a row; `chance` is from 0 to 1.
    pub(crate) fn backoff(&self, failures: u32, chance: f64) -> Duration {
        let doublings = failures.min(32);
        let longest_ms = self.backoff_ms_min.saturating_mul(1 << doublings);
        let longest_ms = longest_ms.min(self.backoff_ms_max) as f64;
        Duration::from_micros((longest_ms * 1e3 * (0.5 + chance / 2.0)) as u64)
    }
}

/// What the end of a stream, or of a try to open one, means for what is unanswered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Send it again: another stream may do better. Also an OK that came too early.
    Broken,
    /// The same bytes would fail again.
    Refused,
}

/// Classifies what a stream, or a try to open one, ended with.
pub(crate) fn ending_of(error: &ClientError) -> Ending {
    match error {
        ClientError::Status(status) => ending_of_code(status.code()),
        ClientError::Connect { .. }
        | ClientError::NoneServing { .. }
        | ClientError::NotOpened { .. }
        | ClientError::Unanswered { .. } => Ending::Broken,
        ClientError::InvalidAddress { .. }
        | ClientError::Closed
        | ClientError::Credentials { .. }
        | ClientError::DuplicateId { .. }
        | ClientError::TooManyServers { .. }
        | ClientError::GaveUp { .. }
        | ClientError::Unasked { .. } => Ending::Refused,
    }
}

impl ClientError {
    /// Whether another try may do better: the server was not reached, or was lost on the way.
    pub fn is_transient(&self) -> bool {
        ending_of(self) == Ending::Broken
    }
}

/// The table. Since commands are pure, sending one again never does harm; the question is only whether it can help.
fn ending_of_code(code: Code) -> Ending {
    match code {
        // The server says that all is answered. What is not was lost on the way.
        Code::Ok => Ending::Broken,
        // The other side's doing: ours would have dropped the stream. A proxy that resets it says this.
        Code::Cancelled => Ending::Broken,
        // What a lost or broken connection looks like through tonic; all three.
        Code::Unknown | Code::Internal | Code::Unavailable => Ending::Broken,
        // The server lost a job, and asks for it again.
        Code::Aborted => Ending::Broken,
        // The message or its size is at fault.
        Code::InvalidArgument | Code::OutOfRange | Code::ResourceExhausted => Ending::Refused,
        // Who we are is at fault.
        Code::Unauthenticated | Code::PermissionDenied => Ending::Refused,
        // The server is another one than we take it for.
        Code::Unimplemented | Code::NotFound | Code::AlreadyExists | Code::FailedPrecondition => {
            Ending::Refused
        }
        // Sessions set no deadline: somebody on the way did, and would again.
        Code::DeadlineExceeded => Ending::Refused,
        // "Unrecoverable", by gRPC's definition.
        Code::DataLoss => Ending::Refused,
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;

    #[test]
    fn every_code_is_in_the_table() {
        use Ending::{Broken, Refused};
        let table = [
            (0, "OK", Broken),
            (1, "CANCELLED", Broken),
            (2, "UNKNOWN", Broken),
            (3, "INVALID_ARGUMENT", Refused),
            (4, "DEADLINE_EXCEEDED", Refused),
            (5, "NOT_FOUND", Refused),
            (6, "ALREADY_EXISTS", Refused),
            (7, "PERMISSION_DENIED", Refused),
            (8, "RESOURCE_EXHAUSTED", Refused),
            (9, "FAILED_PRECONDITION", Refused),
            (10, "ABORTED", Broken),
            (11, "OUT_OF_RANGE", Refused),
            (12, "UNIMPLEMENTED", Refused),
            (13, "INTERNAL", Broken),
            (14, "UNAVAILABLE", Broken),
            (15, "DATA_LOSS", Refused),
            (16, "UNAUTHENTICATED", Refused),
            // A code that tonic does not know becomes UNKNOWN.
            (17, "none", Broken),
        ];
        for (number, name, expected) in table {
            let error = Status::new(Code::from(number), name).into();
            assert_eq!(ending_of(&error), expected, "{name}");
        }
    }

    #[test]
    fn what_is_no_status_is_in_the_table_too() {
        let check = |error: ClientError, expected| assert_eq!(ending_of(&error), expected);
        let text = || "x".to_owned();
        let (address, reason) = (text(), text());
        check(ClientError::Connect { address, reason }, Ending::Broken);
        let (servers, reasons) = (3, text());
        check(
            ClientError::NoneServing { servers, reasons },
            Ending::Broken,
        );
        check(ClientError::TooManyServers { max: 1 }, Ending::Refused);
        check(ClientError::NotOpened { waited_ms: 1 }, Ending::Broken);
        check(ClientError::Unanswered { commands: 1 }, Ending::Broken);
        check(ClientError::Unasked { results: 1 }, Ending::Refused);
        check(ClientError::Closed, Ending::Refused);
        check(ClientError::DuplicateId { id: 1 }, Ending::Refused);
        check(
            ClientError::InvalidAddress { address: text() },
            Ending::Refused,
        );
    }

    #[test]
    fn waits_twice_as_long_each_time_up_to_the_longest() {
        let retry = RetryConfig {
            backoff_ms_min: 50,
            backoff_ms_max: 300,
            ..RetryConfig::default()
        };
        let check = |failures, chance, expected_ms| {
            let backoff = retry.backoff(failures, chance);
            assert_eq!(backoff, Duration::from_millis(expected_ms), "{failures}");
        };
        check(0, 1.0, 50);
        check(0, 0.0, 25);
        check(1, 1.0, 100);
        check(1, 0.5, 75);
        check(2, 1.0, 200);
        check(3, 1.0, 300);
        check(u32::MAX, 1.0, 300);
        check(u32::MAX, 0.0, 150);
        let none = RetryConfig {
            backoff_ms_min: 0,
            ..retry
        };
        assert_eq!(none.backoff(u32::MAX, 1.0), Duration::ZERO);
    }
}
