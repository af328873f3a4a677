//! How a writer's messages become the reader's columns; [`crate::rules`] makes the plans.

use std::{collections::HashMap, sync::Arc};

use crate::avro::{Decimal, Record, Site};

/// What a default may take in each row, in bytes of Avro and in units of eight bytes of its arrays and maps.
pub(crate) const DEFAULT_WEIGHT_MAX: u64 = 4096;

/// How the bytes of a value become an entry of a column.
#[derive(Debug)]
pub(crate) enum Plan {
    /// No bytes: a null.
    Null,
    /// A branch, then perhaps a value.
    Nullable {
        /// The branch that is null.
        null: u8,
        /// Whether the column can hold a null.
        accepted: bool,
        value: Box<Plan>,
    },
    Boolean,
    Int,
    IntToLong,
    IntToFloat,
    IntToDouble,
    Long,
    LongToFloat,
    LongToDouble,
    Float,
    FloatToDouble,
    Double,
    Bytes,
    /// Bytes that must be UTF-8, because writer or reader has them as a string.
    Text,
    /// `size` is that of a `fixed`.
    Decimal {
        decimal: Decimal,
        size: Option<usize>,
    },
    Fixed(usize),
    Enum(EnumPlan),
    Record(RecordPlan),
    Array(Box<Plan>, u64),
    Map(Box<Plan>, u64),
    /// A branch, then its value; `None` for a branch that the reader cannot have.
    Union(Vec<Option<Plan>>),
    /// A value as text.
    AsText(TextOf),
}

/// What is written as text.
#[derive(Debug)]
pub(crate) enum TextOf {
    Boolean,
    Int,
    Long,
    Float,
    Double,
    /// Which symbols there are.
    Enum(Vec<String>),
    /// Sixteen bytes, written with hyphens.
    Uuid,
}

/// The reader's index of each of the writer's symbols.
#[derive(Debug)]
pub(crate) struct EnumPlan {
    pub(crate) indices: Vec<Option<i32>>,
    /// The writer's symbols, for reasons.
    pub(crate) symbols: Vec<String>,
}

/// The writer's fields in their order, then the fields that it lacks.
#[derive(Debug)]
pub(crate) struct RecordPlan {
    pub(crate) fields: Vec<FieldPlan>,
    pub(crate) defaults: Vec<DefaultPlan>,
}

/// What becomes of a writer's field.
#[derive(Debug)]
pub(crate) struct FieldPlan {
    pub(crate) name: String,
    pub(crate) target: Target,
}

/// Where a writer's field goes.
#[derive(Debug)]
pub(crate) enum Target {
    /// Into this column of the record.
    Column(usize, Plan),
    /// Nowhere: the reader has no such field.
    Skip(Skip),
}

/// A value that is passed over.
#[derive(Debug, Clone)]
pub(crate) struct Skip {
    pub(crate) site: Site,
    /// The records that contain themselves, by name.
    pub(crate) types: Arc<HashMap<String, Record>>,
}

/// A field that the writer lacks.
#[derive(Debug)]
pub(crate) struct DefaultPlan {
    pub(crate) column: usize,
    pub(crate) plan: Plan,
    /// The default in Avro binary.
    pub(crate) bytes: Vec<u8>,
    /// How much memory it takes, in units of eight bytes.
    pub(crate) weight: u64,
}

impl Plan {
    /// How much memory an entry may take beyond the message's own bytes, in units of eight bytes.
    pub(crate) fn weight(&self) -> u64 {
        match self {
            Self::Nullable { value, .. } => value.weight(),
            Self::Union(branches) => branches.iter().flatten().map(Self::weight).max().unwrap_or(1),
            Self::AsText(_) => 4,
            Self::Fixed(size) => 1 + (*size as u64) / 8,
            Self::Decimal { .. } => 4,
            Self::Record(record) => {
                let fields = record.fields.iter().map(|field| match &field.target {
                    Target::Column(_, plan) => plan.weight(),
                    Target::Skip(_) => 0,
                });
                let defaults = record.defaults.iter().map(|field| field.weight);
                1 + fields.sum::<u64>() + defaults.sum::<u64>()
            }
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::avro::Kind;

    /// A value in a list may take more memory than bytes in the message, by which the message is measured.
    #[test]
    fn an_entry_weighs_what_it_may_take_beyond_its_bytes() {
        let field = |target| FieldPlan { name: "f".into(), target };
        let column = |plan| field(Target::Column(0, plan));
        let skipped = Skip { site: Site::required(Kind::Int(crate::avro::IntLogical::None)), types: Arc::default() };
        let default = |weight| DefaultPlan { column: 0, plan: Plan::Long, bytes: vec![2], weight };
        let record = Plan::Record(RecordPlan {
            fields: vec![column(Plan::AsText(TextOf::Int)), field(Target::Skip(skipped)), column(Plan::Fixed(16))],
            defaults: vec![default(10), default(20)],
        });
        let nullable = Plan::Nullable { null: 0, accepted: true, value: Box::new(Plan::Fixed(24)) };
        let decimal = Plan::Decimal { decimal: Decimal { precision: 3, scale: 0 }, size: None };
        for (plan, weight) in [
            (Plan::Long, 1),
            (Plan::AsText(TextOf::Uuid), 4),
            (Plan::Fixed(7), 1),
            (Plan::Fixed(16), 3),
            (Plan::Fixed(20), 3),
            (nullable, 4),
            (decimal, 4),
            (Plan::Union(vec![None, Some(Plan::Long), Some(Plan::Fixed(16)), Some(Plan::Null)]), 3),
            (record, 1 + 4 + 3 + 10 + 20),
        ] {
            assert_eq!(plan.weight(), weight, "{plan:?}");
        }
    }
}
