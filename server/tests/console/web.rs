//! What is in the body of a call of gRPC-Web.

use prost::Message;
use tonic::Code;

pub(crate) const EXECUTE: &str = "/robot.v1.RobotService/Execute";
pub(crate) const EXECUTE_STREAM: &str = "/robot.v1.RobotService/ExecuteStream";
pub(crate) const GET_SERVER_INFO: &str = "/robot.v1.RobotService/GetServerInfo";
pub(crate) const WATCH_WORKERS: &str = "/robot.v1.RobotService/WatchWorkers";
pub(crate) const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";
pub(crate) const TRAILERS: u8 = 0x80;

/// The body of a request.
pub(crate) fn framed(message: &impl Message) -> Vec<u8> {
    let message = message.encode_to_vec();
    let length = (message.len() as u32).to_be_bytes();
    [&[0], &length[..], &message].concat()
}

/// The parts of a body: what each is marked as, and what it holds.
pub(crate) fn parts(mut body: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut parts = Vec::new();
    while let Some((head, rest)) = body.split_first_chunk::<5>() {
        let length = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize;
        parts.push((head[0], rest[..length].to_vec()));
        body = &rest[length..];
    }
    assert!(body.is_empty(), "{body:?} is no part");
    parts
}

/// The messages of a body, and the status that stands behind them.
pub(crate) fn messages<M: Message + Default>(body: &[u8]) -> (Vec<M>, Code, String) {
    let mut messages = parts(body);
    let (mark, trailers) = messages.pop().expect("there is a status");
    assert_eq!(mark, TRAILERS);
    let decoded = messages.iter().map(|(mark, message)| {
        assert_eq!(*mark, 0, "nothing is compressed");
        M::decode(&message[..]).unwrap()
    });
    let (code, message) = status(std::str::from_utf8(&trailers).unwrap());
    (decoded.collect(), code, message)
}

/// The status in some lines of headers.
pub(crate) fn status(lines: &str) -> (Code, String) {
    let value = |name: &str| {
        let mut lines = lines.lines().filter_map(|line| line.split_once(':'));
        lines.find_map(|(found, value)| (found == name).then(|| value.trim().to_owned()))
    };
    let code = value("grpc-status").expect("there is a status");
    let message = value("grpc-message").unwrap_or_default();
    (
        Code::from_bytes(code.as_bytes()),
        message.replace("%20", " "),
    )
}
