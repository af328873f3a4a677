//! Event-time windows: watermarks, lateness, aggregates that merge.
