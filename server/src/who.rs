//! Who makes a call: what each log line about it carries. It knows nothing of what the call does.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderValue};

use crate::log_limit::LogLimit;

/// The W3C header that says which trace a call belongs to.
pub(crate) const TRACEPARENT: &str = "traceparent";

/// Of the form `00-TRACE-PARENT-FLAGS`, the only one there is so far.
const TRACEPARENT_BYTES: usize = 55;

/// What is known of a call before it is let in, and whose it turned out to be.
#[derive(Debug)]
pub(crate) struct Who {
    peer: SocketAddr,
    /// Its number among all calls of the process, from 1: what a log calls the stream.
    stream: u64,
    traceparent: Option<HeaderValue>,
    /// The call's own span, in the same words, if there is one.
    span: OnceLock<String>,
    identity: OnceLock<Arc<str>>,
    limit: Arc<LogLimit>,
}

impl Who {
    pub(crate) fn new(
        peer: SocketAddr,
        stream: u64,
        headers: &HeaderMap,
        limit: &Arc<LogLimit>,
    ) -> Self {
        Self {
            peer,
            stream,
            traceparent: headers.get(TRACEPARENT).cloned(),
            span: OnceLock::new(),
            identity: OnceLock::new(),
            limit: Arc::clone(limit),
        }
    }

    #[cfg(test)]
    pub(crate) fn nobody() -> Self {
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        Self::new(peer, 1, &HeaderMap::new(), &Arc::default())
    }

    /// It was let in as this one.
    pub(crate) fn identify(&self, name: &Arc<str>) {
        let _only_once = self.identity.set(Arc::clone(name));
    }

    /// It has a span of its own, which is this one to others.
    pub(crate) fn is_traced_as(&self, traceparent: String) {
        let _only_once = self.span.set(traceparent);
    }

    /// What is to be told to whoever does something for the call: the `traceparent` of its span, or of its client's.
    pub(crate) fn trace(&self) -> Option<&str> {
        let own = self.span.get().map(String::as_str);
        own.or_else(|| {
            let traceparent = self.traceparent.as_ref()?;
            trace_id_of(traceparent)?;
            let text = traceparent.to_str().ok()?;
            (text.len() == TRACEPARENT_BYTES).then_some(text)
        })
    }

    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub(crate) fn stream(&self) -> u64 {
        self.stream
    }

    pub(crate) fn identity(&self) -> Option<&str> {
        self.identity.get().map(AsRef::as_ref)
    }

    /// Writes log lines with all that is known of the call, unless this peer has had its lines for now.
    pub(crate) fn log(&self, lines: impl FnOnce()) {
        self.limit.log(self.peer.ip(), || {
            // Of the highest level, so that it is there whenever its lines are.
            let span = tracing::error_span!(
                "call",
                peer = %self.peer,
                stream = self.stream,
                identity = self.identity(),
                trace_id = self.traceparent.as_ref().and_then(trace_id_of),
            );
            span.in_scope(lines);
        });
    }
}

/// `00-TRACE-PARENT-FLAGS`, of which only the trace is wanted; nothing that a client sends is repeated unless it is one.
fn trace_id_of(traceparent: &HeaderValue) -> Option<&str> {
    let text = traceparent.to_str().ok()?;
    let id = text.split('-').nth(1)?;
    let digits = id.bytes().all(|byte| byte.is_ascii_hexdigit());
    (id.len() == 32 && digits).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trace_id_is_taken_for_one() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        for (header, expected) in [
            (format!("00-{id}-00f067aa0ba902b7-01"), Some(id)),
            (format!("00-{id}"), Some(id)),
            (format!("00-{id}0-00f067aa0ba902b7-01"), None),
            ("00-\u{1b}[31m-00f067aa0ba902b7-01".to_owned(), None),
            (String::new(), None),
        ] {
            let Ok(value) = HeaderValue::from_str(&header) else {
                continue;
            };
            assert_eq!(trace_id_of(&value), expected, "{header:?}");
        }
    }
}
