//! The client of the robot-command service: [`Client`] connects and makes one-shot calls, a [`Session`] sends
//! commands and takes their results at the same time over one stream. It speaks in the messages of the contract
//! (`robot_api::v1`) and knows neither what commands mean nor which server answers them.
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
//! let (mut sender, mut receiver) = client.session(SessionConfig { window }).await?.split();
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
//! // Why a stream has ended early is known to the receiver only.
//! received.and(sent)
//! # }
//! ```

mod client;
mod error;
mod session;
mod window;

pub use client::Client;
pub use error::ClientError;
pub use session::{CommandSender, ResultReceiver, Session, SessionConfig};
