//! Puts calls into the trace of whoever makes them: the span that is active where a call is made, as OpenTelemetry's
//! `Context` says, is the parent of the server's. It makes no spans of its own.

use tonic::metadata::{Ascii, MetadataMap, MetadataValue};

/// The W3C header (Trace Context, version 00).
const TRACEPARENT: &str = "traceparent";

/// The span that calls belong to, if any.
#[derive(Debug, Clone, Default)]
pub(crate) struct TraceParent(Option<MetadataValue<Ascii>>);

impl TraceParent {
    /// The span that is active here and now.
    #[cfg(feature = "otel")]
    pub(crate) fn current() -> Self {
        use opentelemetry::Context;
        use opentelemetry::trace::TraceContextExt;

        let context = Context::current();
        let span = context.span();
        let span = span.span_context();
        Self(span.is_valid().then(|| {
            let (trace, id, flags) = (span.trace_id(), span.span_id(), span.trace_flags());
            let text = format!("00-{trace:032x}-{id:016x}-{flags:02x}");
            text.parse()
                .expect("hexadecimal digits and dashes are ASCII")
        }))
    }

    /// None without the feature.
    #[cfg(not(feature = "otel"))]
    pub(crate) fn current() -> Self {
        Self::default()
    }

    pub(crate) fn or(self, other: &Self) -> Self {
        Self(self.0.or_else(|| other.0.clone()))
    }

    pub(crate) fn put(self, metadata: &mut MetadataMap) {
        if let Some(value) = self.0 {
            metadata.insert(TRACEPARENT, value);
        }
    }
}

#[cfg(all(test, feature = "otel"))]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use opentelemetry::Context;
    use opentelemetry::trace::{
        SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState,
    };

    use super::*;

    #[test]
    fn the_active_span_is_the_parent() {
        let mut metadata = MetadataMap::new();
        TraceParent::current().put(&mut metadata);
        assert!(metadata.is_empty(), "no span is active");
        let span = SpanContext::new(
            TraceId::from(0x4bf9_2f35),
            SpanId::from(0xf067),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        );
        let parent = {
            let _active = Context::new().with_remote_span_context(span).attach();
            TraceParent::current()
        };
        TraceParent::current().or(&parent).put(&mut metadata);
        assert_eq!(
            metadata.get(TRACEPARENT).unwrap(),
            "00-0000000000000000000000004bf92f35-000000000000f067-01"
        );
    }
}
