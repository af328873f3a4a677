//! ORC files to Arrow and back, over `orc-rust`.
//!
//! [`Layout`] says which columns a file can hold and in which types, [`Writer`] writes them, [`File`] reads any file and
//! [`rows`] reads one piece by piece as a table's columns. The library writes no nested columns, decimals and unsigned
//! numbers; nothing is cast to something else in silence instead: what it lacks is an error that names the column.

mod bounded;
mod error;
mod file;
mod layout;
mod pieces;
mod types;
mod writer;

pub use self::{
    error::OrcError,
    file::{File, Rows, read_through},
    layout::{Layout, json_text},
    pieces::rows,
    types::{held, help},
    writer::Writer,
};
pub use orc_rust::reader::{AsyncChunkReader, ChunkReader};
