//! The matrix: each kind of credentials on each call, for each way to lock a server.

use std::sync::Arc;

use rcgen::ExtendedKeyUsagePurpose;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{AlertDescription, ClientConfig, Error, RootCertStore};
use tonic::Code;
use tonic::transport::Channel;

use crate::calls::{CALLS, HEALTH_CHECK, UNKNOWN, code, plain, tls};
use crate::pki::{Files, Pair, ca, client, signed};
use crate::support::Server;

const RIGHT: Option<&str> = Some("Bearer right");
const WRONG: [Option<&str>; 6] = [
    None,
    Some("Bearer wrong"),
    Some("Bearer "),
    Some("Bearer right "),
    Some("Basic cmlnaHQ="),
    Some("right"),
];

/// What each call must end with: as if everything were open, or refused but for the health check.
async fn check(name: &str, channel: impl Fn() -> Channel, token: Option<&str>, admitted: bool) {
    for call @ (path, _message) in CALLS {
        let expected = match (admitted, path) {
            (_, HEALTH_CHECK) => Code::Ok,
            (true, UNKNOWN) => Code::Unimplemented,
            (true, _) => Code::Ok,
            (false, _) => Code::Unauthenticated,
        };
        let found = code(channel(), call, token).await;
        assert_eq!(found, expected, "{name}: {token:?} {path}");
    }
    let outcome = if admitted {
        "served"
    } else {
        "UNAUTHENTICATED, Health/Check served"
    };
    println!(
        "| {name} | {} | {} calls: {outcome} |",
        token.unwrap_or("no token"),
        CALLS.len()
    );
}

async fn start(flags: Vec<String>) -> Server {
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    Server::start(&[&flags[..], &["--reflection=on"]].concat()).await
}

#[tokio::test]
async fn without_locks_everything_is_open() {
    let server = start(vec![]).await;
    check("no locks", || plain(&server), None, true).await;
    check("no locks", || plain(&server), Some("Bearer whatever"), true).await;
}

#[tokio::test]
async fn tokens_alone() {
    let files = Files::new();
    let server = start(vec![files.tokens()]).await;
    check("tokens", || plain(&server), RIGHT, true).await;
    for wrong in WRONG {
        check("tokens", || plain(&server), wrong, false).await;
    }
}

#[tokio::test]
async fn tokens_and_tls() {
    let files = Files::new();
    let server = start([files.tls(), vec![files.tokens()]].concat()).await;
    check("TLS, tokens", || tls(&server, &files, None), RIGHT, true).await;
    for wrong in WRONG {
        check("TLS, tokens", || tls(&server, &files, None), wrong, false).await;
    }
    // Not in the clear.
    for call in CALLS {
        assert_ne!(
            code(plain(&server), call, RIGHT).await,
            Code::Ok,
            "{call:?}"
        );
    }
}

#[tokio::test]
async fn client_certificates() {
    let files = Files::new();
    let server = start([files.tls(), vec![files.client_ca_flag()]].concat()).await;
    let right = client(&files.client_ca);
    check(
        "right certificate",
        || tls(&server, &files, Some(&right)),
        None,
        true,
    )
    .await;
    check("no certificate", || tls(&server, &files, None), None, false).await;
    check(
        "no certificate",
        || tls(&server, &files, None),
        RIGHT,
        false,
    )
    .await;
    for (name, wrong, alert) in wrong_certificates(&files) {
        assert_eq!(alert_for(&server, &files, &wrong).await, alert, "{name}");
        for call in CALLS {
            let channel = tls(&server, &files, Some(&wrong));
            let found = code(channel, call, RIGHT).await;
            assert!(
                !matches!(found, Code::Ok | Code::Unimplemented),
                "{name} {call:?}: {found:?}"
            );
        }
        println!("| {name} | | {} calls: TLS alert {alert:?} |", CALLS.len());
    }
}

#[tokio::test]
async fn client_certificates_and_tokens_are_both_needed() {
    let files = Files::new();
    let locks = vec![files.client_ca_flag(), files.tokens()];
    let server = start([files.tls(), locks].concat()).await;
    let right = client(&files.client_ca);
    let with = || tls(&server, &files, Some(&right));
    let without = || tls(&server, &files, None);
    check("right certificate, tokens", with, RIGHT, true).await;
    check("right certificate, tokens", with, None, false).await;
    check(
        "right certificate, tokens",
        with,
        Some("Bearer wrong"),
        false,
    )
    .await;
    check("no certificate, tokens", without, RIGHT, false).await;
    check("no certificate, tokens", without, None, false).await;
}

fn wrong_certificates(files: &Files) -> [(&'static str, Pair, AlertDescription); 3] {
    let expired = signed(&files.client_ca, ExtendedKeyUsagePurpose::ClientAuth, 2001);
    let of_a_server = signed(&files.client_ca, ExtendedKeyUsagePurpose::ServerAuth, 4000);
    [
        (
            "expired certificate",
            expired,
            AlertDescription::CertificateExpired,
        ),
        (
            "certificate of another CA",
            client(&ca()),
            AlertDescription::UnknownCA,
        ),
        (
            "certificate of a server",
            of_a_server,
            AlertDescription::UnsupportedCertificate,
        ),
    ]
}

/// What the server says to a certificate that it does not accept.
async fn alert_for(server: &Server, files: &Files, pair: &Pair) -> AlertDescription {
    let mut roots = RootCertStore::empty();
    roots.add(files.server_ca.der().clone()).unwrap();
    let certificate = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connected = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await;
    let error = match connected {
        Err(error) => error,
        // The client is done before the server has looked at its certificate.
        Ok(mut stream) => stream.read_u8().await.unwrap_err(),
    };
    let error = error.get_ref().and_then(|error| error.downcast_ref());
    match error {
        Some(&Error::AlertReceived(alert)) => alert,
        other => panic!("{other:?}"),
    }
}
