use super::*;

fn request(method: Method, uri: &str, headers: &[(&'static str, &str)]) -> Request<()> {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

fn status(this_machine_only: bool, request: &Request<()>) -> Option<u16> {
    let reception = Reception {
        this_machine_only,
        call_bytes_max: 0,
    };
    match reception.receive(request) {
        Received::Call => None,
        Received::Answered(response) => Some(response.status().as_u16()),
    }
}

#[test]
fn only_names_of_this_machine_get_the_page_where_there_is_no_token() {
    for (host, own) in [
        ("localhost", true),
        ("LocalHost:50051", true),
        ("127.0.0.1:1", true),
        ("127.0.0.2", true),
        ("[::1]", true),
        ("[::1]:50051", true),
        ("localhost.evil.example", false),
        ("evil.example:50051", false),
        ("127.0.0.1.evil.example", false),
        ("192.168.0.1", false),
        ("localhost@evil.example", false),
        ("evil.example@localhost", false),
        ("", false),
        ("local host", false),
    ] {
        let request = request(Method::GET, "/", &[("host", host)]);
        assert_eq!(status(true, &request) == Some(200), own, "{host}");
        assert_eq!(status(false, &request), Some(200), "{host}, with a token");
    }
    let twice = request(
        Method::GET,
        "/",
        &[("host", "localhost"), ("host", "evil.example")],
    );
    assert_eq!(status(true, &twice), Some(403));
    assert_eq!(status(true, &request(Method::GET, "/", &[])), Some(403));
    let of_http_2 = request(
        Method::GET,
        "http://evil.example/",
        &[("host", "localhost")],
    );
    assert_eq!(status(true, &of_http_2), Some(403));
}

#[test]
fn only_calls_of_this_server_s_own_page_are_calls() {
    const CALL: (&str, &str) = ("content-type", "application/grpc-web+proto");
    const HOST: (&str, &str) = ("host", "localhost:50051");
    for (headers, own) in [
        (&[CALL, HOST][..], true),
        (&[CALL, HOST, ("origin", "http://localhost:50051")], true),
        (&[CALL, HOST, ("origin", "https://LOCALHOST:50051")], true),
        (&[CALL, HOST, ("sec-fetch-site", "same-origin")], true),
        (&[CALL, HOST, ("sec-fetch-site", "none")], true),
        (&[CALL, HOST, ("sec-fetch-site", "cross-site")], false),
        (&[CALL, HOST, ("origin", "http://localhost:50052")], false),
        (&[CALL, HOST, ("origin", "http://127.0.0.1:50051")], false),
        (&[CALL, HOST, ("origin", "http://evil.example")], false),
        (&[CALL, HOST, ("origin", "null")], false),
        (&[CALL, HOST, ("origin", "")], false),
        (
            &[
                CALL,
                HOST,
                ("origin", "http://localhost:50051"),
                ("origin", "http://evil.example"),
            ],
            false,
        ),
        (&[CALL, ("origin", "http://localhost:50051")], false),
    ] {
        let request = request(Method::POST, "/robot.v1.RobotService/Execute", headers);
        let expected = if own { None } else { Some(403) };
        assert_eq!(status(false, &request), expected, "{headers:?}");
    }
}

#[test]
fn what_is_neither_a_call_nor_the_page_has_its_status() {
    for (method, path, content_type, expected) in [
        (Method::POST, "/", "application/grpc", 415),
        (Method::POST, "/", "application/grpc-web+json", 415),
        (Method::POST, "/", "application/grpc-webx", 415),
        (Method::POST, "/", "text/plain", 415),
        (Method::GET, "/nothing", "text/plain", 404),
        (Method::GET, "/../Cargo.toml", "text/plain", 404),
        (Method::HEAD, "/nothing", "text/plain", 404),
        (Method::PUT, "/", "text/plain", 405),
        (Method::OPTIONS, "/", "text/plain", 405),
        (Method::DELETE, "/", "application/grpc-web", 405),
    ] {
        let request = request(method.clone(), path, &[("content-type", content_type)]);
        assert_eq!(status(false, &request), Some(expected), "{method} {path}");
    }
}
