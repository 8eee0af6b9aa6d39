//! What is written down of one call, from its headers to its end, for whoever looks from outside: metrics and traces. It
//! sees frames pass and knows nothing of what they say.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use tonic::Code;

use crate::http::GRPC_STATUS;
use crate::method::Method;
use crate::metrics::CallMeter;
use crate::telemetry::Telemetry;
use crate::traces::CallSpan;
use crate::watch::{Activity, WatchedCall};

/// The flag of a frame that holds trailers.
const WEB_TRAILERS: u8 = 0x80;

/// One call. However it ends, it has ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Record {
    telemetry: Arc<Telemetry>,
    watched: WatchedCall,
    meter: Option<CallMeter>,
    span: Option<CallSpan>,
    /// Messages that the meter knows of.
    received: u64,
    sending: Messages,
    sent: u64,
    code: Option<Code>,
}

/// Counts messages as their bytes go by, in whatever pieces.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    /// Of the prefix of the next message.
    prefix: [u8; 5],
    prefix_bytes: usize,
    /// Of the message, still to come.
    left: usize,
}

impl Record {
    /// A call of this method begins.
    pub(crate) fn begin(
        telemetry: &Arc<Telemetry>,
        method: &'static Method,
        headers: &HeaderMap,
        watched: WatchedCall,
    ) -> Self {
        let mut record = Self::of_no_call(telemetry, watched);
        record.meter = telemetry.calls.as_ref().map(|calls| calls.begin(method));
        let traces = telemetry.traces.as_ref();
        record.span = traces.and_then(|traces| traces.begin(method, headers));
        if let Some(traceparent) = record.span.as_ref().and_then(CallSpan::traceparent) {
            record.activity().who().is_traced_as(traceparent);
        }
        record
    }

    /// Of a request that is no call: nothing is written down but that it is there.
    pub(crate) fn of_no_call(telemetry: &Arc<Telemetry>, watched: WatchedCall) -> Self {
        Self {
            telemetry: Arc::clone(telemetry),
            watched,
            meter: None,
            span: None,
            received: 0,
            sending: Messages::default(),
            sent: 0,
            code: None,
        }
    }

    pub(crate) fn activity(&self) -> &Arc<Activity> {
        self.watched.activity()
    }

    /// It is answered with these headers, which may hold its status already.
    pub(crate) fn answered(&mut self, headers: &HeaderMap) {
        self.code = self.code.or_else(|| code_in(headers));
    }

    /// A frame of the answer goes to the connection, or none does yet.
    pub(crate) fn polled(&mut self, frame: Option<&Frame<Bytes>>) {
        if let Some(trailers) = frame.and_then(Frame::trailers_ref) {
            self.code = code_in(trailers);
        }
        let web = frame.and_then(Frame::data_ref);
        self.code = web.and_then(|bytes| code_in_web(bytes)).or(self.code);
        if self.meter.is_none() && self.span.is_none() {
            return;
        }
        let bytes = frame.and_then(Frame::data_ref);
        let sent = bytes.map_or(0, |bytes| self.sending.count(bytes));
        self.sent += sent;
        let received = self.watched.activity().messages();
        if let Some(meter) = &self.meter {
            meter.add(received - self.received, sent);
        }
        self.received = received;
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.polled(None);
        // Who goes away before the end has cancelled it.
        let code = self.code.unwrap_or(Code::Cancelled);
        if let (Some(calls), Some(meter)) = (&self.telemetry.calls, &self.meter) {
            calls.end(meter, code);
        }
        if let Some(span) = &mut self.span {
            span.end(self.watched.activity(), self.sent, code);
        }
    }
}

fn code_in(headers: &HeaderMap) -> Option<Code> {
    let status = headers.get(GRPC_STATUS)?;
    Some(Code::from_bytes(status.as_bytes()))
}

/// gRPC-Web has the trailers in a frame of their own at the end of the body.
fn code_in_web(bytes: &[u8]) -> Option<Code> {
    let [WEB_TRAILERS, _, _, _, _, trailers @ ..] = bytes else {
        return None;
    };
    let mut lines = trailers.split(|byte| *byte == b'\n');
    let status = lines.find_map(|line| line.strip_prefix(b"grpc-status:"))?;
    Some(Code::from_bytes(status.trim_ascii()))
}

impl Messages {
    /// How many messages end in these bytes.
    pub(crate) fn count(&mut self, mut bytes: &[u8]) -> u64 {
        let mut ended = 0;
        while !bytes.is_empty() {
            if self.prefix_bytes < self.prefix.len() {
                let taken = bytes.len().min(self.prefix.len() - self.prefix_bytes);
                let (now, rest) = bytes.split_at(taken);
                self.prefix[self.prefix_bytes..][..taken].copy_from_slice(now);
                self.prefix_bytes += taken;
                bytes = rest;
                if self.prefix_bytes < self.prefix.len() {
                    break;
                }
                let [_flag, length @ ..] = self.prefix;
                self.left = u32::from_be_bytes(length) as usize;
            }
            let taken = bytes.len().min(self.left);
            bytes = &bytes[taken..];
            self.left -= taken;
            if self.left == 0 {
                self.prefix_bytes = 0;
                ended += u64::from(self.prefix[0] != WEB_TRAILERS);
            }
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_in_any_pieces() {
        let bytes = [
            &[0, 0, 0, 0, 3, 1, 2, 3][..],
            &[0, 0, 0, 0, 0],
            &[0, 0, 0, 0, 1, 9],
            &[0, 0, 0, 1, 0],
        ]
        .concat();
        for piece in 1..=bytes.len() {
            let mut messages = Messages::default();
            let ended: u64 = bytes.chunks(piece).map(|bytes| messages.count(bytes)).sum();
            assert_eq!(ended, 3, "in pieces of {piece}");
            assert_eq!(messages.count(&[7; 256]), 1);
        }
    }

    #[test]
    fn trailers_in_the_body_are_no_message_and_have_the_code() {
        let trailers = b"\x80\0\0\0\x1fgrpc-status: 3\r\ngrpc-message:x\r\n";
        assert_eq!(code_in_web(trailers), Some(Code::InvalidArgument));
        assert_eq!(code_in_web(b"\0\0\0\0\x0fgrpc-status: 3\r\n"), None);
        assert_eq!(code_in_web(b"\x80"), None);
        assert_eq!(Messages::default().count(b"\x80\0\0\0\x03abc\0\0\0\0\0"), 1);
    }
}
