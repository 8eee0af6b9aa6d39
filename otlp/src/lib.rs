//! The way to a collector of OpenTelemetry, the same for the server and the client: OTLP over gRPC, in batches, from a
//! bounded queue. It knows nothing of what is traced.

use std::time::Duration;

use http::Uri;
use opentelemetry::KeyValue;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tonic::transport::ClientTlsConfig;

/// The sender has so long to end, after it had five seconds, the library's own bound, for its last spans.
const SHUTDOWN_MAX: Duration = Duration::from_secs(1);

/// Spans cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    /// There is no way to the collector.
    #[error("cannot send spans to the collector: {0}")]
    Exporter(#[from] ExporterBuildError),
    /// The last spans may be lost.
    #[error("the last spans may not be with the collector: {0}")]
    Flush(#[from] OTelSdkError),
}

/// Where a collector listens, as a flag has it: `http://HOST:PORT` or `https://HOST:PORT`.
///
/// # Errors
/// What is allowed, if it is something else.
pub fn parse_endpoint(text: &str) -> Result<Uri, String> {
    let uri = text.parse::<Uri>().ok();
    let allowed = |uri: &Uri| {
        let known = matches!(uri.scheme_str(), Some("http" | "https"));
        known && uri.port_u16().is_some_and(|port| port != 0) && uri.path() == "/"
    };
    uri.filter(allowed)
        .ok_or_else(|| "it must be http://HOST:PORT or https://HOST:PORT".to_owned())
}

/// Sends spans of a service of this name to a collector, from now on. It is not waited for: one that is not there costs
/// the spans and nothing else. Needs tokio. The variables of OpenTelemetry (`OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER`,
/// `OTEL_BSP_MAX_QUEUE_SIZE` and so on) do what they say.
///
/// # Errors
/// [`OtlpError::Exporter`] if the address or a variable cannot be used.
pub fn open(
    endpoint: &Uri,
    name: &str,
    version: &'static str,
) -> Result<SdkTracerProvider, OtlpError> {
    let mut exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint.to_string());
    if endpoint.scheme_str() == Some("https") {
        exporter = exporter.with_tls_config(ClientTlsConfig::new().with_native_roots());
    }
    let named = std::env::var("OTEL_SERVICE_NAME").ok();
    let resource = Resource::builder()
        .with_service_name(named.unwrap_or_else(|| name.to_owned()))
        .with_attribute(KeyValue::new("service.version", version))
        .build();
    Ok(SdkTracerProvider::builder()
        .with_resource(resource)
        .with_batch_exporter(exporter.build()?)
        .build())
}

/// Sends what was not sent yet, and waits for that some seconds at most.
///
/// # Errors
/// [`OtlpError::Flush`] if that was not enough, or the collector does not take it.
pub async fn close(provider: SdkTracerProvider) -> Result<(), OtlpError> {
    let closing = tokio::task::spawn_blocking(move || {
        // A shutdown sends them too, but does not say whether they came through.
        let flushed = provider.force_flush();
        flushed.and(provider.shutdown_with_timeout(SHUTDOWN_MAX))
    });
    Ok(closing.await.expect("it does not panic")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_addresses_of_collectors() {
        for good in [
            "http://127.0.0.1:4317",
            "https://collector.example:443",
            "http://[::1]:1/",
        ] {
            assert!(parse_endpoint(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "127.0.0.1:4317",
            "ftp://host:1",
            "http://host",
            "http://host:0",
            "http://host:1/v1/traces",
        ] {
            assert!(parse_endpoint(bad).is_err(), "{bad}");
        }
    }
}
