//! The life of a service's process.
