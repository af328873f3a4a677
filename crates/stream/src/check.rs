//! What a definition means: whether its files, columns and expressions go together, and what follows from them.
//!
//! Everything is checked on the tree of nodes rather than on the typed definition, so that one wrong field hides
//! nothing of the others. What follows from an error reported already is not reported again.

mod aggregate;
mod chosen;
mod derivable;
mod detect;
mod enrich;
mod expect;
mod input;
mod kafka;
mod page;
mod source;
mod store;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use codec::ValueSchema;
use expr::Expression;
use lookup::Lookup;

pub use self::chosen::Chosen;
use self::{detect::Detection, enrich::Enrichment};
use crate::{Aggregates, Feature, FileReader, Messages, node::Node, report::Report, scope::Scope, suggestion::nearest};

/// What follows from a definition.
pub(crate) struct Checked {
    pub(crate) input: ValueSchema,
    pub(crate) enriched: SchemaRef,
    pub(crate) scored: SchemaRef,
    pub(crate) quality: Vec<(String, Expression)>,
    pub(crate) lookups: Vec<Arc<Lookup>>,
    /// The lookup tables' bytes, in order.
    pub(crate) tables: Vec<Vec<u8>>,
    pub(crate) columns: Vec<(String, Expression)>,
    pub(crate) filter: Option<Expression>,
    pub(crate) features: Vec<Feature>,
    pub(crate) chosen: Option<Chosen>,
    pub(crate) rules: Vec<(String, Expression)>,
    pub(crate) aggregates: Aggregates,
    pub(crate) selections: Vec<(String, Expression)>,
    pub(crate) messages: Option<Messages>,
}

/// Checks `spec` of the stream called `name` and compiles it. `None` where there is no input schema, which is reported; where anything else is
/// reported, the result lacks it.
pub(crate) fn check(
    spec: &Node,
    name: Option<&str>,
    files: &dyn FileReader,
    report: &mut Report<'_>,
) -> Option<Checked> {
    let input = input::read(spec, files, report);
    let raw = Scope::new(input.as_ref().map(|input| input.arrow().as_ref()));
    input::check_roles(spec, &raw, report);
    let schema = input.as_ref().map(|input| input.arrow().as_ref());
    let messages = source::check(spec, name, schema, files, report);
    let Enrichment { quality, lookups, tables, columns, filter, scope } = enrich::check(spec, &raw, files, report);
    let enriched = scope.schema();
    let Detection { features, chosen, rules, scope } = detect::check(spec, &raw, scope, report);
    let aggregates = aggregate::check(spec, &scope, report);
    expect::check(spec, &scope, report);
    page::check(spec, &scope, report);
    let selections = store::check(spec, &scope, report);
    let scored = scope.schema();
    Some(Checked {
        input: input?,
        enriched,
        scored,
        quality,
        lookups,
        tables,
        columns,
        filter,
        features,
        chosen,
        rules,
        aggregates,
        selections,
        messages,
    })
}

/// Whether a field is missing only because of a slip in its name, which the check of the structure has reported.
fn is_misspelt(node: &Node, field: &str) -> bool {
    node.get(field).is_none() && node.entries().iter().any(|entry| nearest(&entry.name, [field]).is_some())
}
