//! The client of the robot-command service: [`Client`] connects and makes one-shot calls, a [`Session`] sends
//! commands and takes their results at the same time. It speaks in the messages of the contract (`robot_api::v1`) and
//! knows neither what commands mean nor which server answers them.
//!
//! ```no_run
//! use std::num::NonZeroUsize;
//!
//! use robot_api::v1;
//! use robot_client::{Client, ClientError, SessionConfig};
//!
//! # async fn example(commands: Vec<v1::RobotCommand>) -> Result<(), ClientError> {
//! let client = Client::connect("127.0.0.1:50051").await?;
//! let window = NonZeroUsize::new(1000).expect("1000 is not 0");
//! let session = client.session(SessionConfig::new(window)).await?;
//! let (mut sender, mut receiver) = session.split();
//! let send = async move {
//!     for command in commands {
//!         sender.send(vec![command]).await?;
//!     }
//!     Ok(())
//! };
//! let receive = async {
//!     while let Some(results) = receiver.next().await? {
//!         println!("{} results", results.len());
//!     }
//!     Ok(())
//! };
//! let (sent, received): (Result<(), ClientError>, _) = tokio::join!(send, receive);
//! // Why a session has ended early is known to the receiver only.
//! received.and(sent)
//! # }
//! ```
//!
//! # What a session survives
//!
//! A session keeps what is unanswered, at most a window of it. When its stream breaks (the server is killed, drains or
//! cannot be reached, the connection is reset or silent) it connects anew, after a wait, and sends again what is
//! unanswered, in the order in which it was sent; each result is surfaced once. It may do so because commands are pure.
//! Statuses that say that the same bytes would fail again (INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAUTHENTICATED and
//! the like) are surfaced at once. While nothing is unanswered it stays unconnected until something is sent.
//!
//! It gives up with [`ClientError::GaveUp`], which says how often and how long it has tried and what is unanswered, as
//! soon as one bound of [`RetryConfig`] is reached: streams that broke in a row without one new result, streams that
//! broke on the same oldest command, or the time for which no stream could be opened.
//!
//! The ids of unanswered commands must differ: a result names its command by its id alone, so of two the session could
//! not tell which one still has to be sent again. [`CommandSender::send`] refuses the second with
//! [`ClientError::DuplicateId`], sends nothing of that message, and the session goes on. Once a command is answered its
//! id may be used again.
//!
//! # Beyond one server
//!
//! [`Client::connect_to_any`] takes the addresses of several servers that are all the same. It watches their health, and
//! each new stream or call goes to one that serves and has the fewest open; what a draining or dead server had is sent
//! again to another. [`Client::spread_session`] opens a [`SpreadSession`]: several streams behind one sender and one
//! receiver, to several servers or to one. `docs/scaling.md` says when to use which.

mod client;
mod connection;
mod credentials;
mod error;
mod replicas;
mod route;
mod session;
mod snapshots;
mod spread;
mod trace;

pub use client::Client;
pub use credentials::Credentials;
pub use error::ClientError;
pub use session::{CommandSender, ResultReceiver, Resumed, RetryConfig, Session, SessionConfig};
pub use snapshots::WorkerSnapshots;
pub use spread::{SpreadReceiver, SpreadSender, SpreadSession};
