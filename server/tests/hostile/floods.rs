//! Floods of frames that are cheap to send and dear to answer: the server says goodbye or stops reading, its memory is
//! bounded, and a healthy client beside the flood gets every answer.

use std::iter::once;

use bytes::Bytes;
use prost::Message;

use crate::beside::{beside, peak_rss_bytes};
use crate::frames::*;
use crate::raw::message;
use crate::support::{Server, turns};

/// A server that is idle has some 10 MiB.
const RSS_BYTES_MAX: u64 = 128 << 20;
const MANY: usize = 100_000;

/// Sends a flood with a healthy client beside it.
async fn attack(
    name: &str,
    times: usize,
    settings: &[(u16, u32)],
    frames: impl Iterator<Item = Bytes>,
) -> Seen {
    let server = Server::start(&[]).await;
    let flooded = flood(server.address(), settings, frames);
    let (seen, noticed) = beside(&server, flooded).await;
    noticed.report(&server, name, times, &format!("{seen}"));
    assert!(peak_rss_bytes(&server) < RSS_BYTES_MAX, "{name}");
    seen
}

fn assert_goodbye(seen: &Seen, code: u32, text: &str) {
    assert_eq!(seen.goaway, Some((code, text.to_owned())));
    assert!(!seen.open);
}

/// It has dealt with all of it, and the connection is as good as before.
fn assert_open(seen: &Seen) {
    assert_eq!(seen.goaway, None);
    assert!(seen.open);
}

