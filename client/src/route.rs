//! Where calls and streams go: to the one server that a client was told of, or to one of several replicas. Who asks for
//! a [`Line`] does not learn which.

use std::sync::Arc;

use tonic::Request;
use tonic::transport::Channel;

use crate::ClientError;
use crate::connection::Connector;
use crate::replicas::{Replicas, Seat};
use crate::trace::TraceParent;

/// The way to a server. Clones share it.
#[derive(Debug, Clone)]
pub(crate) enum Route {
    /// And a connection to it.
    One(Connector, Channel),
    /// All the same.
    Many(Arc<Replicas>, TraceParent),
}

/// A connection that a call may be put on, and what the call shows there. It must live as long as the call.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) channel: Channel,
    pub(crate) connector: Connector,
    /// Counts the call as one of its replica's; a server that is alone has nobody to compare it with.
    seat: Option<Seat>,
}

impl Route {
    /// The same for calls that belong to the trace that is active now, wherever they will be made.
    pub(crate) fn traced(&self) -> Self {
        let now = TraceParent::current();
        match self {
            Self::One(connector, channel) => Self::One(connector.within(&now), channel.clone()),
            Self::Many(replicas, trace) => Self::Many(Arc::clone(replicas), now.or(trace)),
        }
    }

    /// A new connection.
    pub(crate) async fn line(&self) -> Result<Line, ClientError> {
        match self {
            Self::One(connector, _) => {
                let channel = connector.connect().await?;
                Ok(Line::new(channel, connector.clone(), None))
            }
            Self::Many(replicas, trace) => {
                let line = replicas.line().await?;
                Ok(line.within(trace))
            }
        }
    }

    /// The connection that is there, if there is only one.
    pub(crate) fn standing_line(&self) -> Option<Line> {
        match self {
            Self::One(connector, channel) => {
                Some(Line::new(channel.clone(), connector.clone(), None))
            }
            Self::Many(..) => None,
        }
    }

    /// Makes a call that may be made again, since all of the contract's may. Of several replicas each is tried once, if
    /// need be.
    pub(crate) async fn call<M: Clone, T>(
        &self,
        message: M,
        call: impl AsyncFn(Line, M) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        match self {
            Self::One(connector, channel) => {
                let line = Line::new(channel.clone(), connector.clone(), None);
                call(line, message).await
            }
            Self::Many(replicas, _) => replicas.call(message, call).await,
        }
    }
}

impl Line {
    pub(crate) fn new(channel: Channel, connector: Connector, seat: Option<Seat>) -> Self {
        Self {
            channel,
            connector,
            seat,
        }
    }

    /// The same for a call that belongs to this trace, if there is one.
    fn within(mut self, trace: &TraceParent) -> Self {
        self.connector = self.connector.within(trace);
        self
    }

    /// A request that shows the credentials.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        self.connector.request(message)
    }

    /// The server has taken the call. A replica that does not is avoided for a while.
    pub(crate) fn taken(&mut self) {
        if let Some(seat) = &mut self.seat {
            seat.taken();
        }
    }
}
