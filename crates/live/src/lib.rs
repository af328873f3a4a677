//! What a stream is doing now, for whoever looks: series, histograms, top keys, a map, the newest anomalies, and how the
//! stream is as a whole.
//!
//! Pure: batches, counts and times come in as values. A [`Board`] has a stated number of bytes at most
//! ([`Board::BYTES_MAX`]), whatever the stream and however long it runs. What is seen may be a part of all rows; counts
//! that must be exact come from the ledger.

mod anomaly;
mod board;
pub mod cells;
mod cursor;
mod describe;
mod error;
mod facts;
mod histogram;
mod latency;
mod map;
mod overview;
mod pace;
mod recent;
mod ring;
mod top;
mod views;

pub use self::{
    anomaly::{Acknowledged, Anomaly, anomalous_rows, layer_scores, of_detector},
    board::{Board, together},
    cursor::Cursor,
    describe::{
        AggregateInfo, Column, Kind, LayerInfo, LayerKind, MapColumns, column, column_of, layers, map_columns, numbers,
    },
    error::LiveError,
    facts::{Counts, Facts, State, StoreFacts},
    histogram::{BINS, Histogram},
    latency::Latencies,
    map::Map,
    overview::{
        Alarms, DeadLetters, Drawn, HotKeyView, Lag, Latency, Layer, LedgerView, Level, Overview, Progress, Rate,
        RuleCount, Stage, StageState, StoreAge,
    },
    pace::Pace,
    recent::{Recent, Since},
    ring::{Bucket, RESOLUTIONS, Ring, Series},
    top::{TopKey, TopKeys},
    views::{Axis, Ghost, HistogramView, Histograms, KeyView, Keys, MapView, Others, SeriesView},
};
