//! A connection to one server, and the calls that need no stream of commands. It knows nothing of how a session
//! keeps its window.

use robot_api::v1;
use robot_api::v1::robot_service_client::RobotServiceClient;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::connection::Connector;
use crate::{ClientError, Credentials, Session, SessionConfig, WorkerSnapshots};

/// A connection to a server. Clones share it, and its calls may be made at the same time.
#[derive(Debug, Clone)]
pub struct Client {
    connector: Connector,
    channel: Channel,
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
        Ok(Self { connector, channel })
    }

    /// What the server is, and what may be sent to it.
    ///
    /// # Errors
    /// [`ClientError::Status`] if the call fails.
    pub async fn server_info(&self) -> Result<v1::GetServerInfoResponse, ClientError> {
        let mut service = self.service();
        let response = service
            .get_server_info(self.connector.request(v1::GetServerInfoRequest {}))
            .await?;
        Ok(response.into_inner())
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
        let mut health = HealthClient::new(self.channel.clone());
        let response = health.check(self.connector.request(request)).await?;
        Ok(response.into_inner().status() == ServingStatus::Serving)
    }

    /// Watches the workers and their queue: a snapshot at once, then one each `interval_ms` milliseconds, 100 to 60000;
    /// 0 asks for the server's default of 1000.
    ///
    /// # Errors
    /// [`ClientError::Status`] if the server refuses the call, which may also be the first item of the stream:
    /// INVALID_ARGUMENT if the interval is another one.
    pub async fn watch_workers(&self, interval_ms: u32) -> Result<WorkerSnapshots, ClientError> {
        let request = v1::WatchWorkersRequest { interval_ms };
        let mut service = self.service();
        let response = service
            .watch_workers(self.connector.request(request))
            .await?;
        Ok(WorkerSnapshots::new(response.into_inner()))
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
        let mut service = self.service();
        let response = service
            .execute(self.connector.request(v1::ExecuteRequest { commands }))
            .await?;
        let v1::ExecuteResponse { results } = response.into_inner();
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
        Session::open(self.connector.traced(), self.channel.clone(), config).await
    }

    // Messages of up to 4 MiB are accepted, tonic's default; the contract keeps responses below it.
    fn service(&self) -> RobotServiceClient<Channel> {
        RobotServiceClient::new(self.channel.clone())
    }
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
