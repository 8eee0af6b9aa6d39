//! A hostile call and the exact end that it must have.

use bytes::{BufMut, Bytes, BytesMut};
use http::Request;
use http::request::Builder;
use prost::Message;
use robot_api::batch;
use tonic::Code;

use crate::beside::{beside, peak_rss_bytes};
use crate::raw::{call, message, request};
use crate::support::{Server, turns};

pub(crate) const EXECUTE: &str = "/robot.v1.RobotService/Execute";
pub(crate) const EXECUTE_STREAM: &str = "/robot.v1.RobotService/ExecuteStream";
/// Each input is sent so often on each call, on connections of their own.
const TIMES: usize = 10;
/// A server that is idle has some 10 MiB; none of these inputs may cost much more.
pub(crate) const RSS_BYTES_MAX: u64 = 128 << 20;

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum End {
    /// With this many results, and OK.
    Answered(usize),
    /// With this status, whose message holds this text.
    Status(Code, &'static str),
    /// As HTTP, without a gRPC status.
    Http(u16),
    /// The stream is reset.
    Reset(h2::Reason),
}

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) request: fn(&str) -> Builder,
    pub(crate) body: Bytes,
    pub(crate) end: End,
}

pub(crate) fn case(name: &'static str, body: impl Into<Bytes>, end: End) -> Case {
    Case {
        name,
        request,
        body: body.into(),
        end,
    }
}

/// The call is well formed up to its headers.
pub(crate) fn with(name: &'static str, request: fn(&str) -> Builder, end: End) -> Case {
    let body = good(1);
    Case {
        name,
        request,
        body,
        end,
    }
}

pub(crate) fn good(commands: u64) -> Bytes {
    message(&turns(0, commands).encode_to_vec())
}

/// A message with one command of these bytes.
pub(crate) fn command(bytes: &[u8]) -> Bytes {
    let mut request = BytesMut::from(&[0x0a][..]);
    prost::encoding::encode_varint(bytes.len() as u64, &mut request);
    request.put_slice(bytes);
    message(&request)
}

pub(crate) async fn check(server: &Server, path: &str, case: &Case) {
    let Case {
        name,
        request,
        body,
        end,
    } = case;
    let request: Request<()> = request(path).body(()).unwrap();
    let answer = call(server.address(), request, body.clone()).await;
    let found = match (*end, answer.code) {
        (End::Status(_, text), Some(code)) if answer.http == 200 => {
            // Percent-encoded, so there is nothing in it that a terminal obeys.
            assert!(
                answer
                    .message
                    .bytes()
                    .all(|byte| (0x20..0x7f).contains(&byte))
            );
            let message = answer.message.replace("%20", " ").replace("%60", "`");
            assert!(message.contains(text), "{path} {name}: {message:?}");
            End::Status(code, text)
        }
        (_, Some(Code::Ok)) => {
            let results = answer
                .messages
                .iter()
                .map(|message| batch::count(message).unwrap());
            End::Answered(results.sum())
        }
        (_, Some(code)) => panic!("{path} {name}: {code:?} {}", answer.message),
        (End::Reset(_), None) => End::Reset(answer.reset.expect(name)),
        (_, None) => End::Http(answer.http),
    };
    assert_eq!(found, *end, "{path} {name}");
    if matches!(end, End::Status(Code::Unimplemented, text) if text.contains("compressed")) {
        assert_eq!(answer.headers["grpc-accept-encoding"], "identity", "{name}");
    }
}

/// All of them, on both calls that take commands, with a healthy client beside each kind.
pub(crate) async fn check_all(cases: Vec<Case>) {
    check_all_with(&[], cases).await;
}

/// The same where the server has these flags.
pub(crate) async fn check_all_with(flags: &[&str], cases: Vec<Case>) {
    let server = Server::start(flags).await;
    for case in cases {
        let attack = async {
            for path in [EXECUTE, EXECUTE_STREAM] {
                for _ in 0..TIMES {
                    check(&server, path, &case).await;
                }
            }
        };
        let ((), noticed) = beside(&server, attack).await;
        let outcome = format!("{:?}", case.end);
        noticed.report(&server, case.name, 2 * TIMES, &outcome);
    }
    assert!(peak_rss_bytes(&server) < RSS_BYTES_MAX);
}
