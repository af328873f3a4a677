//! Binary tables of FITS files to Arrow, after the FITS standard, version 4.0 (Pence et al. 2010, A&A 524, A42, and its
//! update of 2018): headers, every type of column, scaled and unsigned integers, null values, arrays of fixed and of
//! variable length.
//!
//! Pure: bytes come in, columns go out. Images, ASCII tables and tables in compressed form are named and not read.

mod column;
mod decode;
mod error;
mod header;
mod table;
mod values;

pub use self::{
    decode::Heap,
    error::FitsError,
    header::{BLOCK_BYTES, Header},
    table::Table,
};
