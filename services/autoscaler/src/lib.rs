//! Scales services on their lag.
