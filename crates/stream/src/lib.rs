//! What a stream is: its definition in YAML, checked as a whole, with all that follows from it.
//!
//! Pure: the text of the definition and of the files it names come in, a [`Stream`] or every error at once goes out.

mod diagnostic;
mod definition;
mod units;

use std::sync::Arc;

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use codec::ValueSchema;
use expr::Expression;

pub use self::{definition::*, diagnostic::{Diagnostic, Diagnostics}, units::Duration};

/// Reads the files a definition names (its Avro schema, its lookup tables), so that this crate itself reads none.
pub trait FileReader {
    /// The bytes of `path`, which is relative to the definition.
    ///
    /// # Errors
    /// A sentence for the person who wrote the path.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
}

/// A checked stream: its definition, compiled.
#[derive(Debug, Clone)]
pub struct Stream {
    /// The definition as written.
    pub definition: StreamDefinition,
    /// The schema of the raw events, as Avro and as Arrow.
    pub input: ValueSchema,
    /// Raw columns, then looked-up columns, then computed ones.
    pub enriched: SchemaRef,
    /// Enriched columns, then the detector's; the same as `enriched` where nothing is detected.
    pub scored: SchemaRef,
    /// Quality rules, in order, each a boolean over `input`.
    pub quality: Vec<(String, Expression)>,
    /// Lookup tables, in order.
    pub lookups: Vec<Arc<expr::Lookup>>,
    /// Computed columns, in order; each over the input, the lookups and the columns before it.
    pub columns: Vec<(String, Expression)>,
    /// True for an event worth keeping, over `enriched`.
    pub filter: Option<Expression>,
    /// The detector's features, each a float64 over `enriched`.
    pub features: Vec<Expression>,
    /// The detector's rules, each a boolean over `enriched`.
    pub rules: Vec<(String, Expression)>,
    /// Selections of scored events for extra files, each a boolean over `scored`.
    pub selections: Vec<(String, Expression)>,
    /// Changes when anything changes that could change a result (so not with `store` or `source`).
    pub fingerprint: String,
}

impl Stream {
    /// Parses and checks a definition. `name` is how errors call the file.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the file.
    pub fn load(name: &str, text: &str, files: &dyn FileReader) -> Result<Stream, Diagnostics> {
        let _ = (name, text, files);
        Err(Diagnostics::default())
    }

    /// The stream's name.
    pub fn name(&self) -> &str {
        &self.definition.metadata.name
    }

    /// Reads a lookup table's bytes (CSV or Parquet).
    fn _lookup(_: &RecordBatch) {}
}
