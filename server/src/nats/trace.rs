//! Traces across the broker: a job says which calls it is of, and whoever runs it has a span that belongs to them. It knows
//! nothing of what jobs say.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Link, Span, SpanContext, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::TraceContextPropagator;

use super::header::Came;
use crate::queue::Lease;
use crate::traces::Traces;
use crate::who::TRACEPARENT;

/// After [`TRACEPARENT`], which has the same name as in HTTP so that other tools know it: the other calls whose jobs are in the bundle, with blanks between them.
const LINKS: &str = "Robot-Links";
const LINKS_MAX: usize = 15;
/// A call may have jobs by the million; spans beyond these are not made.
const SPANS_PER_SECOND_MAX: u32 = 100;

/// The calls that some jobs are of, each once.
pub(crate) fn traces_of(leases: &[Lease]) -> Vec<Box<str>> {
    let mut traces: Vec<Box<str>> = Vec::new();
    for trace in leases.iter().filter_map(Lease::trace) {
        let is_new = traces.iter().all(|known| **known != *trace);
        if is_new && traces.len() <= LINKS_MAX {
            traces.push(trace.into());
        }
    }
    traces
}

/// Puts those into a job's headers.
pub(crate) fn put(headers: &mut HeaderMap, traces: &[Box<str>]) {
    let [first, others @ ..] = traces else {
        return;
    };
    headers.insert(TRACEPARENT, &**first);
    if !others.is_empty() {
        headers.insert(LINKS, others.join(" "));
    }
}

/// Makes the spans of a worker process.
#[derive(Debug)]
pub(crate) struct JobSpans {
    traces: Traces,
    second_began: Instant,
    in_second: u32,
}

/// The span of one job that is not done.
#[derive(Debug)]
pub(crate) struct JobSpan(opentelemetry_sdk::trace::Span);

impl JobSpans {
    pub(crate) fn new(traces: Traces) -> Self {
        Self {
            traces,
            second_began: Instant::now(),
            in_second: 0,
        }
    }

    /// A job was taken. None if it is of no trace.
    pub(crate) fn begin(
        &mut self,
        headers: Option<&HeaderMap>,
        commands: u32,
        deliveries: u64,
    ) -> Option<JobSpan> {
        let headers = headers?;
        let text = |name| headers.get(name).map(|value| value.as_str());
        let first = text(TRACEPARENT)?;
        if !self.may_make_one() {
            return None;
        }
        let parent = context_of(first)?;
        let others = text(LINKS).unwrap_or_default().split(' ').take(LINKS_MAX);
        let links = others.filter_map(|other| Some(Link::with_context(context_of(other)?)));
        let tracer = self.traces.tracer();
        let span = tracer
            .span_builder("process jobs")
            .with_kind(SpanKind::Consumer)
            .with_links(links.collect())
            .with_attributes([
                KeyValue::new("messaging.system", "nats"),
                KeyValue::new("messaging.operation.name", "process"),
                KeyValue::new("robot.commands.accepted", i64::from(commands)),
                KeyValue::new("robot.job.deliveries", deliveries as i64),
            ]);
        let parent = Context::new().with_remote_span_context(parent);
        Some(JobSpan(tracer.build_with_context(span, &parent)))
    }

    fn may_make_one(&mut self) -> bool {
        if self.second_began.elapsed() >= Duration::from_secs(1) {
            (self.second_began, self.in_second) = (Instant::now(), 0);
        }
        self.in_second += 1;
        self.in_second <= SPANS_PER_SECOND_MAX
    }

    /// Sends what was not sent yet.
    pub(crate) async fn close(&self) {
        self.traces.close().await;
    }
}

impl JobSpan {
    /// Its result goes to the gateway.
    pub(crate) fn end(self, answered: u32, came: Came) {
        let Self(mut span) = self;
        span.set_attribute(KeyValue::new(
            "robot.commands.answered",
            i64::from(answered),
        ));
        if came == Came::Suspect {
            span.set_status(Status::error("no worker came back from it"));
        }
        span.end();
    }
}

fn context_of(traceparent: &str) -> Option<SpanContext> {
    let headers = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract(&headers);
    let span = context.span().span_context().clone();
    span.is_valid().then_some(span)
}
