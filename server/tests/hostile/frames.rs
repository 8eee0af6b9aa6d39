//! HTTP/2 frames by hand, for clients that no library would let misbehave; RFC 9113 says what they are.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const ACK: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;

pub(crate) const HEADER_TABLE_SIZE: u16 = 1;
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;
pub(crate) const MAX_FRAME_SIZE: u16 = 5;

pub(crate) const PROTOCOL_ERROR: u32 = 0x1;
pub(crate) const FLOW_CONTROL_ERROR: u32 = 0x3;
pub(crate) const FRAME_SIZE_ERROR: u32 = 0x6;
pub(crate) const CANCEL: u32 = 0x8;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 0xb;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEAD_BYTES: usize = 9;
/// The ping behind all other frames: once it is answered, all of them have been dealt with.
const LAST_PING: [u8; 8] = *b"the last";
/// Longer than any flood here takes on a slow machine.
const FLOOD_MAX: Duration = Duration::from_secs(120);
/// A peer that has not taken a byte for so long does not read.
const STALL: Duration = Duration::from_secs(2);

/// What a server sent back.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Seen {
    /// Code and text.
    pub(crate) goaway: Option<(u32, String)>,
    /// How many streams were reset with which code.
    pub(crate) resets: BTreeMap<u32, usize>,
    pub(crate) headers: usize,
    pub(crate) settings_acks: usize,
    pub(crate) ping_acks: usize,
    pub(crate) data_frames: usize,
    pub(crate) data_bytes: usize,
    pub(crate) window_updates: usize,
    /// Everything was dealt with, and the connection is open.
    pub(crate) open: bool,
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(HEAD_BYTES + payload.len());
    frame.put_uint(payload.len() as u64, 3);
    frame.put_u8(kind);
    frame.put_u8(flags);
    frame.put_u32(stream);
    frame.put_slice(payload);
    frame.freeze()
}

/// The stream that the client opens as its `index`-th.
pub(crate) fn stream(index: usize) -> u32 {
    2 * index as u32 + 1
}

pub(crate) fn settings(settings: &[(u16, u32)]) -> Bytes {
    let mut payload = BytesMut::new();
    for &(name, value) in settings {
        payload.put_u16(name);
        payload.put_u32(value);
    }
    frame(SETTINGS, 0, 0, &payload)
}

pub(crate) fn window_update(stream: u32, increment: u32) -> Bytes {
    frame(WINDOW_UPDATE, 0, stream, &increment.to_be_bytes())
}

pub(crate) fn rst_stream(stream: u32, code: u32) -> Bytes {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

pub(crate) fn ping(payload: &[u8; 8]) -> Bytes {
    frame(PING, 0, 0, payload)
}

/// A header as HPACK writes it without its tables: a literal that is never indexed.
pub(crate) fn header(name: &str, value: &str) -> Bytes {
    let mut literal = BytesMut::from(&[0x10][..]);
    for text in [name, value] {
        let short = u8::try_from(text.len()).ok().filter(|&length| length < 127);
        literal.put_u8(short.expect("a length of one byte"));
        literal.put_slice(text.as_bytes());
    }
    literal.freeze()
}

/// The headers of a call as it should be.
pub(crate) fn call_headers(path: &str) -> Bytes {
    [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "robots.example"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ]
    .map(|(name, value)| header(name, value))
    .concat()
    .into()
}

/// Opens a stream for commands.
pub(crate) fn open(stream: u32) -> Bytes {
    let headers = call_headers("/robot.v1.RobotService/ExecuteStream");
    frame(HEADERS, END_HEADERS, stream, &headers)
}

/// A connection whose greeting has been sent.
pub(crate) struct Connection {
    reader: OwnedReadHalf,
    writer: OwnedWriteHalf,
    bytes: BytesMut,
    seen: Seen,
}

impl Connection {
    pub(crate) async fn open(address: &str, own_settings: &[(u16, u32)]) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (reader, mut writer) = stream.into_split();
        let acknowledged = frame(SETTINGS, ACK, 0, &[]);
        let greeting = [PREFACE, &settings(own_settings), &acknowledged].concat();
        writer.write_all(&greeting).await.unwrap();
        let mut connection = Self {
            reader,
            writer,
            bytes: BytesMut::new(),
            seen: Seen::default(),
        };
        // Before that the window has 64 KiB, and what does not fit is a mistake of its own.
        connection.read_until(|seen| seen.window_updates > 0).await;
        connection
    }

    pub(crate) async fn send(&mut self, frames: &[u8]) {
        self.writer.write_all(frames).await.unwrap();
    }

    /// Reads until enough was seen, or the connection is closed.
    pub(crate) async fn read_until(&mut self, enough: impl Fn(&Seen) -> bool) {
        let reading = read(&mut self.reader, &mut self.bytes, &mut self.seen, enough);
        timeout(FLOOD_MAX, reading).await.expect("it is answered");
    }

    /// Waits until all has been dealt with.
    pub(crate) async fn finish(mut self) -> Seen {
        self.send(&ping(&LAST_PING)).await;
        self.read_until(|seen| seen.open).await;
        self.seen
    }
}

