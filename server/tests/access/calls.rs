//! Every call that a server answers, made with these or those credentials.

use bytes::Bytes;
use robot_api::codec::BytesCodec;
use tokio_stream::{Stream, StreamExt};
use tonic::client::Grpc;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status, Streaming};

use crate::pki::{Files, Pair};
use crate::support::Server;

pub(crate) const EXECUTE: &str = "/robot.v1.RobotService/Execute";
pub(crate) const EXECUTE_STREAM: &str = "/robot.v1.RobotService/ExecuteStream";
pub(crate) const WATCH_WORKERS: &str = "/robot.v1.RobotService/WatchWorkers";
pub(crate) const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";
pub(crate) const HEALTH_WATCH: &str = "/grpc.health.v1.Health/Watch";
pub(crate) const UNKNOWN: &str = "/robot.v1.RobotService/Dance";

/// Each call and a message that it answers.
pub(crate) const CALLS: [(&str, &[u8]); 9] = [
    (EXECUTE, b""),
    (EXECUTE_STREAM, b""),
    ("/robot.v1.RobotService/GetServerInfo", b""),
    (WATCH_WORKERS, b""),
    (HEALTH_CHECK, b""),
    (HEALTH_WATCH, b""),
    (
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        b"\x3a\x00",
    ),
    (
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        b"\x3a\x00",
    ),
    (UNKNOWN, b""),
];

/// A connection in the clear.
pub(crate) fn plain(server: &Server) -> Channel {
    Endpoint::new(server.uri()).unwrap().connect_lazy()
}

/// A connection with TLS, with this certificate or none.
pub(crate) fn tls(server: &Server, files: &Files, certificate: Option<&Pair>) -> Channel {
    let port = server.address().rsplit(':').next().unwrap();
    let mut config = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(files.server_ca.pem()))
        .domain_name("localhost");
    if let Some(Pair { certificate, key }) = certificate {
        config = config.identity(Identity::from_pem(certificate, key));
    }
    let endpoint = Endpoint::new(format!("https://127.0.0.1:{port}")).unwrap();
    endpoint.tls_config(config).unwrap().connect_lazy()
}

/// Opens a call.
pub(crate) async fn open(
    channel: Channel,
    path: &str,
    authorization: Option<&str>,
    messages: impl Stream<Item = Bytes> + Send + 'static,
) -> Result<Streaming<Bytes>, Status> {
    let mut request = Request::new(messages);
    if let Some(authorization) = authorization {
        let value = authorization.parse().unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    let mut grpc = Grpc::new(channel);
    grpc.ready()
        .await
        .map_err(|error| Status::unavailable(error.to_string()))?;
    let path = path.parse().unwrap();
    let response = grpc.streaming(request, path, BytesCodec).await?;
    Ok(response.into_inner())
}

/// The code of a call up to its first answer.
pub(crate) async fn code(
    channel: Channel,
    (path, message): (&str, &'static [u8]),
    authorization: Option<&str>,
) -> Code {
    let messages = tokio_stream::once(Bytes::from_static(message));
    let answered = async {
        let mut responses = open(channel, path, authorization, messages).await?;
        responses.next().await.transpose()
    };
    answered
        .await
        .map_or_else(|status| status.code(), |_message| Code::Ok)
}
