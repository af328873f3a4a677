//! What every answer rests on.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{access::Access, files::Files, hub::Hub, limits::Limits, sql::Sql};

/// What every answer rests on.
pub(crate) struct App {
    pub(crate) hub: Arc<Hub>,
    pub(crate) access: Access,
    pub(crate) limits: Limits,
    pub(crate) files: Files,
    pub(crate) sql: Sql,
    /// The API's description, as it is sent.
    pub(crate) openapi: String,
    /// True once the server is about to end.
    pub(crate) ending: watch::Receiver<bool>,
}