/// Sends all these frames while it reads what comes back, to the end of the connection or of the frames.
pub(crate) async fn flood(
    address: &str,
    own_settings: &[(u16, u32)],
    frames: impl Iterator<Item = Bytes>,
) -> Seen {
    let Connection {
        mut reader,
        mut writer,
        mut bytes,
        mut seen,
    } = Connection::open(address, own_settings).await;
    let writing = async {
        // A server that has said goodbye need not read on.
        let _closed = write(&mut writer, frames.chain([ping(&LAST_PING)])).await;
        std::future::pending::<()>().await;
    };
    let both = async {
        tokio::select! {
            () = read(&mut reader, &mut bytes, &mut seen, |seen| seen.open) => {}
            () = writing => unreachable!("it is pending"),
        }
    };
    timeout(FLOOD_MAX, both).await.expect("a flood has an end");
    seen
}

/// Sends these frames and reads nothing, until the server does not read either; true if it came to that.
pub(crate) async fn flood_without_reading(
    address: &str,
    frames: impl Iterator<Item = Bytes>,
) -> (Connection, bool) {
    let mut connection = Connection::open(address, &[]).await;
    let written = async {
        let mut chunks = frames;
        loop {
            let chunk: Vec<_> = chunks.by_ref().take(1000).collect();
            if chunk.is_empty() {
                return false;
            }
            let chunk = chunk.concat();
            if timeout(STALL, connection.send(&chunk)).await.is_err() {
                return true;
            }
        }
    };
    let stalled = timeout(FLOOD_MAX, written)
        .await
        .expect("a flood has an end");
    (connection, stalled)
}

/// Joins frames into large writes, so that many arrive at once.
async fn write(
    writer: &mut OwnedWriteHalf,
    frames: impl Iterator<Item = Bytes>,
) -> std::io::Result<()> {
    let mut chunk = BytesMut::new();
    for frame in frames {
        chunk.put(frame);
        if chunk.len() >= 16 * 1024 {
            writer.write_all_buf(&mut chunk).await?;
        }
    }
    writer.write_all_buf(&mut chunk).await
}

async fn read(
    reader: &mut OwnedReadHalf,
    bytes: &mut BytesMut,
    seen: &mut Seen,
    enough: impl Fn(&Seen) -> bool,
) {
    loop {
        while let Some(frame) = next_frame(bytes) {
            seen.note(frame);
        }
        if enough(seen) {
            return;
        }
        match reader.read_buf(bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_more) => {}
        }
    }
}

struct Frame {
    kind: u8,
    flags: u8,
    payload: Bytes,
}

fn next_frame(bytes: &mut BytesMut) -> Option<Frame> {
    let mut head = bytes.get(..HEAD_BYTES)?;
    let length = head.get_uint(3) as usize;
    let (kind, flags) = (head.get_u8(), head.get_u8());
    if bytes.len() < HEAD_BYTES + length {
        return None;
    }
    let mut payload = bytes.split_to(HEAD_BYTES + length).freeze();
    payload.advance(HEAD_BYTES);
    Some(Frame {
        kind,
        flags,
        payload,
    })
}

impl Seen {
    fn note(&mut self, frame: Frame) {
        let Frame {
            kind,
            flags,
            mut payload,
        } = frame;
        match kind {
            DATA => {
                self.data_frames += 1;
                self.data_bytes += payload.len();
            }
            HEADERS => self.headers += 1,
            WINDOW_UPDATE => self.window_updates += 1,
            RST_STREAM => *self.resets.entry(payload.get_u32()).or_default() += 1,
            SETTINGS if flags & ACK != 0 => self.settings_acks += 1,
            PING if flags & ACK != 0 && payload[..] == LAST_PING => self.open = true,
            PING if flags & ACK != 0 => self.ping_acks += 1,
            GOAWAY => {
                let _last_stream = payload.get_u32();
                let code = payload.get_u32();
                self.goaway = Some((code, String::from_utf8_lossy(&payload).into_owned()));
            }
            _ => {}
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.goaway {
            Some((code, text)) => write!(f, "GOAWAY {code} {text}"),
            None if self.open => f.write_str("dealt with, open"),
            None => f.write_str("closed"),
        }
    }
}
