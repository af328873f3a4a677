//! `beamline store compact`.

use std::time::SystemTime;

use crate::{Failure, cli::CompactArgs};

pub(crate) fn compact(args: &CompactArgs) -> Result<(), Failure> {
    let location = lake::Location::parse(&args.lake).map_err(Failure::configuration)?;
    let keep_from = args.keep.map(|keep| {
        let from = SystemTime::now().checked_sub(keep).unwrap_or(SystemTime::UNIX_EPOCH);
        // `2025-01-31T13`, as hours are written in a lake.
        humantime::format_rfc3339_seconds(from).to_string().chars().take(13).collect::<String>()
    });
    let done = store::query::block_on(lake::compact(&location, args.target << 20, keep_from.as_deref()));
    for table in done.map_err(Failure::run_time)?.map_err(Failure::run_time)? {
        tracing::info!(
            table = %table.table,
            merged = table.merged,
            made = table.made,
            dropped = table.dropped,
            replaced_rows = table.replaced,
            "compacted"
        );
        if let Some(log) = table.log {
            tracing::info!(
                table = %table.table,
                checkpoint = log.checkpoint,
                expired_log_files = log.expired,
                deleted_files = log.deleted,
                "cleaned up"
            );
        }
    }
    Ok(())
}
