//! The admin listener: whether the server lives and takes calls, and that whoever asks cannot harm it.

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::scrape::{Seen, request};

#[tokio::test]
async fn a_server_that_drains_lives_and_is_not_ready() {
    let seen = Seen::start(&["--drain-delay-ms", "60000", "--drain-ms-max", "60000"]).await;
    let states = async || {
        [
            seen.get("/live").await.status,
            seen.get("/ready").await.status,
        ]
    };
    assert_eq!(states().await, [200, 200]);
    assert_eq!(seen.metrics().await.value("robot_draining"), 0.0);
    seen.server.signal("TERM").await;
    let metrics = seen
        .metrics_when(|metrics| metrics.value("robot_draining") == 1.0)
        .await;
    assert_eq!(metrics.sum("robot_streams_open"), 0.0);
    assert_eq!(states().await, [200, 503]);
    let answer = seen.get("/ready").await;
    assert_eq!(answer.body, "not ready: draining\n");
    seen.server.signal("TERM").await;
    assert_eq!(seen.server.wait().await.code(), Some(0));
}

#[tokio::test]
async fn only_what_is_there_can_be_asked_for() {
    let seen = Seen::start(&[]).await;
    for (path, status) in [
        ("/", 404),
        ("/metrics/", 404),
        ("/metrics?x=1", 200),
        ("//live", 404),
    ] {
        assert_eq!(seen.get(path).await.status, status, "{path}");
    }
    let posted =
        "POST /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc";
    let answer = request(&seen.admin, posted).await;
    assert_eq!(answer.status, 405);
    assert!(answer.headers.contains("allow: GET, HEAD"), "{answer:?}");
    let head = "HEAD /live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = request(&seen.admin, head).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(100_000));
    let answer = request(&seen.admin, &long).await;
    assert!((400..500).contains(&answer.status), "{answer:?}");
    assert_eq!(seen.get("/live").await.status, 200);
}

#[tokio::test]
async fn connections_that_say_nothing_are_closed_and_make_room() {
    let seen = Seen::start(&[]).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(&seen.admin).await.unwrap());
    }
    // It waits until some of those have been closed.
    assert_eq!(seen.get("/live").await.status, 200);
    let mut end = [0];
    assert_eq!(silent[0].read(&mut end).await.unwrap_or(0), 0);
}
