//! The client's side of who may come in: TLS, a certificate of its own and a token, each right and wrong.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::num::NonZeroUsize;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use robot_client::{Client, ClientError, Credentials, SessionConfig};
use robot_server::{AccessConfig, Config};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tonic::Code;

use support::{Server, turn};

const TOKEN: &str = "a-token-of-the-tests";

/// A certificate that is its own CA, as the README makes one.
fn certificate() -> (String, String) {
    let CertifiedKey { cert, signing_key }: CertifiedKey<KeyPair> =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (cert.pem(), signing_key.serialize_pem())
}

struct Locked {
    server: Server,
    uri: String,
    ca: String,
    own: (String, String),
    _files: TempDir,
}

async fn start() -> Locked {
    let files = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = files.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path)
    };
    let (ca, key) = certificate();
    let own = certificate();
    let hash: String = Sha256::digest(TOKEN)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let access = AccessConfig {
        tls_cert: put("cert.pem", &ca),
        tls_key: put("key.pem", &key),
        tls_client_ca: put("client-ca.pem", &own.0),
        token_file: put("tokens", &format!("tests:{hash}\n")),
        ..AccessConfig::default()
    };
    let server = Server::start(Config {
        access,
        ..Config::default()
    })
    .await;
    Locked {
        uri: server.uri.replace("http://127.0.0.1", "https://localhost"),
        server,
        ca,
        own,
        _files: files,
    }
}

#[tokio::test]
async fn who_shows_all_that_is_asked_for_is_served_on_every_call() {
    let locked = start().await;
    let credentials = Credentials::default()
        .ca(&locked.ca)
        .certificate(&locked.own.0, &locked.own.1)
        .token(TOKEN)
        .unwrap();
    let client = Client::connect_with(&locked.uri, credentials)
        .await
        .unwrap();
    assert!(client.server_info().await.unwrap().workers > 0);
    assert_eq!(client.execute(vec![turn(1, 1.0)]).await.unwrap().len(), 1);
    let window = NonZeroUsize::new(1).unwrap();
    let session = client.session(SessionConfig::new(window)).await.unwrap();
    let (mut sender, mut receiver) = session.split();
    sender.send(vec![turn(2, 1.0)]).await.unwrap();
    assert_eq!(receiver.next().await.unwrap().unwrap()[0].id, 2);
    drop((sender, receiver, client));
    locked.server.stop().await;
}

#[tokio::test]
async fn who_connects_to_any_of_some_servers_shows_the_same_and_is_told_what_they_refuse() {
    let locked = start().await;
    let known = || {
        let credentials = Credentials::default().ca(&locked.ca);
        credentials.certificate(&locked.own.0, &locked.own.1)
    };
    // It is named twice, in two ways: to the client these are two servers.
    let uris = [locked.uri.as_str()];
    let client = Client::connect_to_any(&uris, known().token(TOKEN).unwrap()).await;
    let client = client.unwrap();
    assert_eq!(client.execute(vec![turn(1, 1.0)]).await.unwrap().len(), 1);
    let session = client.session(SessionConfig::default()).await.unwrap();
    drop((session, client));

    let another = known().token("another").unwrap();
    let client = Client::connect_to_any(&uris, another).await.unwrap();
    let error = client.server_info().await.unwrap_err();
    assert_eq!(error.code(), Code::Unauthenticated, "{error}");
    let session = client.session(SessionConfig::default()).await;
    assert_eq!(session.unwrap_err().code(), Code::Unauthenticated);
    drop(client);
    locked.server.stop().await;
}

#[tokio::test]
async fn who_does_not_is_told_what_is_missing() {
    let locked = start().await;
    let Locked { uri, ca, own, .. } = &locked;
    let known = || Credentials::default().ca(ca);
    for (credentials, missing) in [
        (known(), "certificate"),
        (known().token(TOKEN).unwrap(), "certificate"),
        (known().certificate(&own.0, &own.1), "needs a token"),
        (
            known()
                .certificate(&own.0, &own.1)
                .token("another")
                .unwrap(),
            "is not one of",
        ),
    ] {
        let client = Client::connect_with(uri, credentials).await.unwrap();
        let error = client.server_info().await.unwrap_err();
        let ClientError::Status(status) = &error else {
            panic!("{error}");
        };
        assert_eq!(status.code(), Code::Unauthenticated, "{error}");
        assert!(status.message().contains(missing), "{error}");
    }
    let of_another = Credentials::default().ca(&own.0);
    let error = Client::connect_with(uri, of_another).await.unwrap_err();
    assert!(matches!(error, ClientError::Connect { .. }), "{error}");
    let error = Client::connect(uri).await.unwrap_err();
    assert!(error.to_string().contains("https needs the CA"), "{error}");
    locked.server.stop().await;
}