/// Turns in one message, as a frame of a stream.
fn commands(stream: u32, count: u64) -> Bytes {
    let message = message(&turns(0, count).encode_to_vec());
    frame(DATA, 0, stream, &message)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rapid_resets_end_in_goaway() {
    let pairs = (0..MANY).flat_map(|index| {
        let stream = stream(index);
        [open(stream), rst_stream(stream, CANCEL)]
    });
    let seen = attack("rapid reset", MANY, &[], pairs).await;
    assert_goodbye(&seen, ENHANCE_YOUR_CALM, "too_many_resets");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_reset_once_they_run_leave_nothing_behind() {
    const CALLS: usize = 3000;
    let server = Server::start(&[]).await;
    let (seen, noticed) = beside(&server, async {
        let mut connection = Connection::open(server.address(), &[]).await;
        for index in 0..CALLS {
            let stream = stream(index);
            let call = [open(stream), commands(stream, 20)].concat();
            connection.send(&call).await;
            connection.read_until(|seen| seen.headers > index).await;
            connection.send(&rst_stream(stream, CANCEL)).await;
        }
        connection.finish().await
    })
    .await;
    noticed.report(
        &server,
        "resets of running calls",
        CALLS,
        &format!("{seen}"),
    );
    assert_open(&seen);
    assert!(peak_rss_bytes(&server) < RSS_BYTES_MAX);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn provoked_resets_end_in_goaway() {
    const TIMES: usize = 20_000;
    type Mistake = fn(u32) -> Bytes;
    let mistakes: [(&str, Mistake); 2] = [
        ("window overflow", |stream| {
            window_update(stream, 0x7fff_ffff)
        }),
        ("priority of itself", |stream| {
            let of_itself = [&stream.to_be_bytes()[..], &[0]].concat();
            frame(PRIORITY, 0, stream, &of_itself)
        }),
    ];
    for (name, mistake) in mistakes {
        let calls = (0..TIMES).flat_map(|index| [open(stream(index)), mistake(stream(index))]);
        let seen = attack(&format!("provoked resets: {name}"), TIMES, &[], calls).await;
        assert_goodbye(&seen, ENHANCE_YOUR_CALM, "too_many_internal_resets");
    }
    let refused = (0..TIMES).map(|index| open(stream(index)));
    let seen = attack("streams without end", TIMES, &[], refused).await;
    assert_goodbye(&seen, ENHANCE_YOUR_CALM, "too_many_internal_resets");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_headers_end_in_goaway() {
    let begun = || once(frame(HEADERS, 0, 1, &call_headers("/")));
    let large = header("x-more", &"x".repeat(100)).repeat(140);
    for (name, more) in [
        ("small", header("x-more", "of it")),
        ("empty", Bytes::new()),
        ("of 15 KiB", large.into()),
    ] {
        let more = (0..MANY).map(|_| frame(CONTINUATION, 0, 1, &more));
        let name = format!("CONTINUATION, {name}");
        let seen = attack(&name, MANY, &[], begun().chain(more)).await;
        assert_goodbye(&seen, ENHANCE_YOUR_CALM, "too_many_continuations");
    }
    // One entry of the dynamic table, and 16,000 references to it, a byte each: 64 MB of headers.
    let mut bomb = vec![0x40, 1, b'x', 0x7f, 0xa1, 0x1e];
    bomb.resize(bomb.len() + 4000, b'a');
    bomb.resize(16_000, 0x80 | 62);
    let bombs = (0..100).map(|index| frame(HEADERS, END_HEADERS, stream(index), &bomb));
    let seen = attack("HPACK bomb", 100, &[], bombs).await;
    assert_goodbye(&seen, ENHANCE_YOUR_CALM, "header_list_way_too_large");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_ask_for_little_are_answered_in_bounded_memory() {
    let own = [(INITIAL_WINDOW_SIZE, 65_535), (HEADER_TABLE_SIZE, 4096)];
    let seen = attack("SETTINGS", MANY, &[], (0..MANY).map(|_| settings(&own))).await;
    assert_open(&seen);
    assert_eq!(seen.settings_acks, MANY + 1);
    let seen = attack("PING", MANY, &[], (0..MANY).map(|_| ping(b"a flood."))).await;
    assert_open(&seen);
    assert_eq!(seen.ping_acks, MANY);
    let priorities = (0..MANY).map(|index| frame(PRIORITY, 0, stream(index), &[0, 0, 0, 0, 1]));
    assert_open(&attack("PRIORITY", MANY, &[], priorities).await);
    let unknown = (0..MANY).map(|_| frame(0xfa, 0, 1, &[0; 100]));
    assert_open(&attack("unknown frames", MANY, &[], unknown).await);
    let updates = (0..MANY).map(|_| window_update(0, 1));
    assert_open(&attack("window updates of 1", MANY, &[], updates).await);
    let empty = once(open(1)).chain((0..MANY).map(|_| frame(DATA, 0, 1, &[])));
    let seen = attack("DATA, empty", MANY, &[], empty).await;
    assert_goodbye(&seen, ENHANCE_YOUR_CALM, "too_many_data_frames");
    // Empty messages in frames of a byte: they are read as fast as they come, so they cost nothing.
    let bytes = once(open(1)).chain((0..MANY).map(|_| frame(DATA, 0, 1, &[0])));
    assert_open(&attack("DATA, a byte each", MANY, &[], bytes).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_and_does_not_read_is_not_read_either() {
    const TIMES: usize = 3_000_000;
    let own = settings(&[(INITIAL_WINDOW_SIZE, 65_535)]);
    for (name, asking) in [("PING", ping(b"a flood.")), ("SETTINGS", own)] {
        let server = Server::start(&[]).await;
        let frames = (0..TIMES).map(|_| asking.clone());
        let flooded = flood_without_reading(server.address(), frames);
        let ((_connection, stalled), noticed) = beside(&server, flooded).await;
        let name = format!("{name}, answers unread");
        noticed.report(&server, &name, TIMES, "the server stops reading");
        assert!(stalled, "{name}");
        assert!(peak_rss_bytes(&server) < RSS_BYTES_MAX, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn games_with_windows_cost_bounded_memory() {
    const STREAMS: usize = 200;
    let calls =
        || (0..STREAMS).flat_map(|index| [open(stream(index)), commands(stream(index), 100)]);
    let no_window = [(INITIAL_WINDOW_SIZE, 0)];

    let seen = attack("window of 0 on 200 streams", STREAMS, &no_window, calls()).await;
    assert_open(&seen);
    assert_eq!(seen.data_bytes, 0);

    const BYTES: usize = 20_000;
    let one = [open(1), commands(1, 1000)].into_iter();
    let updates = (0..BYTES).map(|_| window_update(1, 1));
    let seen = attack("windows of 1", BYTES, &no_window, one.chain(updates)).await;
    assert_open(&seen);
    assert!(seen.data_bytes <= BYTES, "{seen:?}");

    let toggled = (0..10_000).map(|index| {
        let window = if index % 2 == 0 { 0x7fff_ffff } else { 0 };
        settings(&[(INITIAL_WINDOW_SIZE, window)])
    });
    let seen = attack(
        "windows that come and go",
        10_000,
        &no_window,
        calls().chain(toggled),
    )
    .await;
    assert_open(&seen);
    assert_eq!(seen.settings_acks, 10_001);

    let too_large = [window_update(0, 0x7fff_ffff), window_update(0, 0x7fff_ffff)];
    let seen = attack("connection window overflow", 1, &[], too_large.into_iter()).await;
    assert_goodbye(&seen, FLOW_CONTROL_ERROR, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_frame_that_breaks_the_protocol_ends_its_connection() {
    let server = Server::start(&[]).await;
    let zero = window_update(0, 0);
    let spoiled = |headers: &[u8]| frame(HEADERS, END_HEADERS, 1, headers);
    let cases: [(&str, Vec<Bytes>, u32); 21] = [
        (
            "SETTINGS acknowledged twice",
            vec![frame(SETTINGS, ACK, 0, &[]); 2],
            PROTOCOL_ERROR,
        ),
        (
            "SETTINGS of a stream",
            vec![frame(SETTINGS, 0, 1, &[])],
            PROTOCOL_ERROR,
        ),
        (
            "SETTINGS of 5 bytes",
            vec![frame(SETTINGS, 0, 0, &[0; 5])],
            PROTOCOL_ERROR,
        ),
        (
            "window of 2 GiB",
            vec![settings(&[(INITIAL_WINDOW_SIZE, 1 << 31)])],
            PROTOCOL_ERROR,
        ),
        (
            "frames of 16 bytes",
            vec![settings(&[(MAX_FRAME_SIZE, 16)])],
            PROTOCOL_ERROR,
        ),
        (
            "PING of 7 bytes",
            vec![frame(PING, 0, 0, &[0; 7])],
            PROTOCOL_ERROR,
        ),
        (
            "PING of a stream",
            vec![frame(PING, 0, 1, &[0; 8])],
            PROTOCOL_ERROR,
        ),
        (
            "frame of 16,385 bytes",
            vec![frame(DATA, 0, 1, &[0; 16_385])],
            FRAME_SIZE_ERROR,
        ),
        (
            "DATA of no stream",
            vec![frame(DATA, 0, 0, &[0])],
            PROTOCOL_ERROR,
        ),
        (
            "DATA of an idle stream",
            vec![frame(DATA, 0, 1, &[0])],
            PROTOCOL_ERROR,
        ),
        ("HEADERS of an even stream", vec![open(2)], PROTOCOL_ERROR),
        (
            "HEADERS of an older stream",
            vec![open(3), open(1)],
            PROTOCOL_ERROR,
        ),
        (
            "CONTINUATION of nothing",
            vec![frame(CONTINUATION, END_HEADERS, 1, &[])],
            PROTOCOL_ERROR,
        ),
        (
            "DATA within HEADERS",
            vec![frame(HEADERS, 0, 1, &[]), frame(DATA, 0, 1, &[])],
            PROTOCOL_ERROR,
        ),
        (
            "PUSH_PROMISE",
            vec![frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2])],
            PROTOCOL_ERROR,
        ),
        (
            "RST_STREAM of an idle stream",
            vec![rst_stream(1, CANCEL)],
            PROTOCOL_ERROR,
        ),
        (
            "a name in upper case",
            vec![spoiled(&header("UPPER", "case"))],
            PROTOCOL_ERROR,
        ),
        (
            "an integer without end",
            vec![spoiled(b"\xff\xff\xff\xff\x7f")],
            PROTOCOL_ERROR,
        ),
        (
            "an index of nothing",
            vec![spoiled(b"\xbf\xff\xff\xff\xff\x0f")],
            PROTOCOL_ERROR,
        ),
        (
            "a text without end",
            vec![spoiled(b"\x00\x7f\xff")],
            PROTOCOL_ERROR,
        ),
        ("increment of 0", vec![zero], PROTOCOL_ERROR),
    ];
    for (name, frames, code) in cases {
        let attack = flood(server.address(), &[], frames.into_iter());
        let (seen, noticed) = beside(&server, attack).await;
        noticed.report(&server, name, 1, &format!("{seen}"));
        assert_eq!(seen.goaway, Some((code, String::new())), "{name}");
    }
}
