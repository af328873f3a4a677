//! Result files on local disk, the manifest that says which of them are committed, and SQL over them.
//!
//! A [`TableWriter`] leaves finished files in a staging folder; a runtime commits their [`FileEntry`]s in its own
//! store, then [`Results::publish`] moves them to their places and a [`ManifestLog`] shows them to readers. Every step can
//! be repeated after a crash. What a commit replaces is [`Deferred`]: it is deleted once no query reads it.

mod compact;
mod deferred;
mod durable;
mod error;
mod final_csv;
mod lease;
mod line_log;
mod manifest;
mod manifest_log;
mod notes;
mod options;
mod print;
pub mod query;
mod results;
mod selection;
mod table;
mod writer;

pub use self::{
    compact::compact,
    deferred::{DELETE_AFTER, Deferred, WAITING_FILES_MAX},
    durable::write_atomic,
    error::StoreError,
    final_csv::{aggregate_csv, final_csv},
    lease::Lease,
    line_log::LineLog,
    manifest::{Change, Column, Dropped, FileEntry, MANIFEST_VERSION, Manifest},
    manifest_log::ManifestLog,
    notes::{NOTES_MAX, NOTES_TABLE, Note, NoteKind, NoteLog},
    options::WriterOptions,
    print::{OutputFormat, Printed, TableLimits, print},
    query::{Answer, QueryOptions, Session},
    results::Results,
    selection::SelectionWriter,
    table::{Table, dead_letters_schema},
    writer::{Finished, TableWriter},
};
