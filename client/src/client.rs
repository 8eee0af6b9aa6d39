//! A connection to one server, and the calls that need no stream of commands. It knows nothing of how a session
//! keeps its window.

use std::time::Duration;

use robot_api::v1;
use robot_api::v1::robot_service_client::RobotServiceClient;
use tonic::transport::{Channel, Endpoint, Uri};

use crate::error::root_cause;
use crate::{ClientError, Session, SessionConfig};

/// A server that does not accept a connection for so long is taken for absent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// While a call is open the peer is asked this often whether it is still there.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// A peer that does not answer that for so long is gone: its calls fail, where they would wait for ever.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to a server. Clones share it, and its calls may be made at the same time.
#[derive(Debug, Clone)]
pub struct Client {
    // Invariant: messages of up to 4 MiB are accepted, tonic's default; the contract keeps responses below it.
    service: RobotServiceClient<Channel>,
}

impl Client {
    /// Connects to `http://HOST:PORT` or `HOST:PORT`.
    ///
    /// # Errors
    /// [`ClientError::InvalidAddress`] if it is neither; [`ClientError::Connect`] if nobody accepts there.
    pub async fn connect(uri: &str) -> Result<Self, ClientError> {
        let uri = uri_from(uri).ok_or_else(|| ClientError::InvalidAddress {
            address: uri.to_owned(),
        })?;
        let address = uri.to_string().trim_end_matches('/').to_owned();
        let channel = Endpoint::from(uri)
            .tcp_nodelay(true)
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .connect()
            .await
            .map_err(|error| ClientError::Connect {
                address,
                reason: root_cause(&error).to_string(),
            })?;
        Ok(Self {
            service: RobotServiceClient::new(channel),
        })
    }

    /// What the server is, and what may be sent to it.
    ///
    /// # Errors
    /// [`ClientError::Status`] if the call fails.
    pub async fn server_info(&self) -> Result<v1::GetServerInfoResponse, ClientError> {
        let mut service = self.service.clone();
        let response = service.get_server_info(v1::GetServerInfoRequest {}).await?;
        Ok(response.into_inner())
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
        let mut service = self.service.clone();
        let response = service.execute(v1::ExecuteRequest { commands }).await?;
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

    /// Opens a stream for commands and their results.
    ///
    /// # Errors
    /// [`ClientError::Status`] if the server refuses it.
    pub async fn session(&self, config: SessionConfig) -> Result<Session, ClientError> {
        Session::open(self.service.clone(), config).await
    }
}

fn uri_from(address: &str) -> Option<Uri> {
    let uri: Uri = match address.contains("://") {
        true => address.parse(),
        false => format!("http://{address}").parse(),
    }
    .ok()?;
    let port_given = uri.port_u16().is_some_and(|port| port != 0);
    let host_given = uri.host().is_some_and(|host| !host.is_empty());
    let nothing_else = uri.path() == "/" && uri.query().is_none();
    let valid = uri.scheme_str() == Some("http") && host_given && port_given && nothing_else;
    valid.then_some(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses_with_and_without_a_scheme() {
        let check = |address: &str, expected: Option<&str>| {
            let uri = uri_from(address).map(|uri| uri.to_string());
            assert_eq!(uri.as_deref(), expected, "{address}");
        };
        check("127.0.0.1:50051", Some("http://127.0.0.1:50051/"));
        check("http://127.0.0.1:50051", Some("http://127.0.0.1:50051/"));
        check(
            "http://robots.example:80/",
            Some("http://robots.example:80/"),
        );
        check("localhost:1", Some("http://localhost:1/"));
        check("[::1]:50051", Some("http://[::1]:50051/"));
        for none in [
            "",
            ":",
            ":50051",
            "localhost",
            "localhost:",
            "localhost:0",
            "localhost:70000",
            "http://",
            "http://localhost",
            "https://localhost:443",
            "http://localhost:1/path",
            "localhost:1?query",
            "two words:1",
        ] {
            check(none, None);
        }
    }

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
