//! A stream on an object store: Parquet files and a Delta Lake table.

mod error;
mod location;

pub use self::{
    error::LakeError,
    location::{Format, Location},
};
