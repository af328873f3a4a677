//! The commands, one module each.

pub(crate) mod bench;
pub(crate) mod check_config;
pub(crate) mod completions;
pub(crate) mod dlq;
pub(crate) mod init;
pub(crate) mod quality;
pub(crate) mod query;
pub(crate) mod run;
pub(crate) mod schemas;
pub(crate) mod smoke;
pub(crate) mod store;
pub(crate) mod topics;
pub(crate) mod verify;
