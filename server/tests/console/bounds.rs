//! What a connection of HTTP/1.1 may cost: time, headers, bodies, answers that nobody reads.

use std::time::Duration;

use robot_api::v1;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use crate::http1::{Connection, PATIENCE, call, connect};
use crate::support::{Server, binary};
use crate::web::*;

#[tokio::test]
async fn a_connection_that_does_not_say_what_it_wants_is_closed() {
    let server = Server::start(&["--handshake-ms-max=1000"]).await;
    for begun in [
        &b""[..],
        b"G",
        b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\nx: ",
    ] {
        let mut connection = connect(server.address()).await;
        connection.send(begun).await;
        let rest = connection.rest().await;
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{rest:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_not_used_any_more_is_closed() {
    let server = Server::start(&["--handshake-ms-max=3000"]).await;
    let mut connection = connect(server.address()).await;
    connection
        .send(b"HEAD / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await;
    assert_eq!(connection.answer(true).await.status, 200);
    assert!(connection.rest().await.is_empty());
}

#[tokio::test]
async fn a_body_that_does_not_come_ends_its_connection() {
    let mut server = Server::start(&["--stream-idle-ms-max=300"]).await;
    let whole = call(
        "localhost",
        EXECUTE,
        "",
        &framed(&v1::ExecuteRequest::default()),
    );
    let mut connection = connect(server.address()).await;
    connection.send(&whole[..whole.len() - 1]).await;
    assert!(connection.rest().await.is_empty());
    server.log_line("cut off a call that stood still").await;
}

/// It goes on and on, but comes no nearer to its end.
#[tokio::test]
async fn a_body_that_comes_in_ever_more_messages_ends_its_connection() {
    const PAUSE: Duration = Duration::from_millis(20);
    let server = Server::start(&["--stream-idle-ms-max=300"]).await;
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let (reader, mut writer) = stream.into_split();
    let head = format!(
        "POST {EXECUTE} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/grpc-web+proto\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    writer.write_all(head.as_bytes()).await.unwrap();
    let dribble = async {
        let mut pauses = tokio::time::interval(PAUSE);
        while writer.write_all(b"5\r\n\0\0\0\0\0\r\n").await.is_ok() {
            pauses.tick().await;
        }
    };
    let mut connection = Connection::over(tokio::io::join(reader, tokio::io::sink()));
    let (rest, ()) = tokio::join!(connection.rest(), dribble);
    assert!(!rest.starts_with(b"HTTP/1.1 200"), "{rest:?}");
}

#[tokio::test]
async fn headers_that_are_too_large_or_too_many_are_refused() {
    let server = Server::start(&["--header-bytes-max=4096"]).await;
    for (headers, expected) in [
        (format!("x: {}\r\n", "x".repeat(3000)), 200),
        (format!("x: {}\r\n", "x".repeat(5000)), 431),
        (format!("x: {}\r\n", "x".repeat(20_000)), 431),
        ("x: x\r\n".repeat(90), 200),
        ("x: x\r\n".repeat(101), 431),
    ] {
        let mut connection = connect(server.address()).await;
        let request = format!("GET / HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
        connection.send(request.as_bytes()).await;
        assert_eq!(connection.answer(false).await.status, expected);
    }
}

#[tokio::test]
async fn a_body_that_goes_on_behind_its_message_is_not_read_for_ever() {
    const SENT_BYTES_MAX: usize = 64 << 20;
    let server = Server::start(&["--message-bytes-max=2048"]).await;
    let mut connection = connect(server.address()).await;
    let head = format!(
        "POST {EXECUTE} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/grpc-web+proto\r\n\
         content-length: {SENT_BYTES_MAX}\r\n\r\n"
    );
    // Whole messages, each with nothing in it.
    connection.send(head.as_bytes()).await;
    connection.send(&[0; 5000]).await;
    let answer = connection.answer(false).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("grpc-status"), Some("3"), "{answer:?}");
    connection.rest().await;
}

/// Sends so many of one request, reads nothing until the server has given up, and then what came.
async fn unread(request: Vec<u8>, requests: usize) {
    let mut command = binary();
    command.env("RUST_LOG", "robot_server=debug");
    command.arg("--stream-stall-ms-max=300");
    let mut server = Server::launch(command).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let address = server.address().parse().unwrap();
    let (reader, mut writer) = socket.connect(address).await.unwrap().into_split();
    let sending = tokio::spawn(async move {
        for _ in 0..requests {
            if writer.write_all(&request).await.is_err() {
                return;
            }
        }
    });
    let given_up = server.log_line("connection ended");
    let given_up = tokio::time::timeout(PATIENCE, given_up).await;
    given_up.expect("it does not wait for ever");
    // Only now: to read would have been progress.
    let mut left = Connection::over(tokio::io::join(reader, tokio::io::sink()));
    let rest = left.rest().await;
    assert!(rest.starts_with(b"HTTP/1.1 200 OK\r\n"));
    sending.await.unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answers_is_cut_off() {
    let commands = (0..40).map(|id| v1::RobotCommand {
        id,
        state: Some(v1::RobotState::default()),
        script: "move 1\n".repeat(1000),
        with_events: true,
        ..Default::default()
    });
    let body = framed(&v1::ExecuteRequest {
        commands: commands.collect(),
    });
    // More than what the kernel holds for a connection that is not read.
    unread(call("localhost", EXECUTE, "", &body), 12).await;
}

/// hyper has the whole answer as soon as it is given, so that no call is open any more.
#[tokio::test]
async fn a_client_that_does_not_read_the_page_is_cut_off() {
    let assets = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../web/dist/assets"));
    let sizes = assets.unwrap().map(|asset| {
        let asset = asset.unwrap();
        (asset.metadata().unwrap().len(), asset.file_name())
    });
    let (bytes, name) = sizes.max().expect("there are some");
    let name = name.to_str().unwrap();
    let request = format!("GET /assets/{name} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    unread(request.into_bytes(), (32 << 20) / bytes as usize).await;
}
