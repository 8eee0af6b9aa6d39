//! How what is open ends when the server or the connection does.

use robot_api::v1;
use tonic::Code;

use crate::http1::{Connection, call, connect};
use crate::support::Server;
use crate::web::*;

/// A call without an end of its own, up to its first message.
async fn watching(server: &Server) -> Connection<tokio::net::TcpStream> {
    let mut connection = connect(server.address()).await;
    let body = framed(&v1::WatchWorkersRequest { interval_ms: 100 });
    let request = call("localhost", WATCH_WORKERS, "", &body);
    connection.send(&request).await;
    assert_eq!(connection.head().await.0, 200);
    for _ in 0..2 {
        let chunk = connection.chunk().await.unwrap();
        assert_eq!(parts(&chunk).len(), 1, "a message comes when it is made");
    }
    connection
}

/// The status at the end.
async fn end(mut connection: Connection<tokio::net::TcpStream>) -> (Code, String) {
    let mut last = Vec::new();
    while let Some(chunk) = connection.chunk().await {
        last = parts(&chunk);
    }
    let (mark, trailers) = last.pop().unwrap();
    assert_eq!(mark, TRAILERS);
    assert!(connection.rest().await.is_empty(), "it is closed");
    status(std::str::from_utf8(&trailers).unwrap())
}

#[tokio::test]
async fn a_drain_ends_what_has_no_end_of_its_own_and_closes_what_is_not_used() {
    let server = Server::start(&[]).await;
    let watching = watching(&server).await;
    let mut idle = connect(server.address()).await;
    idle.send(b"HEAD / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await;
    assert_eq!(idle.answer(true).await.status, 200);
    let mut silent = connect(server.address()).await;
    silent.send(b"GET / ").await;
    server.signal("TERM").await;
    assert_eq!(end(watching).await.0, Code::Unavailable);
    assert!(idle.rest().await.is_empty());
    silent.rest().await;
    assert!(server.wait().await.success(), "nothing was cut off");
}

#[tokio::test]
async fn an_old_connection_is_closed_as_in_a_drain() {
    let server = Server::start(&["--connection-age-ms-max=4000"]).await;
    let (code, message) = end(watching(&server).await).await;
    assert_eq!(code, Code::Unavailable, "{message}");
}

#[tokio::test]
async fn a_call_ends_at_its_deadline() {
    let server = Server::start(&[]).await;
    let mut connection = connect(server.address()).await;
    let body = framed(&v1::WatchWorkersRequest { interval_ms: 100 });
    let request = call("localhost", WATCH_WORKERS, "grpc-timeout: 3S\r\n", &body);
    connection.send(&request).await;
    let answer = connection.answer(false).await;
    let (snapshots, code, _message) = messages::<v1::WatchWorkersResponse>(&answer.body);
    assert_eq!(code, Code::DeadlineExceeded);
    assert!(!snapshots.is_empty());
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_no_call_behind() {
    let server = Server::start(&["--drain-ms-max=60000"]).await;
    drop(watching(&server).await);
    server.signal("TERM").await;
    assert!(server.wait().await.success());
}
