//! Pages of strangers, and names that a stranger may let resolve to this machine.

use robot_api::v1;

use crate::http1::{call, connect, get};
use crate::support::Server;
use crate::web::{GET_SERVER_INFO, framed};

async fn status(server: &Server, host: &str, headers: &str) -> u16 {
    let mut connection = connect(server.address()).await;
    let body = framed(&v1::GetServerInfoRequest {});
    connection
        .send(&call(host, GET_SERVER_INFO, headers, &body))
        .await;
    let answer = connection.answer(false).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
    answer.status
}

#[tokio::test]
async fn calls_of_another_origin_s_page_are_refused() {
    let server = Server::start(&[]).await;
    let own = format!("origin: http://{}\r\n", server.address());
    for (headers, expected) in [
        ("", 200),
        (&own[..], 200),
        ("sec-fetch-site: same-origin\r\n", 200),
        ("origin: http://evil.example\r\n", 403),
        ("origin: http://localhost:1\r\n", 403),
        ("origin: null\r\n", 403),
        ("sec-fetch-site: cross-site\r\n", 403),
    ] {
        assert_eq!(
            status(&server, server.address(), headers).await,
            expected,
            "{headers}"
        );
    }
}

#[tokio::test]
async fn a_link_from_elsewhere_opens_the_page() {
    let server = Server::start(&[]).await;
    let headers = "sec-fetch-site: cross-site\r\nsec-fetch-mode: navigate\r\n";
    let answer = get(server.address(), "GET", "/", headers).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn without_a_token_only_a_name_of_this_machine_is_answered() {
    let server = Server::start(&[]).await;
    for (host, expected) in [
        ("localhost", 200),
        ("127.0.0.1:80", 200),
        ("[::1]:50051", 200),
        ("evil.example", 403),
        ("localhost.evil.example:50051", 403),
    ] {
        assert_eq!(status(&server, host, "").await, expected, "{host}");
        let mut connection = connect(server.address()).await;
        let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n");
        connection.send(request.as_bytes()).await;
        let answer = connection.answer(false).await;
        assert_eq!(answer.status, expected, "{host}");
        if expected == 403 {
            assert!(answer.text().contains("as localhost"), "{answer:?}");
        }
    }
    let mut nameless = connect(server.address()).await;
    nameless.send(b"GET / HTTP/1.0\r\n\r\n").await;
    let rest = nameless.rest().await;
    assert!(rest.starts_with(b"HTTP/1.0 403 "), "{rest:?}");
}
