//! Several servers that are all the same, and no proxy in front of them: each is asked to say when its health changes,
//! and every new stream or call goes to one that serves and has the fewest open. A replica that drains gets nothing
//! new; what is open there ends as the server ends it, and comes back here for another place.
//!
//! Why not tonic's own `Channel::balance_list`: it knows connections but not health, so it goes on calling a server
//! that says NOT_SERVING; it weighs requests under way but not open streams; and without a connection it waits for ever.

mod health;
mod standings;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::transport::Channel;

use crate::connection::Connector;
use crate::route::Line;
use crate::{ClientError, Credentials};

use standings::Standings;

/// A client knows so many at the most: each costs a connection and a call that watches its health.
const REPLICAS_MAX: usize = 256;
/// How long the first word of a replica is waited for when there was none of any other.
const SETTLED_MAX: Duration = Duration::from_secs(12);
/// How long the others are waited for once one takes calls, so that the first streams are spread over all of them.
const OTHERS_MAX: Duration = Duration::from_secs(1);

/// The replicas and who watches them: for as long as this lives.
#[derive(Debug)]
pub(crate) struct Replicas {
    connectors: Vec<Connector>,
    standings: Arc<watch::Sender<Standings>>,
    _watching: JoinSet<()>,
}

/// A call's place among those of one replica.
#[derive(Debug)]
pub(crate) struct Seat {
    standings: Arc<watch::Sender<Standings>>,
    index: usize,
    taken: bool,
}

impl Replicas {
    /// Watches the servers at these addresses, of which one that is given twice counts once. Comes back when one takes
    /// calls.
    pub(crate) async fn start(
        addresses: &[&str],
        credentials: &Credentials,
    ) -> Result<Self, ClientError> {
        if addresses.len() > REPLICAS_MAX {
            return Err(ClientError::TooManyServers { max: REPLICAS_MAX });
        }
        let mut connectors: Vec<Connector> = Vec::with_capacity(addresses.len());
        for address in addresses {
            let connector = Connector::tcp(address, credentials.clone())?;
            let known = |one: &Connector| one.address() == connector.address();
            if !connectors.iter().any(known) {
                connectors.push(connector);
            }
        }
        let (standings, mut settled) = watch::channel(Standings::new(connectors.len()));
        let standings = Arc::new(standings);
        let mut watching = JoinSet::new();
        for (index, connector) in connectors.iter().enumerate() {
            let standings = Arc::clone(&standings);
            watching.spawn(health::watch(index, connector.clone(), standings));
        }
        let replicas = Self {
            connectors,
            standings,
            _watching: watching,
        };
        // Who is silent for longer is named below. What is waited for locks the standings until it is dropped.
        let one_serves = settled.wait_for(Standings::is_settled);
        drop(tokio::time::timeout(SETTLED_MAX, one_serves).await);
        let all_known = settled.wait_for(Standings::is_known);
        drop(tokio::time::timeout(OTHERS_MAX, all_known).await);
        // Taken and left again: whether there is one.
        replicas.seat(&[])?.taken();
        Ok(replicas)
    }

    /// A new connection, to the replica whose turn it is.
    pub(crate) async fn line(&self) -> Result<Line, ClientError> {
        let seat = self.seat(&[])?;
        let connector = self.connectors[seat.index].clone();
        let channel = connector.connect().await?;
        Ok(Line::new(channel, connector, Some(seat)))
    }

    /// Makes a call on a connection that is shared, and on another replica's if that one does not take it.
    pub(crate) async fn call<M: Clone, T>(
        &self,
        message: M,
        call: impl AsyncFn(Line, M) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let mut tried = Vec::new();
        let mut last = None;
        while let Ok(seat) = self.seat(&tried) {
            tried.push(seat.index);
            let Some(channel) = self.shared(seat.index) else {
                continue;
            };
            let connector = self.connectors[seat.index].clone();
            let line = Line::new(channel, connector, Some(seat));
            match call(line, message.clone()).await {
                Err(error) if error.is_transient() => last = Some(error),
                called => return called,
            }
        }
        Err(last.unwrap_or_else(|| self.none_serving()))
    }

    fn shared(&self, index: usize) -> Option<Channel> {
        self.standings.borrow().shared(index)
    }

    /// A seat at none of `tried`.
    fn seat(&self, tried: &[usize]) -> Result<Seat, ClientError> {
        let mut chosen = None;
        // Nobody waits for this to change.
        self.standings.send_if_modified(|standings| {
            chosen = standings.sit(tried, Instant::now(), fastrand::f64());
            false
        });
        let index = chosen.ok_or_else(|| self.none_serving())?;
        Ok(Seat {
            standings: Arc::clone(&self.standings),
            index,
            taken: false,
        })
    }

    fn none_serving(&self) -> ClientError {
        let names = self.connectors.iter().map(|one| one.address().to_owned());
        ClientError::NoneServing {
            servers: self.connectors.len(),
            reasons: self.standings.borrow().reasons(names),
        }
    }
}

impl Seat {
    /// The replica has taken the call.
    pub(crate) fn taken(&mut self) {
        self.taken = true;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let (index, taken) = (self.index, self.taken);
        self.standings.send_if_modified(|standings| {
            standings.leave(index, taken, Instant::now());
            false
        });
    }
}
