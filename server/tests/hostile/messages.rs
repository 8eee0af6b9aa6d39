//! Calls that are wrong as gRPC framing or as protobuf, or too large.

use prost::Message;
use robot_api::v1;
use tonic::Code;

use crate::beside::{beside, peak_rss_bytes};
use crate::case::{
    EXECUTE, EXECUTE_STREAM, End, RSS_BYTES_MAX, case, check, check_all, command, good, with,
};
use crate::raw::{call, framed, message, request};
use crate::support::Server;

/// Groups of an unknown field in each other, the innermost empty.
fn groups(depth: usize) -> Vec<u8> {
    let mut bytes = vec![0x7b; depth];
    bytes.resize(2 * depth, 0x7c);
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_protobuf_is_invalid_argument() {
    let broken = |text| End::Status(Code::InvalidArgument, text);
    let mut endless = vec![0x08];
    endless.extend([0xff; 10]);
    endless.push(0x01);
    check_all(vec![
        case(
            "bad varint",
            command(&endless),
            broken("a varint is longer than ten bytes"),
        ),
        case(
            "id as a string",
            command(&[0x0a, 0x00]),
            broken("an invalid wire type"),
        ),
        case(
            "wire type 7",
            command(&[0x0f, 0x00]),
            broken("an invalid wire type"),
        ),
        case(
            "field 0",
            command(&[0x00, 0x00]),
            broken("an invalid number"),
        ),
        case(
            "commands as a varint",
            message(&[0x08, 0x01]),
            broken("an invalid wire type"),
        ),
        case(
            "length past the end",
            message(&[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
            broken("in the middle of a field"),
        ),
        case(
            "script that is no UTF-8",
            command(&[0x12, 0x00, 0x22, 0x02, 0xc3, 0x28]),
            broken("UTF-8"),
        ),
        case("depth 100 outside", message(&groups(100)), End::Answered(0)),
        case(
            "depth 101 outside",
            message(&groups(101)),
            broken("groups are nested too deep"),
        ),
        case(
            "depth 99 in a command",
            command(&groups(99)),
            End::Answered(1),
        ),
        case(
            "depth 101 in a command",
            command(&groups(101)),
            broken("groups are nested too deep"),
        ),
        case(
            "depth 100,000",
            message(&groups(100_000)),
            broken("groups are nested too deep"),
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_framing_is_invalid_argument() {
    let broken = |text| End::Status(Code::InvalidArgument, text);
    check_all(vec![
        case(
            "compressed flag without encoding",
            framed(1, 2, &[0x0a, 0x00]),
            broken("compressed-flag"),
        ),
        case(
            "flag 0x7f",
            framed(0x7f, 2, &[0x0a, 0x00]),
            broken("invalid compression flag"),
        ),
        case(
            "length 0xffffffff",
            framed(0, u32::MAX, &[0x0a, 0x00]),
            End::Status(Code::ResourceExhausted, "4294967295 bytes"),
        ),
        case("truncated prefix", &[0, 0, 0][..], broken("EOF")),
        case("truncated message", framed(0, 10, &[0x0a]), broken("EOF")),
        case("prefix and nothing", framed(0, 10, &[]), broken("message")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_much_is_resource_exhausted() {
    let over = |text| End::Status(Code::ResourceExhausted, text);
    check_all(vec![
        case(
            "message of 1 MiB + 1",
            message(&vec![0; (1 << 20) + 1]),
            over("found 1048577 bytes"),
        ),
        case(
            "a million empty commands",
            message(&[0x0a, 0x00].repeat(1_000_000)),
            over("found 2000000 bytes"),
        ),
        case(
            "524,288 empty commands, 1 MiB",
            message(&[0x0a, 0x00].repeat(1 << 19)),
            over("holds 524288 commands; at most 4096 are allowed"),
        ),
        case(
            "4,096 empty commands",
            message(&[0x0a, 0x00].repeat(4096)),
            End::Answered(4096),
        ),
        with(
            "header of 20 KiB",
            |path| request(path).header("x-large", "x".repeat(20 << 10)),
            End::Http(431),
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_commands_in_one_message_are_answered_where_the_limits_allow_them() {
    const COMMANDS: usize = 1_000_000;
    let server = Server::start(&[
        "--commands-per-message-max=1048576",
        "--message-bytes-max=4194304",
    ])
    .await;
    let empty = case(
        "a million allowed",
        message(&[0x0a, 0x00].repeat(COMMANDS)),
        End::Answered(COMMANDS),
    );
    let attack = check(&server, EXECUTE_STREAM, &empty);
    let ((), noticed) = beside(&server, attack).await;
    noticed.report(
        &server,
        "a million empty commands, allowed",
        1,
        "Answered(1000000)",
    );
    // Its results would take 100 MB: they are made as they are read.
    assert!(peak_rss_bytes(&server) < RSS_BYTES_MAX);
    let whole = call(
        server.address(),
        request(EXECUTE).body(()).unwrap(),
        empty.body,
    )
    .await;
    assert_eq!(
        whole.code,
        Some(Code::ResourceExhausted),
        "it does not fit into one answer"
    );
    assert!(peak_rss_bytes(&server) < RSS_BYTES_MAX);
}

#[tokio::test]
async fn what_came_before_a_broken_message_is_answered() {
    let server = Server::start(&[]).await;
    for broken in [&framed(0x7f, 0, &[])[..], &message(&[0x08, 0x01]), &[0, 0]] {
        let body = [&good(5)[..], &good(2), broken].concat();
        let request = request(EXECUTE_STREAM).body(()).unwrap();
        let answer = call(server.address(), request, body.into()).await;
        assert_eq!(answer.code, Some(Code::InvalidArgument), "{broken:?}");
        let responses = answer.messages.iter();
        let answered: usize = responses
            .map(|message| {
                v1::ExecuteStreamResponse::decode(&message[..])
                    .unwrap()
                    .results
                    .len()
            })
            .sum();
        assert_eq!(answered, 7, "{broken:?}");
    }
}
