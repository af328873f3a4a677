//! The columns that an expression can see, and the compilation of expressions over them.

use std::{collections::BTreeSet, sync::Arc};

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use expr::{ExprError, Expression};

use crate::{
    node::{Node, Position},
    report::Report,
    suggestion::suggest,
};

/// Compiles SQL against a schema: one of the ways of [`Expression`].
pub(crate) type Compile = fn(&str, &Schema) -> Result<Expression, ExprError>;

/// The columns that an expression can see.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    fields: Vec<FieldRef>,
    /// Columns whose own definition is wrong: what uses them is not reported again.
    failed: BTreeSet<String>,
    /// Columns that are defined further down.
    later: BTreeSet<String>,
    /// Whether there may be more columns, since what defines them cannot be read.
    unknown: bool,
}

impl Scope {
    /// The columns of `schema`; without one, nothing about columns is reported.
    pub(crate) fn new(schema: Option<&Schema>) -> Self {
        Self {
            fields: schema.map(|schema| schema.fields().to_vec()).unwrap_or_default(),
            unknown: schema.is_none(),
            ..Self::default()
        }
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.fields.clone()))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.fields.iter().map(|field| field.name().as_str())
    }

    pub(crate) fn field(&self, name: &str) -> Option<&FieldRef> {
        self.fields.iter().find(|field| field.name() == name)
    }

    /// Adds a column behind the others.
    pub(crate) fn push(&mut self, field: FieldRef) {
        self.later.remove(field.name());
        self.fields.push(field);
    }

    /// A column that should be there, but whose definition is wrong.
    pub(crate) fn fail(&mut self, name: &str) {
        self.later.remove(name);
        self.fields.retain(|field| field.name() != name);
        self.failed.insert(name.to_owned());
    }

    /// There may be more columns, since what defines them cannot be read.
    pub(crate) fn open(&mut self) {
        self.unknown = true;
    }

    /// A column that is defined further down.
    pub(crate) fn announce(&mut self, name: &str) {
        if self.field(name).is_none() {
            self.later.insert(name.to_owned());
        }
    }

    /// The column named by `node`, reporting it where it does not exist.
    pub(crate) fn column(&self, node: &Node, role: &str, report: &mut Report<'_>) -> Option<&FieldRef> {
        self.named(node.text()?, node.at, role, report)
    }

    /// The column of this name, which stands at `at`, reporting it where it does not exist.
    pub(crate) fn named(&self, name: &str, at: Position, role: &str, report: &mut Report<'_>) -> Option<&FieldRef> {
        let field = self.field(name);
        if field.is_none() && !self.unknown && !self.failed.contains(name) {
            let suggestion = suggest(name, self.names());
            report.add(at, format!("{role}: column `{name}` does not exist"), Some(suggestion));
        }
        field
    }

    /// Compiles the SQL in `node`, reporting what is wrong with it unless that follows from an error reported already.
    pub(crate) fn compile(&self, node: &Node, compile: Compile, report: &mut Report<'_>) -> Option<Expression> {
        let sql = node.text()?;
        match compile(sql, &Schema::new(self.fields.clone())) {
            Ok(expression) => return Some(expression),
            Err(error) => self.explain(node, &error, report),
        }
        None
    }

    /// Reports what is wrong with the SQL in `node`, unless it follows from an error reported already.
    pub(crate) fn explain(&self, node: &Node, error: &ExprError, report: &mut Report<'_>) {
        let mut suggestion = error.suggestion().map(str::to_owned);
        if let ExprError::UnknownColumn { column, .. } = error {
            let name = column_name(column);
            if self.failed.contains(name) || (self.unknown && !self.later.contains(name)) {
                return;
            }
            if self.later.contains(name) {
                suggestion = Some("it is defined further down, and only what comes before can be used".to_owned());
            }
        }
        report.add(node.at, error.to_string(), suggestion);
    }
}

/// The column's name in `column`, `"column"` or `column.field`.
fn column_name(written: &str) -> &str {
    match written.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or(quoted),
        None => written.split('.').next().unwrap_or(written),
    }
}

/// A field of a computed column.
pub(crate) fn computed(name: &str, expression: &Expression) -> FieldRef {
    Arc::new(Field::new(name, expression.data_type().clone(), expression.nullable()))
}

/// Whether values of a type can be told apart as categories: text, true and false, whole numbers.
pub(crate) fn is_category(data_type: &DataType) -> bool {
    match data_type {
        DataType::Boolean | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_category(values),
        other => other.is_integer(),
    }
}

/// What a person calls a type.
pub(crate) fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "true or false".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => "a timestamp in nanoseconds".to_owned(),
        DataType::Timestamp(..) => "a timestamp".to_owned(),
        DataType::Date32 | DataType::Date64 => "a date".to_owned(),
        DataType::Dictionary(..) => "an enum".to_owned(),
        DataType::Struct(_) => "a record".to_owned(),
        DataType::List(_) | DataType::LargeList(_) => "a list".to_owned(),
        DataType::Map(..) => "a map".to_owned(),
        DataType::Decimal128(..) | DataType::Decimal256(..) => "a decimal".to_owned(),
        other if other.is_integer() => "a whole number".to_owned(),
        other if other.is_numeric() => "a number".to_owned(),
        other => format!("{other}"),
    }
}
