//! The page: each file as it was built, with the headers that hold it in its place.

use std::path::{Path, PathBuf};

use http::Request;

use crate::http1::{Answer, connect, get};
use crate::http2;
use crate::support::Server;

const DIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/dist");
/// Those that matter most, as they stand in the answer to everything that a browser could show.
const HEADERS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

fn check_headers(answer: &Answer) {
    for (name, value) in HEADERS {
        assert_eq!(answer.header(name), Some(value), "{answer:?}");
    }
    for cors in [
        "access-control-allow-origin",
        "access-control-allow-headers",
        "access-control-expose-headers",
    ] {
        assert_eq!(answer.header(cors), None, "no other page may read this");
    }
}

/// Each file that was built, as a path of the server.
fn files(directory: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let name = path.strip_prefix(DIST).unwrap().to_str().unwrap();
            found.push((format!("/{name}"), path));
        }
    }
    found
}

#[tokio::test]
async fn every_file_that_was_built_is_served_as_it_is() {
    let server = Server::start(&[]).await;
    let mut all = files(Path::new(DIST));
    assert!(all.iter().any(|(path, _file)| path == "/index.html"));
    all.push(("/".to_owned(), Path::new(DIST).join("index.html")));
    for (path, file) in all {
        let built = std::fs::read(file).unwrap();
        let answer = get(server.address(), "GET", &path, "").await;
        assert_eq!((answer.status, &answer.body), (200, &built), "{path}");
        check_headers(&answer);
        let content_type = answer.header("content-type").unwrap();
        assert_ne!(content_type, "application/octet-stream", "{path}");
        let kept = answer.header("cache-control").unwrap();
        match path.starts_with("/assets/") {
            true => assert_eq!(kept, "public, max-age=31536000, immutable", "{path}"),
            false => assert_eq!(kept, "no-cache", "{path}"),
        }

        let head = get(server.address(), "HEAD", &path, "").await;
        for name in ["content-type", "content-length", "etag", "cache-control"] {
            assert_eq!(head.header(name), answer.header(name), "{path} {name}");
        }
        check_headers(&head);

        let request = Request::get(format!("http://{}{path}", server.address()));
        let over_2 = http2::send(server.address(), request.body(()).unwrap(), vec![]).await;
        assert_eq!((over_2.status, over_2.body), (200, built), "{path}");
        assert_eq!(over_2.headers["content-security-policy"], HEADERS[0].1);
        let request = Request::head(format!("http://{}{path}", server.address()));
        let over_2 = http2::send(server.address(), request.body(()).unwrap(), vec![]).await;
        let length = over_2.headers["content-length"].to_str().unwrap();
        assert_eq!(Some(length), answer.header("content-length"), "{path}");
        assert_eq!((over_2.status, over_2.body.len()), (200, 0), "{path}");
    }
}

#[tokio::test]
async fn a_file_that_the_browser_has_is_not_sent_again() {
    let server = Server::start(&[]).await;
    let mut connection = connect(server.address()).await;
    let get = |headers: &str| format!("GET / HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
    connection.send(get("").as_bytes()).await;
    let first = connection.answer(false).await;
    let tag = first.header("etag").unwrap();
    for (known, status) in [
        (tag.to_owned(), 304),
        (format!("\"other\", W/{tag}"), 304),
        ("*".to_owned(), 304),
        ("\"other\"".to_owned(), 200),
    ] {
        let request = get(&format!("if-none-match: {known}\r\n"));
        connection.send(request.as_bytes()).await;
        let again = connection.answer(false).await;
        assert_eq!(again.status, status, "{known}");
        assert_eq!(again.header("etag"), Some(tag));
        assert_eq!(again.body.is_empty(), status == 304);
        check_headers(&again);
    }
}

#[tokio::test]
async fn what_is_not_there_says_so_in_a_line() {
    let server = Server::start(&[]).await;
    for (method, path, status, text) in [
        ("GET", "/nothing", 404, "the page is at /"),
        ("GET", "/assets/", 404, "the page is at /"),
        ("GET", "/assets/../index.html", 404, "the page is at /"),
        ("GET", "/%69ndex.html", 404, "the page is at /"),
        (
            "GET",
            "/robot.v1.RobotService/Execute",
            404,
            "the page is at /",
        ),
        ("POST", "/", 415, "application/grpc-web+proto"),
        ("PUT", "/", 405, "GET and HEAD"),
        (
            "OPTIONS",
            "/robot.v1.RobotService/Execute",
            405,
            "GET and HEAD",
        ),
        ("TRACE", "/", 405, "GET and HEAD"),
    ] {
        let answer = get(server.address(), method, path, "content-length: 0\r\n").await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(answer.text().contains(text), "{method} {path}: {answer:?}");
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
        check_headers(&answer);
        if status == 405 {
            assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"));
        }
    }
}
