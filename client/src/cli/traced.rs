//! `--otlp-endpoint`: the run as one span, the parent of what the server makes of its calls.

use http::Uri;
use opentelemetry::Context;
use opentelemetry::trace::{FutureExt, Status, TraceContextExt, Tracer, TracerProvider};

use super::Outcome;

const NAME: &str = "robot-client";

/// Runs a subcommand under a span of its name.
pub(super) async fn traced(
    endpoint: &Uri,
    subcommand: &str,
    run: impl Future<Output = Outcome>,
) -> Outcome {
    let provider = robot_otlp::open(endpoint, NAME, env!("CARGO_PKG_VERSION"))?;
    let span = provider.tracer(NAME).start(format!("{NAME} {subcommand}"));
    let context = Context::current_with_span(span);
    let ran = run.with_context(context.clone()).await;
    let span = context.span();
    match &ran {
        Ok(true) => {}
        Ok(false) => span.set_status(Status::error("a command failed, or a check")),
        Err(error) => span.set_status(Status::error(error.to_string())),
    }
    span.end();
    if let Err(error) = robot_otlp::close(provider).await {
        eprintln!("warning: {error}");
    }
    ran
}
