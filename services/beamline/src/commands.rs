//! The commands, one module each.

pub(crate) mod check_config;
pub(crate) mod completions;
pub(crate) mod query;
pub(crate) mod run;
