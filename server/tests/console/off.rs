//! Without a console the server speaks gRPC over HTTP/2, and nothing else.

use http::Request;

use crate::http1::connect;
use crate::http2;
use crate::support::Server;
use crate::web::EXECUTE;

#[tokio::test]
async fn without_a_console_http_1_is_refused_as_what_it_is_no_http_2() {
    let mut server = Server::start(&["--console=off"]).await;
    for request in [
        &b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"[..],
        b"POST /robot.v1.RobotService/Execute HTTP/1.1\r\nhost: localhost\r\n\
          content-type: application/grpc-web+proto\r\ncontent-length: 5\r\n\r\n\0\0\0\0\0",
    ] {
        let mut connection = connect(server.address()).await;
        connection.send(request).await;
        let rest = connection.rest().await;
        assert!(!rest.starts_with(b"HTTP"), "{rest:?}");
    }
    for content_type in ["text/plain", "application/grpc-web+proto"] {
        let request = Request::post(format!("http://{}{EXECUTE}", server.address()))
            .header("content-type", content_type);
        let answer = http2::send(server.address(), request.body(()).unwrap(), vec![]).await;
        assert_eq!((answer.status, answer.body.len()), (415, 0));
        assert!(!answer.headers.contains_key("content-security-policy"));
    }
    server.signal("TERM").await;
    server.log_line("ended").await;
}
