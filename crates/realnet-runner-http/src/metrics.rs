//! Prometheus metrics. Counters are resolved when the table is built; a request only adds to them.

use std::sync::OnceLock;
use std::time::Duration;

use actix_web::http::StatusCode;
use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder,
};
use realnet_core::{Error, Result};

/// Upper bounds of the latency histogram, in seconds.
const BUCKETS: [f64; 14] =
    [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// The statuses that this server answers with; others are counted as `other`.
const STATUSES: [u16; 23] = [
    200, 201, 204, 302, 304, 400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 422, 429, 500, 501, 503,
    504, 0,
];

/// All metrics of a server.
pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
    in_flight: IntGauge,
    types_revision: IntGauge,
}

/// The metrics of one method of one route.
pub(crate) struct Meter {
    pattern: &'static str,
    method: String,
    requests: IntCounterVec,
    counters: [OnceLock<IntCounter>; STATUSES.len()],
    duration: Histogram,
}

/// Counts a request as in flight for as long as it lives.
pub(crate) struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    pub(crate) fn new() -> Result<Self> {
        Self::build().map_err(|error| Error::internal("the metrics can not be set up").with_source(error))
    }

    fn build() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let requests = IntCounterVec::new(
            Opts::new("realnet_http_requests_total", "Answered requests"),
            &["route", "method", "status"],
        )?;
        let options = HistogramOpts::new(
            "realnet_http_request_duration_seconds",
            "Time from head to answer, in seconds",
        );
        let durations = HistogramVec::new(options.buckets(BUCKETS.to_vec()), &["route", "method"])?;
        let in_flight = IntGauge::new("realnet_http_requests_in_flight", "Requests being worked on")?;
        let types_revision = IntGauge::new("realnet_types_revision", "Revision of the types in use")?;
        let build = Opts::new("realnet_build_info", "Always 1; the version is a label")
            .const_label("version", env!("CARGO_PKG_VERSION"));
        let build = IntGauge::with_opts(build)?;
        build.set(1);
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(durations.clone()))?;
        registry.register(Box::new(in_flight.clone()))?;
        registry.register(Box::new(types_revision.clone()))?;
        registry.register(Box::new(build))?;
        Ok(Self { registry, requests, durations, in_flight, types_revision })
    }

    /// The metrics of a method of a route.
    pub(crate) fn meter(&self, pattern: &'static str, method: &str) -> Meter {
        Meter {
            pattern,
            method: method.to_owned(),
            requests: self.requests.clone(),
            counters: [const { OnceLock::new() }; STATUSES.len()],
            duration: self.durations.with_label_values(&[pattern, method]),
        }
    }

    /// Counts a request as in flight.
    pub(crate) fn enter(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// All metrics in the text format of Prometheus.
    pub(crate) fn render(&self, types_revision: i64) -> Result<Vec<u8>> {
        self.types_revision.set(types_revision);
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&self.registry.gather(), &mut text)
            .map_err(|error| Error::internal("the metrics can not be written").with_source(error))?;
        Ok(text)
    }
}

impl Meter {
    /// Counts an answered request.
    pub(crate) fn record(&self, status: StatusCode, took: Duration) {
        let position =
            STATUSES.iter().position(|known| *known == status.as_u16()).unwrap_or(STATUSES.len() - 1);
        let counter = self.counters[position].get_or_init(|| {
            let label =
                if STATUSES[position] == 0 { "other".to_owned() } else { status.as_u16().to_string() };
            self.requests.with_label_values(&[self.pattern, self.method.as_str(), label.as_str()])
        });
        counter.inc();
        self.duration.observe(took.as_secs_f64());
    }

    /// The pattern of the route.
    pub(crate) fn pattern(&self) -> &'static str {
        self.pattern
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_route_method_and_status() {
        let metrics = Metrics::new().unwrap();
        let meter = metrics.meter("/api/{resource}", "GET");
        meter.record(StatusCode::OK, Duration::from_millis(3));
        meter.record(StatusCode::OK, Duration::from_millis(3));
        meter.record(StatusCode::IM_A_TEAPOT, Duration::ZERO);
        let text = String::from_utf8(metrics.render(7).unwrap()).unwrap();
        for line in [
            r#"realnet_http_requests_total{method="GET",route="/api/{resource}",status="200"} 2"#,
            r#"realnet_http_requests_total{method="GET",route="/api/{resource}",status="other"} 1"#,
            r#"realnet_http_request_duration_seconds_count{method="GET",route="/api/{resource}"} 3"#,
            "realnet_types_revision 7",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }
}
