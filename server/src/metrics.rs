//! What the server counts, as Prometheus reads it. Most of it is counted anyway and only collected when somebody asks; what
//! is counted for this alone is counted call by call, never command by command. It knows nothing of who asks.

mod calls;
mod collect;
mod link;
mod process;

use std::sync::Arc;

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

pub(crate) use calls::{CallMeter, Calls};
pub(crate) use collect::{Link, Sources};

/// What the text is, by its content type.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
}

impl Metrics {
    /// What calls write down, and what is collected from the `sources`.
    pub(crate) fn new(calls: &Arc<Calls>, sources: Sources) -> Self {
        let mut registry = Registry::default();
        calls.register(&mut registry);
        registry.register_collector(Box::new(sources));
        registry.register_collector(Box::new(process::Process));
        Self { registry }
    }

    /// All of them as they are now.
    pub(crate) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
