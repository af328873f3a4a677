//! The commands, one module each.

pub(crate) mod bench;
pub(crate) mod check_config;
pub(crate) mod completions;
mod connect;
pub(crate) mod demo;
pub(crate) mod dlq;
pub(crate) mod evaluate;
pub(crate) mod graph;
pub(crate) mod init;
mod init_files;
mod init_topic;
pub(crate) mod man;
pub(crate) mod quality;
pub(crate) mod query;
mod replay_on_kafka;
pub(crate) mod run;
mod run_on_kafka;
pub(crate) mod schemas;
mod signals;
pub(crate) mod smoke;
pub(crate) mod store;
pub(crate) mod test;
pub(crate) mod tokens;
pub(crate) mod top;
pub(crate) mod topics;
pub(crate) mod tune;
pub(crate) mod verify;
