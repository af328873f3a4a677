//! What a column's name says of what it holds.

/// The words of a name in lower case: `eventTime`, `event_time` and `Event Time` are the same two.
pub fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut last_lower = false;
    for letter in name.chars() {
        let new = !letter.is_alphanumeric() || letter.is_uppercase() && last_lower;
        if new && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        last_lower = letter.is_lowercase() || letter.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether one of a name's words is in `list`; a number behind a word does not count.
pub fn has_word(name: &str, list: &[&str]) -> bool {
    words(name).iter().any(|word| {
        let bare = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
        list.contains(&word.as_str()) || list.contains(&bare)
    })
}

/// Words of measurements, which have fractions even where a sample shows none.
pub const MEASURED: [&str; 48] = [
    "value",
    "price",
    "amount",
    "cost",
    "temp",
    "temperature",
    "humidity",
    "pressure",
    "voltage",
    "current",
    "power",
    "battery",
    "energy",
    "momentum",
    "mass",
    "pt",
    "px",
    "py",
    "pz",
    "eta",
    "phi",
    "latency",
    "duration",
    "elapsed",
    "ms",
    "seconds",
    "speed",
    "velocity",
    "weight",
    "height",
    "length",
    "width",
    "depth",
    "distance",
    "lat",
    "lon",
    "latitude",
    "longitude",
    "rate",
    "ratio",
    "percent",
    "score",
    "load",
    "open",
    "high",
    "low",
    "close",
    "volume",
];

/// Words of columns that say what is to be found out.
pub const LABELS: [&str; 12] = [
    "label",
    "anomaly",
    "anomalous",
    "target",
    "outlier",
    "fraud",
    "attack",
    "truth",
    "class",
    "anomalies",
    "labels",
    "failure",
];

/// Words of codes: numbers with which one does not reckon.
pub const CODES: [&str; 31] = [
    "id", "uid", "uuid", "code", "zip", "postcode", "year", "month", "day", "hour", "minute", "weekday", "port",
    "status", "flag", "is", "has", "index", "idx", "row", "seq", "sequence", "number", "no", "nr", "version", "phone",
    "pdg", "run", "event", "type",
];

/// Words of moments, as the last word of a name.
pub(crate) const MOMENTS: [&str; 11] =
    ["time", "timestamp", "ts", "date", "datetime", "epoch", "utc", "unixtime", "mjd", "jd", "at"];

/// Words of places in a topic or a file.
pub(crate) const PLACES: [&str; 5] = ["partition", "offset", "lane", "shard", "line"];

/// Words of what names one thing among many, as the last word of a name.
pub const IDENTITIES: [&str; 9] = ["id", "uid", "uuid", "guid", "key", "token", "hash", "session", "cookie"];

/// Words of amounts that are never negative and spread over orders of magnitude, and units of such.
pub(crate) const HEAVY: [&str; 34] = [
    "latency",
    "duration",
    "elapsed",
    "delay",
    "wait",
    "rtt",
    "interval",
    "ms",
    "us",
    "ns",
    "bytes",
    "kb",
    "mb",
    "gb",
    "size",
    "amount",
    "price",
    "cost",
    "total",
    "revenue",
    "volume",
    "usd",
    "eur",
    "gbp",
    "count",
    "counts",
    "quantity",
    "qty",
    "energy",
    "flux",
    "intensity",
    "pt",
    "distance",
    "population",
];

/// Words of what has a sign, whatever else the name says.
pub(crate) const SIGNED: [&str; 12] =
    ["change", "delta", "diff", "difference", "net", "return", "balance", "residual", "pull", "error", "log", "ln"];

/// Words of text that hardly ever comes twice.
pub(crate) const PROSE: [&str; 16] = [
    "message",
    "msg",
    "text",
    "body",
    "comment",
    "description",
    "title",
    "query",
    "url",
    "uri",
    "referrer",
    "referer",
    "trace",
    "stack",
    "payload",
    "note",
];
