//! `beamline store compact`.

use crate::{Failure, cli::CompactArgs};

pub(crate) fn compact(args: &CompactArgs) -> Result<(), Failure> {
    let _ = args;
    Err(Failure::configuration("not yet"))
}
