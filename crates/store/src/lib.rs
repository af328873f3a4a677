//! Result files on local disk, the manifest that says which of them are committed, and SQL over them.
//!
//! A [`TableWriter`] leaves finished files in a staging folder; a runtime commits their [`FileEntry`]s in its own
//! store, then [`Results::publish`] moves them to their places and [`Results::publish_manifest`] shows them to readers.
//! Every step can be repeated after a crash.

mod compact;
mod durable;
mod error;
mod final_csv;
mod manifest;
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
    durable::write_atomic,
    error::StoreError,
    final_csv::{aggregate_csv, final_csv},
    manifest::{Column, FileEntry, MANIFEST_VERSION, Manifest},
    notes::{NOTES_MAX, Note, NoteKind, NoteLog},
    options::WriterOptions,
    print::{OutputFormat, Printed, TableLimits, print},
    query::{Answer, QueryOptions, Session},
    results::Results,
    selection::SelectionWriter,
    table::{Table, dead_letters_schema},
    writer::TableWriter,
};
