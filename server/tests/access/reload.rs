//! Certificates and tokens change without a restart; who lost a token is sent away.

use std::time::Duration;

use bytes::Bytes;
use tokio_stream::StreamExt;
use tonic::Code;
use tonic::transport::Channel;

use crate::calls::{
    CALLS, EXECUTE, EXECUTE_STREAM, HEALTH_WATCH, WATCH_WORKERS, code, open, plain, tls,
};
use crate::pki::{Files, ca, server as server_pair, token_line};
use crate::support::{Server, turns};

/// Several times as long as the server takes to notice.
const NOTICED_MAX: Duration = Duration::from_secs(20);

async fn read_again(server: &mut Server) {
    let line = server.log_line("certificates and tokens");
    let line = tokio::time::timeout(NOTICED_MAX, line)
        .await
        .expect("it notices");
    assert!(line.contains("were read again"), "{line}");
}

async fn execute(channel: Channel, token: &str) -> Code {
    code(channel, (EXECUTE, b""), Some(&format!("Bearer {token}"))).await
}

#[tokio::test]
async fn a_stream_ends_when_its_token_is_withdrawn_and_others_go_on() {
    let files = Files::new();
    let both = [token_line("one", "first"), token_line("two", "second")].concat();
    files.put("tokens", &both);
    let mut server = Server::start(&[&files.tokens(), "--reflection=on"]).await;
    let encoded = |id| Bytes::from(prost::Message::encode_to_vec(&turns(id, 1)));
    let endless = || tokio_stream::once(encoded(1)).chain(tokio_stream::pending());
    let list = tokio_stream::once(Bytes::from_static(CALLS[6].1)).chain(tokio_stream::pending());
    let mut streams = Vec::new();
    for (path, token) in [
        (EXECUTE_STREAM, "first"),
        (WATCH_WORKERS, "first"),
        (HEALTH_WATCH, "first"),
        (EXECUTE_STREAM, "second"),
    ] {
        let authorization = format!("Bearer {token}");
        let opened = match path {
            EXECUTE_STREAM => open(plain(&server), path, Some(&authorization), endless()).await,
            // A call with one request has to end it.
            _ => {
                open(
                    plain(&server),
                    path,
                    Some(&authorization),
                    tokio_stream::once(Bytes::new()),
                )
                .await
            }
        };
        let mut stream = opened.unwrap();
        stream.message().await.unwrap().expect("it is answered");
        streams.push(stream);
    }
    let reflection = CALLS[6].0;
    let opened = open(plain(&server), reflection, Some("Bearer first"), list).await;
    let mut idle = opened.unwrap();
    idle.message().await.unwrap().expect("it is answered");
    streams.insert(0, idle);

    files.put("tokens", &token_line("two", "second"));
    read_again(&mut server).await;
    let mut second = streams.pop().unwrap();
    for mut stream in streams {
        let end = loop {
            match stream.message().await {
                Ok(Some(_snapshot)) => {}
                Ok(None) => panic!("it must not end OK"),
                Err(status) => break status,
            }
        };
        assert_eq!(end.code(), Code::Unauthenticated, "{end}");
    }
    assert_eq!(
        execute(plain(&server), "first").await,
        Code::Unauthenticated
    );
    assert_eq!(execute(plain(&server), "second").await, Code::Ok);
    server.signal("TERM").await;
    assert_eq!(
        second.message().await.unwrap_err().code(),
        Code::Unavailable
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_used_changes_nothing_and_is_said_once() {
    let files = Files::new();
    let mut server = Server::start(&[&files.tokens()]).await;
    files.put("tokens", "right\n");
    let line = server.log_line("stay as they were").await;
    assert!(line.contains("line 1: it must be NAME:SHA256"), "{line}");
    assert_eq!(execute(plain(&server), "right").await, Code::Ok);
    files.put("tokens", &token_line("tests", "new"));
    // Not one more complaint in between.
    read_again(&mut server).await;
    assert_eq!(
        execute(plain(&server), "right").await,
        Code::Unauthenticated
    );
    assert_eq!(execute(plain(&server), "new").await, Code::Ok);
    std::fs::remove_file(files.path("tokens")).unwrap();
    let line = server.log_line("stay as they were").await;
    assert!(line.contains("cannot read"), "{line}");
    assert_eq!(execute(plain(&server), "new").await, Code::Ok);
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_new_connections_and_old_ones_go_on() {
    let mut files = Files::new();
    let flags = [files.tls(), vec![files.tokens()]].concat();
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let mut server = Server::start(&flags).await;
    let old = tls(&server, &files, None);
    assert_eq!(execute(old.clone(), "right").await, Code::Ok);
    files.server_ca = ca();
    assert_eq!(
        execute(tls(&server, &files, None), "right").await,
        Code::Unavailable
    );

    files.put_server(&server_pair(&files.server_ca));
    read_again(&mut server).await;
    assert_eq!(execute(tls(&server, &files, None), "right").await, Code::Ok);
    assert_eq!(execute(old, "right").await, Code::Ok);
}
