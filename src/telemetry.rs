//! Logs and traces, set up by one call. Logs go to standard error, for people or as JSON; traces go out over OTLP where
//! an endpoint is set. Both carry ids, never answers, keys or personal data.

use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{SecondsFormat, Utc};
use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogFormat, Settings};

/// Whether the last words of this process are a log line like the others.
static FATAL_AS_JSON: AtomicBool = AtomicBool::new(false);

/// How [`fatal`] writes; [`init`] sets it by the settings.
pub fn say_fatal_as_json(format: LogFormat) {
    FATAL_AS_JSON.store(format == LogFormat::Json, Ordering::Relaxed);
}

/// Says on standard error why this process ends in failure, whatever is being logged: a JSON object of the shape of the
/// other lines where logs are JSON, a plain line otherwise.
pub fn fatal(message: &str) {
    if FATAL_AS_JSON.load(Ordering::Relaxed) {
        let line = serde_json::json!({
            "timestamp": Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true),
            "level": "ERROR",
            "message": message,
            "target": "assessd",
        });
        eprintln!("{line}");
    } else {
        eprintln!("assessd: {message}");
    }
}

/// Keeps the exporter; dropping it sends what is left.
#[derive(Debug)]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

/// Sets up logs and traces for this process. Call it once, inside the runtime.
pub fn init(settings: &Settings) -> anyhow::Result<Telemetry> {
    say_fatal_as_json(settings.log_format);
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let mut filter = EnvFilter::try_new(&settings.log)?;
    if !settings.log.contains("sqlx") {
        // Notices of the server, such as "already exists, skipping", are noise to everybody who did not ask for them.
        filter = filter.add_directive("sqlx::postgres::notice=warn".parse()?);
    }
    let logs = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    let logs = match settings.log_format {
        LogFormat::Human => logs.with_target(false).boxed(),
        LogFormat::Json => {
            logs.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
    };
    let provider = match &settings.otlp_endpoint {
        None => None,
        Some(endpoint) => {
            let exporter =
                opentelemetry_otlp::SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
            let resource = Resource::builder()
                .with_service_name("assessd")
                .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
                .build();
            Some(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
        }
    };
    let traces = provider.as_ref().map(|p| tracing_opentelemetry::layer().with_tracer(p.tracer("assessd")));
    tracing_subscriber::registry().with(traces).with(logs.with_filter(filter)).try_init()?;
    Ok(Telemetry { provider })
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = self.provider.take()
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(%error, "the last spans could not be sent");
        }
    }
}
