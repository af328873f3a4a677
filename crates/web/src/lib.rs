//! The live page: its files, a REST API, a live stream, and who may do what.
//!
//! A runtime says through [`Watched`] what it knows of a stream and draws rows with [`Shown::draw`]; a [`Server`] shows
//! it to everyone who may see it. `docs/page.md` and `docs/api.md` say what a person sees of it.

mod access;
mod answer;
mod app;
mod error;
mod event;
mod files;
mod frames;
mod guard;
mod hub;
mod jaeger;
mod limits;
mod notes;
mod openapi;
mod page_cursor;
mod problem;
mod proxy;
mod routes;
mod rows;
mod server;
mod sql;
mod watched;

pub use live::{Counts, Facts, Pace, State};

pub use self::{
    access::AccessSettings,
    error::{NotKept, WebError},
    hub::{Hub, Shown},
    jaeger::JaegerUrl,
    notes::Notes,
    proxy::{Network, ProxySettings},
    server::Server,
    watched::{DeadLetterIds, Mode, Watched},
};
