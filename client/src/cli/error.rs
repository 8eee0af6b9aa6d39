//! Why a subcommand came to no good end, and the exit code of that.

use std::error::Error as _;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use robot_client::ClientError;
use tonic::Code;

use super::input::InputError;
use super::recording::RecordingError;
use super::watch::WatchError;

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
    #[error("--connections is {connections}; it must be at most --streams, which is {streams}")]
    MoreConnectionsThanStreams { connections: u32, streams: u32 },
    #[error("--rate, and another --workload than turns, are for --mode pipelined only")]
    PipelinedOnly,
    #[error("--mode program is a single command: it takes neither --streams nor --duration")]
    OneProgram,
    #[error("--server: {0}")]
    Address(ClientError),
    #[error("{flag}: cannot read {}: {error}", path.display())]
    Unreadable {
        flag: &'static str,
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("--workload: {}: {reason}", path.display())]
    Workload { path: PathBuf, reason: String },
    #[error(transparent)]
    Credentials(ClientError),
    #[error("there is no subcommand {0:?}")]
    NoSubcommand(String),
    #[error("--output is {}; it must end with .svg or .png", .0.display())]
    PictureFormat(PathBuf),
    #[error("the paths have more than {max} moves, which is the most that are drawn")]
    TooManyMoves { max: usize },
}

/// What broke a run off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Usage(#[from] UsageError),
    #[error("{error}{hint}", error = .0, hint = hint(.0))]
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
    #[error("--otlp-endpoint: {0}")]
    Otlp(#[from] robot_otlp::OtlpError),
    #[cfg(feature = "embedded")]
    #[error("the server that was started here crashed: {0}")]
    Crashed(#[from] tokio::task::JoinError),
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Watch(#[from] WatchError),
    #[error("line {line} is no RobotCommand in JSON: {source}")]
    Json {
        line: u64,
        source: serde_json::Error,
    },
    #[error(
        "the server answered command {id} with no state that this client can use, and no error"
    )]
    NoOutcome { id: u64 },
    #[error("{0}")]
    Script(String),
    #[error("cannot make the PNG: {0}")]
    Png(String),
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Recording(#[from] RecordingError),
    #[error(
        "the recording was computed by version {recorded} of the semantics and would be replayed by version \
         {replayed}, so bits may differ; --anyway compares them"
    )]
    OtherRecording { recorded: u32, replayed: u32 },
    #[error(
        "the recording has more than {max} commands under way at a time, which is the most that replay follows"
    )]
    RecordingTooOpen { max: usize },
    #[error("cannot read from the terminal: {0}")]
    Prompt(rustyline::error::ReadlineError),
    #[error("not done within {}, the --timeout", humantime::format_duration(*timeout))]
    TimedOut { timeout: Duration },
    #[error("cannot write to stdout: {0}")]
    Print(#[from] io::Error),
}

impl RunError {
    /// A command failed, or a check.
    const EXIT_FAILED: u8 = 1;
    /// A flag or an environment variable was wrong, or asks for more than the server allows.
    pub(crate) const EXIT_USAGE: u8 = 2;
    /// A gRPC status is added to it.
    const EXIT_STATUS: u8 = 64;

    pub(crate) fn exit_code(&self) -> u8 {
        let code = match self {
            Self::Recording(_) | Self::RecordingTooOpen { .. } => return Self::EXIT_USAGE,
            Self::Usage(_) | Self::Input(_) | Self::Json { .. } | Self::Write { .. } => {
                return Self::EXIT_USAGE;
            }
            Self::Client(error) => error.code(),
            Self::Watch(WatchError::GaveUp { last, .. }) => return last.exit_code(),
            Self::Watch(WatchError::Ended | WatchError::Silent { .. }) => Code::Unavailable,
            Self::TimedOut { .. } => Code::DeadlineExceeded,
            Self::OtherSemantics { .. } | Self::OtherRecording { .. } => Code::FailedPrecondition,
            Self::NoOutcome { .. } => Code::Internal,
            Self::Script(_) => return Self::EXIT_FAILED,
            Self::Print(_) | Self::Png(_) | Self::Prompt(_) => Code::Unknown,
            #[cfg(feature = "embedded")]
            Self::Listen { .. } | Self::Start(_) | Self::Crashed(_) => Code::Internal,
            Self::Otlp(_) => Code::Unavailable,
        };
        Self::EXIT_STATUS + code as u8
    }

    /// Nobody reads stdout any more.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Print(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// What people mostly got wrong when the transport says so. What it says depends on what is there, so this is a question.
fn hint(error: &ClientError) -> &'static str {
    match error {
        ClientError::Connect { address, reason }
            if address.starts_with("https") && reason.contains("corrupt message") =>
        {
            " (is that a server with TLS? without it the address begins with http://)"
        }
        ClientError::Status(status) => match (status.code(), status.source()) {
            (Code::Internal | Code::Cancelled | Code::Unknown, Some(_transport)) => {
                " (is that a gRPC server? if it wants TLS, the address begins with https://)"
            }
            _ => "",
        },
        _ => "",
    }
}

impl From<ClientError> for RunError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::InvalidAddress { .. } => UsageError::Address(error).into(),
            ClientError::TooManyServers { .. } => UsageError::Address(error).into(),
            ClientError::Credentials { .. } => UsageError::Credentials(error).into(),
            error => Self::Client(error),
        }
    }
}
