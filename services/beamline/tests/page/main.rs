//! The live page of a real run, asked by a real HTTP client.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod access;
mod follow;
mod notes;
mod routes;
mod run;
