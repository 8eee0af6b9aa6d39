//! A connection to one server, or to several that are all the same, and the calls that need no stream of commands. It knows nothing of how a session
//! keeps its window.

use std::num::NonZeroUsize;
use std::sync::Arc;

use robot_api::v1;
use robot_api::v1::robot_service_client::RobotServiceClient;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::transport::Channel;
use tonic::{Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::connection::Connector;
use crate::replicas::Replicas;
use crate::route::{Line, Route};
use crate::trace::TraceParent;
use crate::{ClientError, Credentials, Session, SessionConfig, SpreadSession, WorkerSnapshots};

/// A connection to a server, or to several. Clones share it, and its calls may be made at the same time.
#[derive(Debug, Clone)]
pub struct Client {
    route: Route,
}

impl Client {
    /// Connects to `http://HOST:PORT` or `HOST:PORT`.
    ///
    /// # Errors
    /// [`ClientError::InvalidAddress`] if it is neither; [`ClientError::Connect`] if nobody accepts there.
    pub async fn connect(uri: &str) -> Result<Self, ClientError> {
        Self::connect_with(uri, Credentials::default()).await
    }

    /// Connects to `https://HOST:PORT`, or as [`Client::connect`] does, and shows `credentials` there.
    ///
    /// # Errors
    /// As [`Client::connect`]; [`ClientError::Credentials`] if they are none, or do not fit the address.
    pub async fn connect_with(uri: &str, credentials: Credentials) -> Result<Self, ClientError> {
        Self::new(Connector::tcp(uri, credentials)?).await
    }

    /// Connects to several servers that are all the same, each `https://HOST:PORT` or as [`Client::connect`] has it,
    /// and shows `credentials` to all of them. New streams and calls go to a server that says that it takes them, and
    /// of those to the one on which the fewest are open; a server that drains gets nothing new. One that is added or
    /// replaced later must have one of these addresses.
    ///
    /// # Errors
    /// As [`Client::connect_with`]; [`ClientError::NoneServing`] if no server takes calls, and why not;
    /// [`ClientError::TooManyServers`] if there are more than 256.
    pub async fn connect_to_any(
        uris: &[&str],
        credentials: Credentials,
    ) -> Result<Self, ClientError> {
        let replicas = Replicas::start(uris, &credentials).await?;
        let route = Route::Many(Arc::new(replicas), TraceParent::current());
        Ok(Self { route })
    }

    /// Connects over whatever `open` opens: a Unix socket, a tunnel, a simulated network. It is called again for each
    /// new connection. The server is still called by `uri`, which is not connected to.
    ///
    /// # Errors
    /// [`ClientError::InvalidAddress`] if `uri` is none; [`ClientError::Connect`] if `open` fails.
    pub async fn connect_over<F, O, IO>(uri: &str, open: F) -> Result<Self, ClientError>
    where
        F: Fn() -> O + Clone + Send + Sync + 'static,
        O: Future<Output = std::io::Result<IO>> + Send + 'static,
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Self::new(Connector::over(uri, open)?).await
    }

    async fn new(connector: Connector) -> Result<Self, ClientError> {
        let channel = connector.connect().await?;
        let route = Route::One(connector, channel);
        Ok(Self { route })
    }

    /// What the server is, and what may be sent to it.
    ///
    /// # Errors
    /// [`ClientError::Status`] if the call fails.
    pub async fn server_info(&self) -> Result<v1::GetServerInfoResponse, ClientError> {
        let request = v1::GetServerInfoRequest {};
        let call = async |mut line: Line, request| {
            let request = line.request(request);
            taken(service(&line).get_server_info(request).await, &mut line)
        };
        self.route.call(request, call).await
    }

    /// Whether the server, or one of its services, says that it takes calls (`grpc.health.v1.Health`). An empty name
    /// stands for the server as a whole.
    ///
    /// # Errors
    /// [`ClientError::Status`] if the call fails: NOT_FOUND if there is no such service.
    pub async fn is_serving(&self, service: &str) -> Result<bool, ClientError> {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let call = async |mut line: Line, request| {
            let request = line.request(request);
            let mut health = HealthClient::new(line.channel.clone());
            taken(health.check(request).await, &mut line)
        };
        let response = self.route.call(request, call).await?;
        Ok(response.status() == ServingStatus::Serving)
    }

    /// Watches the workers and their queue: a snapshot at once, then one each `interval_ms` milliseconds, 100 to 60000;
    /// 0 asks for the server's default of 1000.
    ///
    /// # Errors
    /// [`ClientError::Status`] if the server refuses the call, which may also be the first item of the stream:
    /// INVALID_ARGUMENT if the interval is another one.
    pub async fn watch_workers(&self, interval_ms: u32) -> Result<WorkerSnapshots, ClientError> {
        let request = v1::WatchWorkersRequest { interval_ms };
        let call = async |mut line: Line, request| {
            let request = line.request(request);
            taken(service(&line).watch_workers(request).await, &mut line)
        };
        let snapshots = self.route.call(request, call).await?;
        Ok(WorkerSnapshots::new(snapshots))
    }

    /// Runs `commands` in one shot. The results come in the order of the commands.
    ///
    /// # Errors
    /// [`ClientError::Status`] if the call fails; [`ClientError::Unanswered`] or [`ClientError::Unasked`] if there
    /// are not as many results as commands.
    pub async fn execute(
        &self,
        commands: Vec<v1::RobotCommand>,
    ) -> Result<Vec<v1::RobotResult>, ClientError> {
        let asked = commands.len();
        let request = v1::ExecuteRequest { commands };
        let call = async |mut line: Line, request| {
            let request = line.request(request);
            taken(service(&line).execute(request).await, &mut line)
        };
        let v1::ExecuteResponse { results } = self.route.call(request, call).await?;
        if results.len() < asked {
            let commands = asked - results.len();
            return Err(ClientError::Unanswered { commands });
        }
        if results.len() > asked {
            let results = results.len() - asked;
            return Err(ClientError::Unasked { results });
        }
        Ok(results)
    }

    /// Opens a session for commands and their results: at first a stream on this connection, and after a failure one
    /// on a connection of its own.
    ///
    /// # Errors
    /// [`ClientError::Status`] if the server refuses it; [`ClientError::GaveUp`] if it could not be opened within
    /// [`crate::RetryConfig::outage_ms_max`].
    pub async fn session(&self, config: SessionConfig) -> Result<Session, ClientError> {
        Session::open(self.route.traced(), config).await
    }

    /// Opens a session that holds so many streams, each on a connection of its own, where several servers or the cores
    /// of one shall work for it. It is used like one of a single stream, and [`SessionConfig::window`] bounds what is
    /// unanswered on all streams together.
    ///
    /// # Errors
    /// As [`Client::session`].
    pub async fn spread_session(
        &self,
        config: SessionConfig,
        streams: NonZeroUsize,
    ) -> Result<SpreadSession, ClientError> {
        SpreadSession::open(&self.route.traced(), config, streams).await
    }
}

// Messages of up to 4 MiB are accepted, tonic's default; the contract keeps responses below it.
fn service(line: &Line) -> RobotServiceClient<Channel> {
    RobotServiceClient::new(line.channel.clone())
}

/// A call that fails so that another server would answer the same was taken as well.
fn taken<T>(called: Result<Response<T>, Status>, line: &mut Line) -> Result<T, ClientError> {
    let called = called.map(Response::into_inner).map_err(ClientError::from);
    if !called.as_ref().is_err_and(ClientError::is_transient) {
        line.taken();
    }
    called
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn says_what_is_wrong_when_nobody_listens() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = Client::connect(&address.to_string()).await.unwrap_err();
        let text = error.to_string();
        let start = format!("cannot connect to http://{address}: ");
        assert!(text.starts_with(&start), "{text}");
        assert!(text.contains("refused"), "{text}");
    }
}
