//! How connections to one server are made: over TCP, or over whatever a caller brings along.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::Request;
use tonic::transport::{Channel, Endpoint, Uri};

use crate::error::root_cause;
use crate::trace::TraceParent;
use crate::{ClientError, Credentials};

/// A server that does not accept a connection for so long is taken for absent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// While a call is open the peer is asked this often whether it is still there.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// A peer that does not answer that for so long is gone: its calls fail, where they would wait for ever.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

type Connecting = Pin<Box<dyn Future<Output = Result<Channel, tonic::transport::Error>> + Send>>;

/// Makes connections to one server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Connector {
    address: Arc<str>,
    credentials: Credentials,
    /// What was active when it was made.
    trace: TraceParent,
    connect: Arc<dyn Fn() -> Connecting + Send + Sync>,
}

impl Connector {
    /// Over TCP, to the host and port of `uri`, where `credentials` are shown.
    pub(crate) fn tcp(uri: &str, credentials: Credentials) -> Result<Self, ClientError> {
        let endpoint = endpoint_of(uri, &credentials)?;
        Ok(Self::new(&endpoint, credentials, move |endpoint| {
            Box::pin(async move { endpoint.connect().await })
        }))
    }

    /// Over what `open` opens.
    pub(crate) fn over<F, O, IO>(uri: &str, open: F) -> Result<Self, ClientError>
    where
        F: Fn() -> O + Clone + Send + Sync + 'static,
        O: Future<Output = std::io::Result<IO>> + Send + 'static,
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let credentials = Credentials::default();
        let endpoint = endpoint_of(uri, &credentials)?;
        Ok(Self::new(&endpoint, credentials, move |endpoint| {
            let open = open.clone();
            let connector = tower::service_fn(move |_uri: Uri| {
                let opening = open();
                async { opening.await.map(TokioIo::new) }
            });
            Box::pin(async move { endpoint.connect_with_connector(connector).await })
        }))
    }

    /// A new connection.
    pub(crate) async fn connect(&self) -> Result<Channel, ClientError> {
        (self.connect)()
            .await
            .map_err(|error| self.error_of(&error))
    }

    /// As a URI.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What the transport says, with the address.
    pub(crate) fn error_of(&self, error: &tonic::transport::Error) -> ClientError {
        ClientError::Connect {
            address: self.address.to_string(),
            reason: root_cause(error).to_string(),
        }
    }

    /// A request that shows the credentials, and belongs to the trace that is active, or else to the one that was.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = self.credentials.request(message);
        TraceParent::current()
            .or(&self.trace)
            .put(request.metadata_mut());
        request
    }

    /// The same for calls that belong to this trace, if there is one.
    pub(crate) fn within(&self, trace: &TraceParent) -> Self {
        Self {
            trace: trace.clone().or(&self.trace),
            ..self.clone()
        }
    }

    fn new(
        endpoint: &Endpoint,
        credentials: Credentials,
        connect: impl Fn(Endpoint) -> Connecting + Send + Sync + 'static,
    ) -> Self {
        let endpoint = endpoint.clone();
        Self {
            address: endpoint.uri().to_string().trim_end_matches('/').into(),
            credentials,
            trace: TraceParent::current(),
            connect: Arc::new(move || connect(endpoint.clone())),
        }
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address,
            credentials,
            trace: _,
            connect: _,
        } = self;
        formatter
            .debug_struct("Connector")
            .field("address", address)
            .field("credentials", credentials)
            .finish()
    }
}

fn endpoint_of(address: &str, credentials: &Credentials) -> Result<Endpoint, ClientError> {
    let uri = uri_from(address).ok_or_else(|| ClientError::InvalidAddress {
        address: address.to_owned(),
    })?;
    let endpoint = credentials.secure(&uri, Endpoint::from(uri.clone()))?;
    let endpoint = endpoint
        .tcp_nodelay(true)
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
    Ok(endpoint)
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
    let known_scheme = matches!(uri.scheme_str(), Some("http" | "https"));
    let valid = known_scheme && host_given && port_given && nothing_else;
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
        check("https://localhost:443", Some("https://localhost:443/"));
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
            "ftp://localhost:443",
            "http://localhost:1/path",
            "localhost:1?query",
            "two words:1",
        ] {
            check(none, None);
        }
    }
}
