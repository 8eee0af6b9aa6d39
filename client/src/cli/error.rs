//! Why a run did not come to a report, or what broke it off.

use robot_client::ClientError;

/// What was asked for cannot be had: a matter of flags, found before anything is sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UsageError {
    #[error("--workers is for the server that is started here: it cannot be given with --server")]
    WorkersWithServer,
    #[cfg(not(feature = "embedded"))]
    #[error("--server is required: this build has no server of its own")]
    ServerRequired,
    #[error("--batch is {batch}; it must be at most --window, which is {window}")]
    BatchLargerThanWindow { batch: u32, window: u32 },
    #[error("--batch is {batch}; this server allows at most {max} commands in a message")]
    BatchLargerThanMessage { batch: usize, max: u32 },
    #[error(
        "--turns is {turns}; as one program it must be at most {max}, this server's limit of actions in a command"
    )]
    ProgramTooLong { turns: u64, max: u32 },
    #[error("--server: {0}")]
    Address(ClientError),
    #[error("{flag}: cannot read {}: {error}", path.display())]
    Unreadable {
        flag: &'static str,
        path: std::path::PathBuf,
        error: std::io::Error,
    },
    #[error(transparent)]
    Credentials(ClientError),
}

/// Why there is no report, or none that is good.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Usage(#[from] UsageError),
    #[error(transparent)]
    Client(ClientError),
    #[error(
        "the server computes by version {server} of the semantics and this client by version {client}: their bits \
         cannot be compared"
    )]
    OtherSemantics { server: u32, client: u32 },
    #[cfg(feature = "embedded")]
    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: &'static str,
        source: std::io::Error,
    },
    #[cfg(feature = "embedded")]
    #[error("cannot start a server: {0}")]
    Start(#[from] robot_server::StartError),
    #[cfg(feature = "embedded")]
    #[error("the server that was started here crashed: {0}")]
    Crashed(#[from] tokio::task::JoinError),
    #[error("cannot write the report to stdout: {0}")]
    Print(#[from] std::io::Error),
}

impl From<ClientError> for RunError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::InvalidAddress { .. } => UsageError::Address(error).into(),
            ClientError::Credentials { .. } => UsageError::Credentials(error).into(),
            error => Self::Client(error),
        }
    }
}
