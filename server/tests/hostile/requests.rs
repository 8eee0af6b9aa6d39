//! Calls that are wrong as HTTP/2 requests or in their metadata.

use http::request::Builder;
use http::{Method, Request};
use prost::Message;
use tonic::Code;

use crate::case::{Case, End, case, check_all, check_all_with, command, with};
use crate::raw::{call, framed, message, request};
use crate::support::{Server, turns};

/// A megabyte of gzip that holds 166 MB of zeros: a literal, then matches of 258 bytes at distance 1, 13 bits each.
fn gzip_bomb() -> Vec<u8> {
    const MATCHES: usize = 640_000;
    let mut bits = vec![true, true, false]; // the last block, with fixed codes
    bits.extend([false, false, true, true, false, false, false, false]);
    for _ in 0..MATCHES {
        bits.extend([true, true, false, false, false, true, false, true]);
        bits.extend([false; 5]);
    }
    bits.extend([false; 7]);
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    for bits in bits.chunks(8) {
        let byte = bits
            .iter()
            .enumerate()
            .map(|(place, &bit)| u8::from(bit) << place);
        bytes.push(byte.sum());
    }
    // A bomb does not live to see its checksum.
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_encoding_is_understood_and_no_bomb_unpacked() {
    let refused = |text| End::Status(Code::Unimplemented, text);
    let bomb = framed(1, gzip_bomb().len() as u32, &gzip_bomb());
    check_all(vec![
        with(
            "unknown encoding",
            |path| request(path).header("grpc-encoding", "lzma"),
            refused("compressed with"),
        ),
        Case {
            name: "gzip bomb, 166 MB",
            request: |path| request(path).header("grpc-encoding", "gzip"),
            body: bomb.clone(),
            end: refused("compressed with"),
        },
        case(
            "gzip bomb, undeclared",
            bomb,
            End::Status(Code::InvalidArgument, "compressed-flag"),
        ),
        with(
            "encoding identity",
            |path| request(path).header("grpc-encoding", "identity"),
            End::Answered(1),
        ),
        with(
            "gzip accepted",
            |path| request(path).header("grpc-accept-encoding", "gzip"),
            End::Answered(1),
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_that_is_none_is_refused() {
    const BAD: End = End::Status(Code::InvalidArgument, "grpc-timeout");
    check_all(vec![
        with(
            "grpc-timeout: empty",
            |path| request(path).header("grpc-timeout", ""),
            BAD,
        ),
        with(
            "grpc-timeout: 1",
            |path| request(path).header("grpc-timeout", "1"),
            BAD,
        ),
        with(
            "grpc-timeout: S",
            |path| request(path).header("grpc-timeout", "S"),
            BAD,
        ),
        with(
            "grpc-timeout: -1S",
            |path| request(path).header("grpc-timeout", "-1S"),
            BAD,
        ),
        with(
            "grpc-timeout: +1S",
            |path| request(path).header("grpc-timeout", "+1S"),
            BAD,
        ),
        with(
            "grpc-timeout: 1.5S",
            |path| request(path).header("grpc-timeout", "1.5S"),
            BAD,
        ),
        with(
            "grpc-timeout: 1s",
            |path| request(path).header("grpc-timeout", "1s"),
            BAD,
        ),
        with(
            "grpc-timeout: 9 digits",
            |path| request(path).header("grpc-timeout", "123456789S"),
            BAD,
        ),
        with(
            "grpc-timeout: bytes",
            |path| request(path).header("grpc-timeout", &b"\xff\xfeS"[..]),
            BAD,
        ),
        with(
            "grpc-timeout: twice",
            |path| {
                request(path)
                    .header("grpc-timeout", "1H")
                    .header("grpc-timeout", "1n")
            },
            BAD,
        ),
        with(
            "grpc-timeout: 99999999H",
            |path| request(path).header("grpc-timeout", "99999999H"),
            End::Answered(1),
        ),
        with(
            "grpc-timeout: 0n",
            |path| request(path).header("grpc-timeout", "0n"),
            End::Status(Code::DeadlineExceeded, "deadline"),
        ),
    ])
    .await;
}

/// The caller does not end it, as most do at the deadline.
#[tokio::test]
async fn a_call_without_an_end_of_its_own_ends_at_its_deadline() {
    let server = Server::start(&[]).await;
    let request = request("/robot.v1.RobotService/WatchWorkers").header("grpc-timeout", "2S");
    let request = request.body(()).unwrap();
    let answer = call(server.address(), request, message(&[])).await;
    assert_eq!(answer.code, Some(Code::DeadlineExceeded), "{answer:?}");
    assert_eq!(answer.message, "the deadline has passed");
    assert!(!answer.messages.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_console_what_is_no_grpc_is_415() {
    const NONE: End = End::Http(415);
    fn plain(method: Method, path: &str) -> Builder {
        Request::builder()
            .method(method)
            .uri(format!("http://robots.example{path}"))
    }
    let cases = vec![
        with("GET /", |_path| plain(Method::GET, "/"), NONE),
        with(
            "GET of a call",
            |path| plain(Method::GET, path).header("content-type", "application/grpc"),
            NONE,
        ),
        with(
            "PUT",
            |path| plain(Method::PUT, path).header("content-type", "application/grpc"),
            NONE,
        ),
        with("OPTIONS", |path| plain(Method::OPTIONS, path), NONE),
        with("no content-type", |path| plain(Method::POST, path), NONE),
        with(
            "JSON",
            |path| plain(Method::POST, path).header("content-type", "application/json"),
            NONE,
        ),
        with(
            "grpc-web",
            |path| plain(Method::POST, path).header("content-type", "application/grpc-web+proto"),
            NONE,
        ),
        with(
            "application/grpcx",
            |path| plain(Method::POST, path).header("content-type", "application/grpcx"),
            NONE,
        ),
    ];
    check_all_with(&["--console=off"], cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_is_no_call_is_unimplemented() {
    const NONE: End = End::Status(Code::Unimplemented, "");
    let mut cases = vec![
        with("root", |_path| request("/"), NONE),
        with("slash behind", |path| request(&format!("{path}/")), NONE),
        with(
            "two slashes before",
            |path| request(&format!("/{path}")),
            NONE,
        ),
        with(
            "two slashes inside",
            |path| request(&path.replace("/Exec", "//Exec")),
            NONE,
        ),
        with(
            "dot dot",
            |path| request(&format!("/robot.v1.RobotService/..{path}")),
            NONE,
        ),
        with(
            "encoded dot dot",
            |path| request(&format!("/%2e%2e{path}")),
            NONE,
        ),
        with(
            "encoded letter",
            |path| request(&path.replace("/Exec", "/%45xec")),
            NONE,
        ),
        with("encoded NUL", |path| request(&format!("{path}%00")), NONE),
        with("other case", |path| request(&path.to_lowercase()), NONE),
        with(
            "pattern",
            |_path| request("/robot.v1.RobotService/{*rest}"),
            NONE,
        ),
        with("longer name", |path| request(&format!("{path}ed")), NONE),
        with(
            "8 KiB",
            |path| request(&format!("{path}/{}", "x".repeat(8 << 10))),
            NONE,
        ),
    ];
    // A query is not part of the name of a call.
    cases.push(with(
        "query",
        |path| request(&format!("{path}?x=/../")),
        End::Answered(1),
    ));
    check_all(cases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_calls_that_harm_nobody_are_answered() {
    let twice = turns(7, 1).encode_to_vec().repeat(2);
    check_all(vec![
        case("duplicate id", message(&twice), End::Answered(2)),
        // Nobody reads it, so nobody has to understand it.
        with(
            "bad -bin metadata",
            |path| request(path).header("x-trace-bin", "!!not base64!!"),
            End::Answered(1),
        ),
        with(
            "metadata that is no text",
            |path| request(path).header("x-name", &b"\x80\xff"[..]),
            End::Answered(1),
        ),
        with(
            "wrong content-length",
            |path| request(path).header("content-length", "1"),
            End::Reset(h2::Reason::PROTOCOL_ERROR),
        ),
        case(
            "unknown fields",
            command(&[0x12, 0x00, 0xfa, 0x01, 0x03, 1, 2, 3]),
            End::Answered(1),
        ),
    ])
    .await;
}
