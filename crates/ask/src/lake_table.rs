//! Tables of a lake as a query sees them.

use store::{QueryOptions, Session};

use crate::AskError;

/// Opens a lake.
pub(crate) async fn open(location: &lake::Location, options: &QueryOptions) -> Result<Session, AskError> {
    let _ = (location, options);
    Err(AskError::Lake(lake::LakeError::Location { url: location.url().to_string(), message: "not yet".to_owned() }))
}
