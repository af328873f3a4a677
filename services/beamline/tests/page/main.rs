//! The live page of a real run, asked by a real HTTP client.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod access;
mod documented;
mod follow;
mod hostile;
mod hot_keys;
mod measure;
mod notes;
mod queries;
mod redrive;
mod routes;
mod run;
