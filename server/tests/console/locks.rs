//! The page is for everybody, since it holds no secret; its calls need what every call needs.

use std::sync::Arc;

use robot_api::v1;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;

use crate::http1::{Connection, call, connect, post};
use crate::pki::{Files, Pair, client};
use crate::support::Server;
use crate::web::*;

async fn start(flags: &[String]) -> Server {
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    Server::start(&flags).await
}

fn code(answer: &crate::http1::Answer) -> Code {
    match answer.header("grpc-status") {
        Some(code) => Code::from_bytes(code.as_bytes()),
        None => messages::<v1::GetServerInfoResponse>(&answer.body).1,
    }
}

#[tokio::test]
async fn with_a_token_file_calls_need_a_token_and_the_page_needs_none() {
    let files = Files::new();
    let server = start(&[files.tokens()]).await;
    let info = framed(&v1::GetServerInfoRequest {});
    for (headers, expected) in [
        ("", Code::Unauthenticated),
        ("authorization: Bearer wrong\r\n", Code::Unauthenticated),
        ("authorization: Bearer right\r\n", Code::Ok),
    ] {
        let answer = post(server.address(), GET_SERVER_INFO, headers, &info).await;
        assert_eq!(code(&answer), expected, "{headers}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/grpc-web+proto")
        );
    }
    let health = framed(&HealthCheckRequest::default());
    let answer = post(server.address(), HEALTH_CHECK, "", &health).await;
    let (_health, code, _message) = messages::<tonic_health::pb::HealthCheckResponse>(&answer.body);
    assert_eq!(code, Code::Ok);
    // The token keeps strangers out, so that any name will do.
    let mut connection = connect(server.address()).await;
    connection
        .send(b"GET / HTTP/1.1\r\nhost: robots.example\r\n\r\n")
        .await;
    assert_eq!(connection.answer(false).await.status, 200);
}

/// Connects with what a client offers to speak, and perhaps a certificate.
async fn greeted(
    server: &Server,
    files: &Files,
    offered: &[&[u8]],
    certificate: Option<&Pair>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(files.server_ca.pem().as_bytes()).unwrap();
    roots.add(ca).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match certificate {
        None => builder.with_no_client_auth(),
        Some(Pair { certificate, key }) => {
            let chain = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![chain], key).unwrap()
        }
    };
    config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

fn spoken(stream: &TlsStream<TcpStream>) -> Option<&[u8]> {
    stream.get_ref().1.alpn_protocol()
}

#[tokio::test]
async fn http_1_is_offered_over_tls_with_the_console_only() {
    let files = Files::new();
    let on = start(&files.tls()).await;
    let off = start(&[&files.tls()[..], &["--console=off".to_owned()]].concat()).await;
    let both = [&b"h2"[..], b"http/1.1"];
    let stream = greeted(&on, &files, &both, None).await.unwrap();
    assert_eq!(spoken(&stream), Some(&b"h2"[..]));
    let stream = greeted(&on, &files, &both[1..], None).await.unwrap();
    assert_eq!(spoken(&stream), Some(&b"http/1.1"[..]));
    let mut connection = Connection::over(stream);
    connection
        .send(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await;
    assert_eq!(connection.answer(false).await.status, 200);
    let stream = greeted(&off, &files, &both, None).await.unwrap();
    assert_eq!(spoken(&stream), Some(&b"h2"[..]));
    let refused = greeted(&off, &files, &both[1..], None).await;
    assert!(refused.is_err(), "there is nothing that both speak");
}

#[tokio::test]
async fn with_a_client_ca_calls_need_a_certificate_and_the_page_needs_none() {
    let files = Files::new();
    let server = start(&[&files.tls()[..], &[files.client_ca_flag()]].concat()).await;
    let own = client(&files.client_ca);
    for (certificate, expected) in [(None, Code::Unauthenticated), (Some(&own), Code::Ok)] {
        let stream = greeted(&server, &files, &[b"http/1.1"], certificate).await;
        let mut connection = Connection::over(stream.unwrap());
        connection
            .send(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await;
        assert_eq!(connection.answer(false).await.status, 200);
        let info = framed(&v1::GetServerInfoRequest {});
        connection
            .send(&call("localhost", GET_SERVER_INFO, "", &info))
            .await;
        assert_eq!(code(&connection.answer(false).await), expected);
    }
}
