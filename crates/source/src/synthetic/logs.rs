//! Requests as a web server logs them: log-normal latencies, more errors where they are slow, bursts of errors.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};

use super::{
    block::{BLOCK_EVENTS, Block, Place, Profile},
    random::{Random, hash, signed},
    windows::kind_of,
};

/// Method, path, share, and median latency in milliseconds.
const ROUTES: [(&str, &str, f64, f64); 7] = [
    ("GET", "/", 0.24, 12.0),
    ("GET", "/api/events", 0.26, 35.0),
    ("POST", "/api/events", 0.14, 60.0),
    ("GET", "/api/detectors", 0.13, 25.0),
    ("PUT", "/api/detectors", 0.05, 80.0),
    ("GET", "/static/app.js", 0.15, 4.0),
    ("GET", "/search", 0.03, 220.0),
];

/// What somebody asks for who looks for holes.
const PROBES: [&str; 4] = ["/wp-login.php", "/.env", "/../../etc/passwd", "/admin/config"];

/// Requests to some hosts.
pub(crate) struct Logs {
    names: Vec<String>,
    seed: u64,
    keys: u64,
    share: f64,
}

impl Logs {
    pub(crate) fn new(definition: &stream::Synthetic) -> Self {
        let names = ["method", "path", "status", "latency_ms", "bytes", "level", "message"].map(str::to_owned).to_vec();
        Self { names, seed: definition.seed, keys: u64::from(definition.keys.max(1)), share: definition.anomalies }
    }
}

fn status(random: &mut Random, method: &str, kind: Option<&str>) -> i64 {
    match kind {
        Some("probe") => 404,
        Some("error_burst") if random.chance(0.8) => [500, 502, 503][random.below(3)],
        _ => match random.unit() {
            at if at < 0.002 => 500,
            at if at < 0.022 => 404,
            at if at < 0.03 => 400,
            _ if method == "POST" => 201,
            _ => 200,
        },
    }
}

fn message(status: i64) -> &'static str {
    match status {
        500 => "unhandled error in the request",
        502 => "no answer from upstream",
        503 => "too many requests under way",
        404 => "no such resource",
        400 => "malformed request",
        _ => "request served",
    }
}

impl Profile for Logs {
    fn prefixes(&self) -> [&'static str; 2] {
        ["req", "host"]
    }

    fn key(&self) -> &'static str {
        "host"
    }

    fn columns(&self) -> &[String] {
        &self.names
    }

    fn block(&self, random: &mut Random, place: Place) -> Block {
        let each = self.share / 3.0;
        let probe = each / (1.0 - 2.0 * each);
        let (mut keys, mut anomalies) = (Vec::with_capacity(BLOCK_EVENTS), Vec::with_capacity(BLOCK_EVENTS));
        let (mut methods, mut paths, mut statuses) = (Vec::new(), Vec::new(), Vec::new());
        let (mut latencies, mut sizes, mut levels) = (Vec::new(), Vec::new(), Vec::new());
        for index in 0..BLOCK_EVENTS as u64 {
            let position = place.first + index;
            // Hosts in turn, in another order each round.
            let number = position / self.keys;
            let host = (position + hash(&[self.seed, number])) % self.keys;
            let lasting = kind_of(self.seed, host, number, each, &["error_burst", "slow"]);
            let kind = lasting.or_else(|| random.chance(probe).then_some("probe"));
            let (method, path, _, median) = ROUTES[random.weighted(ROUTES.iter().map(|route| route.2))];
            let host_factor = 1.0 + 0.3 * signed(&[self.seed, host, 1]);
            let mut latency = median * host_factor * libm::exp(0.5 * random.normal());
            let status = status(random, method, kind);
            if status >= 500 || kind == Some("slow") {
                latency *= random.between(8.0, 30.0);
            }
            let size = if status < 300 { 800.0 * libm::exp(1.2 * random.normal()) } else { 150.0 };
            keys.push(host as u32);
            anomalies.push(kind);
            methods.push(method);
            paths.push(if kind == Some("probe") { PROBES[random.below(PROBES.len())] } else { path });
            statuses.push(status);
            latencies.push(latency);
            sizes.push(size as i64);
            levels.push(if status >= 500 {
                "ERROR"
            } else if status >= 400 {
                "WARN"
            } else {
                "INFO"
            });
        }
        let messages = StringArray::from_iter_values(statuses.iter().map(|status| message(*status)));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(methods)),
            Arc::new(StringArray::from_iter_values(paths)),
            Arc::new(Int64Array::from(statuses)),
            Arc::new(Float64Array::from(latencies)),
            Arc::new(Int64Array::from(sizes)),
            Arc::new(StringArray::from_iter_values(levels)),
            Arc::new(messages),
        ];
        Block { keys, times: place.times, anomalies, columns }
    }
}
