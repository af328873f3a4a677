//! The port that probes and Prometheus ask.

use std::{net::TcpListener, thread, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::runtime::{Builder, Runtime};

use crate::{
    Failure, Health,
    health::Probe,
    shutdown::{self, Shutdown},
};

/// How often recorded values are folded into histograms, so that they take no more memory.
const UPKEEP: Duration = Duration::from_secs(5);
const METRICS_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Clone)]
struct Shown {
    health: Health,
    metrics: PrometheusHandle,
}

/// Starts a thread that answers `/livez`, `/readyz` and `/metrics` at `address` and waits for signals.
///
/// # Errors
/// Where the address cannot be listened at.
pub(crate) fn start(
    address: &str,
    health: Health,
    metrics: PrometheusHandle,
    shutdown: Shutdown,
) -> Result<(), Failure> {
    let listening =
        |error: std::io::Error| Failure::run_time(format!("cannot listen at {address} (--listen): {error}"));
    let listener = TcpListener::bind(address).map_err(listening)?;
    listener.set_nonblocking(true).map_err(listening)?;
    let local = listener.local_addr().map_err(listening)?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(listening)?;
    // Signals must be heard before anything runs that has to end well.
    let signals = shutdown::signals(&runtime, shutdown).map_err(listening)?;
    let shown = Shown { health, metrics };
    thread::Builder::new()
        .name("server".to_owned())
        .spawn(move || serve(&runtime, listener, shown, signals))
        .map_err(listening)?;
    tracing::info!(address = %local, "listening");
    Ok(())
}

fn serve(runtime: &Runtime, listener: TcpListener, shown: Shown, signals: impl Future<Output = ()>) {
    let upkeep = shown.metrics.clone();
    let routes = Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(shown);
    runtime.block_on(async move {
        let listener = match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => return tracing::error!(%error, "cannot answer probes"),
        };
        let upkeep = async {
            loop {
                tokio::time::sleep(UPKEEP).await;
                upkeep.run_upkeep();
            }
        };
        let serving = async { axum::serve(listener, routes).await };
        tokio::select! {
            () = signals => {}
            () = upkeep => {}
            // It serves until the process ends.
            _ = serving => {}
        }
    });
}

async fn live(State(shown): State<Shown>) -> impl IntoResponse {
    answer(shown.health.live())
}

async fn ready(State(shown): State<Shown>) -> impl IntoResponse {
    answer(shown.health.is_ready())
}

async fn metrics(State(shown): State<Shown>) -> impl IntoResponse {
    let text = shown.metrics.render() + &measure::HOT_KEY_SHARE.text();
    ([(header::CONTENT_TYPE, METRICS_FORMAT)], text)
}

fn answer(probe: Probe) -> (StatusCode, String) {
    let status = if probe.good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, probe.text)
}
