//! What each aggregate of the examples is as one query over the raw events, in DataFusion's own words.
//!
//! A query gives the columns of its aggregate. For one that it cannot give exactly, it gives bounds: `COLUMN_least` and
//! `COLUMN_most`.

/// A stream of `streams/`.
pub(crate) struct Example {
    pub name: &'static str,
    /// Seconds from one event to the next.
    pub spacing: f64,
    /// The events that are aggregated, over `raw`, the raw ones, and `found`, those that were found anomalous.
    pub events: String,
    /// Each aggregate, over `events`.
    pub aggregates: Vec<(&'static str, String)>,
}

const PARTICLES: &str = "SELECT raw.*, found.event_id IS NOT NULL AS anomalous,
    transverse_momentum(momentum_x, momentum_y) AS pt
    FROM raw LEFT JOIN found ON raw.event_id = found.event_id";

/// The examples that have aggregates, but for logins and payments.
pub(crate) fn examples() -> [Example; 6] {
    [particle_events(), particle_physics(), clickstream(), logs(), prices(), sensors()]
}

fn particle_events() -> Example {
    let rates = "SELECT date_bin(INTERVAL '1 minute', timestamp) AS window_start, detector_id, count(*) AS events,
        sum(CAST(anomalous AS BIGINT)) AS anomalies, avg(energy_gev) AS mean_energy, max(energy_gev) AS max_energy
        FROM events GROUP BY 1, 2";
    let spectra = format!(
        "SELECT date_bin(INTERVAL '1 hour', timestamp) AS window_start, detector_id, count(*) AS events, {}, {}
         FROM events GROUP BY 1, 2",
        histogram("energy_gev", 1000, 20, "spectrum"),
        percentile("energy_gev", 0.5, "median_energy")
    );
    Example {
        name: "particle-events",
        spacing: 1.0,
        events: format!("{PARTICLES} WHERE energy_gev >= 0.5"),
        aggregates: vec![("rates", rates.to_owned()), ("energy_spectra", spectra)],
    }
}

fn particle_physics() -> Example {
    let rates = format!(
        "SELECT date_bin(INTERVAL '1 minute', timestamp) AS window_start, particle_type, count(*) AS events,
         sum(CAST(anomalous AS BIGINT)) AS anomalies, avg(energy_gev) AS mean_energy, {}, {}
         FROM events GROUP BY 1, 2",
        deviation("energy_gev", "energy_spread"),
        distinct("detector_id", "detectors")
    );
    let spectra = format!(
        "SELECT date_bin(INTERVAL '1 hour', timestamp) AS window_start, particle_type, count(*) AS events, {}, {}
         FROM events GROUP BY 1, 2",
        histogram("energy_gev", 200, 40, "spectrum"),
        percentile("pt", 0.9, "pt_90")
    );
    Example {
        name: "particle-physics",
        spacing: 1.0,
        events: PARTICLES.to_owned(),
        aggregates: vec![("rates", rates), ("energy_spectra", spectra)],
    }
}

fn clickstream() -> Example {
    let by_minute = format!(
        "SELECT date_bin(INTERVAL '1 minute', event_time) AS window_start, count(*) AS events, {},
         sum(CAST(is_purchase AS BIGINT)) AS purchases FROM events GROUP BY 1",
        distinct("user_id", "users")
    );
    let by_type = format!(
        "SELECT event_type, count(*) AS events, {}, {} FROM events GROUP BY 1",
        distinct("user_id", "users"),
        distinct("product_id", "products")
    );
    let sessions = "SELECT min(event_time) AS window_start, max(event_time) + INTERVAL '30 minutes' AS window_end,
        user_id, count(*) AS events, first_value(event_type ORDER BY event_time) AS first_event,
        last_value(event_type ORDER BY event_time) AS last_event, sum(CAST(is_purchase AS BIGINT)) AS purchases
        FROM (SELECT *, sum(CASE WHEN event_time - before < INTERVAL '30 minutes' THEN 0 ELSE 1 END)
          OVER (PARTITION BY user_id ORDER BY event_time) AS session
          FROM (SELECT *, lag(event_time) OVER (PARTITION BY user_id ORDER BY event_time) AS before FROM events))
        GROUP BY user_id, session";
    let popular = "SELECT window_start,
        array_agg(named_struct('value', product_id, 'count', views) ORDER BY place) AS most_viewed
        FROM (SELECT *, row_number() OVER (PARTITION BY window_start ORDER BY views DESC, product_id) AS place
          FROM (SELECT date_bin(INTERVAL '1 hour', event_time) AS window_start, product_id, count(*) AS views
            FROM events WHERE product_id IS NOT NULL GROUP BY 1, 2))
        WHERE place <= 10 GROUP BY 1";
    Example {
        name: "clickstream",
        // Slow enough for visitors to be away for half an hour.
        spacing: 3.0,
        events: "SELECT *, event_type = 'purchase' AS is_purchase FROM raw".to_owned(),
        aggregates: vec![
            ("events_by_minute", by_minute),
            ("events_by_type", by_type),
            ("sessions", sessions.to_owned()),
            ("popular_products", popular.to_owned()),
        ],
    }
}

fn logs() -> Example {
    let error_rates = format!(
        "SELECT date_bin(INTERVAL '1 minute', timestamp) AS window_start, host, count(*) AS requests,
         sum(is_error) AS errors, avg(is_error) AS error_rate, {} FROM events GROUP BY 1, 2",
        percentile("latency_ms", 0.95, "latency_95")
    );
    let sections = format!(
        "SELECT window_start, section, status_class, count(*) AS requests, sum(bytes) / 1e6 AS megabytes,
         max(latency_ms) AS slowest FROM ({}) GROUP BY 1, 2, 3",
        sliding_minutes(5)
    );
    Example {
        name: "logs",
        spacing: 0.25,
        events: "SELECT *, CAST(status >= 500 AS BIGINT) AS is_error, split_part(path, '/', 2) AS section,
            concat(CAST(status / 100 AS VARCHAR), 'xx') AS status_class
            FROM raw WHERE level NOT IN ('TRACE', 'DEBUG')"
            .to_owned(),
        aggregates: vec![("error_rates", error_rates), ("sections", sections)],
    }
}

fn prices() -> Example {
    let bars = "SELECT date_bin(INTERVAL '1 minute', timestamp) AS window_start, symbol,
        first_value(price ORDER BY timestamp) AS open, max(price) AS high, min(price) AS low,
        last_value(price ORDER BY timestamp) AS close, sum(volume) AS traded,
        sum(price * volume) / sum(volume) AS average, count(*) AS trades FROM events GROUP BY 1, 2";
    Example {
        name: "prices",
        spacing: 0.5,
        events: "SELECT * FROM raw WHERE price > 0 AND volume > 0".to_owned(),
        aggregates: vec![("bars", bars.to_owned())],
    }
}

fn sensors() -> Example {
    let readings = "SELECT date_bin(INTERVAL '1 minute', timestamp) AS window_start, sensor_id, count(*) AS readings,
        avg(temperature) AS temperature, min(temperature) AS coldest, max(temperature) AS warmest,
        avg(humidity) AS humidity, avg(pressure) AS pressure,
        last_value(battery ORDER BY timestamp) FILTER (WHERE battery IS NOT NULL) AS battery
        FROM events GROUP BY 1, 2";
    let climate = format!(
        "SELECT window_start, {}, avg(temperature) AS temperature, {} FROM ({}) GROUP BY 1",
        distinct("sensor_id", "sensors"),
        deviation("temperature", "temperature_spread"),
        sliding_minutes(10)
    );
    Example {
        name: "sensors",
        spacing: 0.25,
        events: "SELECT * FROM raw WHERE temperature IS NOT NULL
            AND (humidity IS NULL OR humidity BETWEEN 0 AND 100) AND (pressure IS NULL OR pressure BETWEEN 300 AND 1200)".to_owned(),
        aggregates: vec![("readings", readings.to_owned()), ("climate", climate)],
    }
}

/// Each event once in each window of so many minutes, one of which begins every minute.
fn sliding_minutes(length: u32) -> String {
    let back: Vec<String> = (0..length).map(|back| format!("(INTERVAL '{back} minutes')")).collect();
    format!(
        "SELECT date_bin(INTERVAL '1 minute', timestamp) - back AS window_start, events.*
         FROM events CROSS JOIN (VALUES {}) AS b(back)",
        back.join(", ")
    )
}

/// How many values are below 0, in each of `bins` up to `high`, and above, as a list is written.
fn histogram(value: &str, high: u32, bins: u32, name: &str) -> String {
    let edge = |bin: u32| f64::from(high) / f64::from(bins) * f64::from(bin);
    let mut counts = vec![format!("count(*) FILTER (WHERE {value} < 0)")];
    for bin in 0..bins {
        let (from, to) = (edge(bin), edge(bin + 1));
        counts.push(format!("count(*) FILTER (WHERE {value} >= {from:?} AND {value} < {to:?})"));
    }
    counts.push(format!("count(*) FILTER (WHERE {value} >= {high})"));
    format!("concat('[', {}, ']') AS {name}", counts.join(", ', ', "))
}

/// HyperLogLog has a standard error of 0.8 %; four of these are never passed.
fn distinct(value: &str, name: &str) -> String {
    let count = format!("count(DISTINCT {value})");
    format!("floor({count} * (1 - 4 * 0.008)) AS {name}_least, ceil({count} * (1 + 4 * 0.008)) AS {name}_most")
}

/// The query's deviation is rounded at every row, ours at the end.
fn deviation(value: &str, name: &str) -> String {
    let deviation = format!("stddev({value})");
    format!("{deviation} * (1 - 1e-9) - 1e-9 AS {name}_least, {deviation} * (1 + 1e-9) + 1e-9 AS {name}_most")
}

/// Up to 256 values the percentile is exact (the query's own is rounded to a millionth of the step between two values);
/// beyond, its rank is off by less than a hundredth.
fn percentile(value: &str, share: f64, name: &str) -> String {
    let bound = |sign: f64| {
        let at = |slack: f64| format!("percentile_cont({:?}) WITHIN GROUP (ORDER BY {value})", share + sign * slack);
        format!("CASE WHEN count({value}) <= 256 THEN {} ELSE {} END", at(1e-5), at(0.01))
    };
    format!("{} AS {name}_least, {} AS {name}_most", bound(-1.0), bound(1.0))
}
