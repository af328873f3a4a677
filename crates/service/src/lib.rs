//! What every service shares: configuration, telemetry, health, shutdown.
//!
//! A service is a library with settings and a `run`; its `main.rs` is one call of [`main`]. What a service does it
//! reports through [`Health`] and the metrics of `measure`, which need nothing of this crate.

mod by_service;
mod context;
mod failure;
mod health;
pub mod logging;
mod otel;
mod process;
mod process_name;
mod server;
pub mod settings;
mod shutdown;
pub mod spans;
#[cfg(feature = "stream")]
mod stream;
pub mod telemetry;
mod trace_ids;
mod zipped;

#[cfg(feature = "stream")]
pub use self::stream::{Beside, folder_of, load_stream};
pub use self::{
    context::Context,
    failure::Failure,
    health::{Condition, Conditions, Health},
    process::{main, main_from},
    settings::Settings,
};
