//! The two ends of a session of one stream or of several, used in the same way. It knows nothing of loads.

use std::num::NonZeroUsize;

use anyhow::Context;
use robot_api::v1;
use robot_client::{
    Client, ClientError, CommandSender, Credentials, ResultReceiver, Resumed, SessionConfig,
    SpreadReceiver, SpreadSender,
};

/// Where commands go into.
#[derive(Debug)]
pub(crate) enum Sender {
    One(CommandSender),
    Spread(SpreadSender),
}

/// Where results come out of.
#[derive(Debug)]
pub(crate) enum Receiver {
    One(Box<ResultReceiver>),
    Spread(SpreadReceiver),
}

/// A client of the servers at `uris`: one, or several separated by commas.
pub(crate) async fn connect(uris: &str) -> Result<Client, ClientError> {
    let uris: Vec<_> = uris.split(',').collect();
    match uris[..] {
        [uri] => Client::connect(uri).await,
        _ => Client::connect_to_any(&uris, Credentials::default()).await,
    }
}

/// A session of so many streams.
pub(crate) async fn open(
    client: &Client,
    config: SessionConfig,
    streams: NonZeroUsize,
) -> anyhow::Result<(Sender, Receiver)> {
    if streams == NonZeroUsize::MIN {
        let session = client.session(config).await;
        let (sender, receiver) = session.context("cannot open a session")?.split();
        return Ok((Sender::One(sender), Receiver::One(Box::new(receiver))));
    }
    let session = client.spread_session(config, streams).await;
    let (sender, receiver) = session.context("cannot open a session")?.split();
    Ok((Sender::Spread(sender), Receiver::Spread(receiver)))
}

impl Sender {
    pub(crate) async fn send(
        &mut self,
        commands: Vec<v1::RobotCommand>,
    ) -> Result<(), ClientError> {
        match self {
            Self::One(sender) => sender.send(commands).await,
            Self::Spread(sender) => sender.send(commands).await,
        }
    }
}

impl Receiver {
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<v1::RobotResult>>, ClientError> {
        match self {
            Self::One(receiver) => receiver.next().await,
            Self::Spread(receiver) => receiver.next().await,
        }
    }

    pub(crate) fn resumed(&self) -> Resumed {
        match self {
            Self::One(receiver) => receiver.resumed(),
            Self::Spread(receiver) => receiver.resumed(),
        }
    }
}
