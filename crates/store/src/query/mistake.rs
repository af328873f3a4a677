//! What is wrong with a query, in words for the person who wrote it.

use std::{error::Error, fs::File, path::Path};

use datafusion::{
    common::{SchemaError, TableReference},
    error::DataFusionError,
    sql::{
        parser::{DFParser, Statement},
        sqlparser::ast::Statement as SqlStatement,
    },
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use suggest::IN_COLUMNS;

use super::{QueryOptions, tables::Files};
use crate::{
    StoreError,
    error::{sentence, system_error},
};

/// Refuses a statement that is not a query before it is planned: planning one that changes something would stumble over
/// the names in it first. What cannot be parsed is left to the planner, which says why.
pub(super) fn check_statement(sql: &str) -> Result<(), StoreError> {
    match DFParser::parse_sql(sql).unwrap_or_default().iter().find(|statement| !is_query(statement)) {
        Some(changes) => Err(StoreError::NoQuery { statement: verb(changes) }),
        None => Ok(()),
    }
}

fn is_query(statement: &Statement) -> bool {
    match statement {
        Statement::Explain(explain) => is_query(&explain.statement),
        Statement::Statement(statement) => matches!(
            statement.as_ref(),
            SqlStatement::Query(_)
                | SqlStatement::ShowCreate { .. }
                | SqlStatement::ShowVariable { .. }
                | SqlStatement::ShowTables { .. }
                | SqlStatement::ShowColumns { .. }
                | SqlStatement::ShowFunctions { .. }
                | SqlStatement::ExplainTable { .. }
        ),
        _ => false,
    }
}

/// The word that a statement begins with; `EXPLAIN` says nothing of what it explains.
fn verb(statement: &Statement) -> String {
    match statement {
        Statement::Explain(explain) => verb(&explain.statement),
        other => other.to_string().split_whitespace().next().unwrap_or_default().to_uppercase(),
    }
}

/// Whether the table is one of the tables about tables.
pub(super) fn is_system(table: &TableReference) -> bool {
    table.schema() == Some("information_schema")
}

impl Files {
    /// A table that is not there.
    pub(super) fn unknown(&self, table: &TableReference) -> StoreError {
        let name = table.to_string();
        let suggestion = suggest(&name, self.tables.iter().map(String::as_str), "tables");
        StoreError::Query { message: format!("table `{name}` does not exist"), suggestion: Some(suggestion) }
    }

    /// Makes sure that every file is there.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match self.paths.iter().find(|path| !path.exists()) {
            Some(path) => Err(StoreError::Missing { path: path.clone() }),
            None => Ok(()),
        }
    }

    /// An error of the engine, in words.
    pub(super) fn explain(&self, error: &DataFusionError, options: &QueryOptions) -> StoreError {
        let root = error.find_root();
        match root {
            DataFusionError::ResourcesExhausted(_) => StoreError::Memory { limit: options.memory_bytes_max >> 20 },
            DataFusionError::SchemaError(error, _) => match error.as_ref() {
                SchemaError::FieldNotFound { field, valid_fields } => {
                    let names = valid_fields.iter().map(|field| field.name());
                    StoreError::Query {
                        message: format!("column `{}` does not exist", field.name()),
                        suggestion: Some(suggest(field.name(), names, "columns")),
                    }
                }
                other => query(&other.to_string()),
            },
            DataFusionError::SQL(error, _) => query(&error.to_string().replace("sql parser error: ", "")),
            DataFusionError::ParquetError(_)
            | DataFusionError::ObjectStore(_)
            | DataFusionError::IoError(_)
            | DataFusionError::External(_) => self.damaged().unwrap_or_else(|| query(&root.message())),
            DataFusionError::ArrowError(error, _) if system_error(error.as_ref()).is_none() => {
                self.damaged().unwrap_or_else(|| query(&sentence(error.as_ref())))
            }
            other => query(&other.message()),
        }
    }

    /// The first file that cannot be read through. An error of the engine does not name it.
    fn damaged(&self) -> Option<StoreError> {
        self.paths.iter().find_map(|path| read_through(path).err())
    }
}

fn read_through(path: &Path) -> Result<(), StoreError> {
    let failed = |error: &(dyn Error + 'static)| StoreError::reading(path, error);
    let file = File::open(path).map_err(|error| failed(&error))?;
    if path.extension().is_some_and(|ending| ending == "orc") {
        orc::read_through(|| file.try_clone()).map_err(|error| failed(&error))?;
    } else if path.extension().is_some_and(|ending| ending == "parquet") {
        let rows = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|reader| reader.build());
        for rows in rows.map_err(|error| failed(&error))? {
            rows.map_err(|error| failed(&error))?;
        }
    }
    Ok(())
}

fn query(text: &str) -> StoreError {
    // The engine lists every signature, and calls it a bug of its own.
    if let Some((call, _)) = text.split_once("argument types '").and_then(|(_, rest)| rest.split_once('\'')) {
        let message = format!("no function takes these types: {call}");
        return StoreError::Query { message, suggestion: Some("convert the values, as in CAST(ok AS INT)".to_owned()) };
    }
    let text = text.strip_prefix("Error during planning: ").unwrap_or(text);
    let mut lines = text.splitn(2, '\n');
    let lower = |text: &str| {
        let mut letters = text.trim().trim_end_matches('.').chars();
        letters.next().map(|first| first.to_lowercase().chain(letters).collect::<String>())
    };
    let message = lines.next().and_then(lower).unwrap_or_default();
    StoreError::Query { message, suggestion: lines.next().and_then(lower) }
}

/// The nearest name, or the names there are.
fn suggest<'a>(written: &str, names: impl Iterator<Item = &'a str> + Clone, what: &str) -> String {
    suggest::sentence(written, names, IN_COLUMNS, |list, count| match count {
        0 => format!("there are no {what}"),
        _ => format!("the {what} are {list}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_queries_pass() {
        for sql in [
            "SELECT 1",
            " -- DROP\n with a as (select 1) select * from a",
            "/* x */ explain select 1",
            "(select 1)",
            "",
        ] {
            assert!(check_statement(sql).is_ok(), "{sql}");
        }
        for sql in [
            "drop table x",
            "-- hi\nCREATE TABLE x (a int)",
            "EXPLAIN /* ! */ analyze CREATE TABLE x AS SELECT 1",
            "/* a */ /* b */ Copy x TO 'y'",
            "set a = 1",
        ] {
            assert!(matches!(check_statement(sql), Err(StoreError::NoQuery { .. })), "{sql}");
        }
    }
}
