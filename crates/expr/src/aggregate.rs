//! Aggregates as SQL: calls of aggregate functions, and an expression over their results.

use std::{ops::ControlFlow, sync::Arc};

use arrow::{
    array::{ArrayRef, RecordBatch, RecordBatchOptions},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use datafusion_sql::sqlparser::ast::{Expr, Function, Ident, visit_expressions, visit_expressions_mut};

use crate::{
    AggregateCall, ExprError, Expression,
    aggregate_call::NAMES,
    parse::{function_name, parse_with},
};

/// Calls of one expression.
const CALLS_MAX: usize = 32;

/// What the column of a call's result is called, before its number; no column of a stream has a space in its name.
const RESULT: &str = "aggregate ";

/// A SQL expression over the rows of a group, as in `sum(price * volume) / sum(volume)`: what is aggregated, and what
/// is computed of that.
#[derive(Debug, Clone)]
pub struct Aggregation {
    sql: Arc<str>,
    calls: Arc<[AggregateCall]>,
    /// Over a column for each call; `None` where the one call is all there is.
    result: Option<Expression>,
    results: SchemaRef,
}

impl Aggregation {
    /// Compiles `sql` against the schema of the rows. Every column in it must stand within an aggregate.
    ///
    /// # Errors
    /// Everything that can be wrong with it before a row is seen.
    pub fn compile(sql: &str, schema: &Schema) -> Result<Self, ExprError> {
        let mut tree = parse_with(sql, &NAMES)?;
        let mut calls: Vec<AggregateCall> = Vec::new();
        let alone = matches!(&tree, Expr::Function(function) if is_aggregate(function));
        let replaced = visit_expressions_mut(&mut tree, |part| {
            let Expr::Function(function) = part else { return ControlFlow::Continue(()) };
            if !is_aggregate(function) {
                return ControlFlow::Continue(());
            }
            match nested(function).map_or_else(|| AggregateCall::compile(function, schema), Err) {
                Ok(_) if calls.len() == CALLS_MAX => {
                    let message = format!("more than {CALLS_MAX} aggregates in one expression");
                    ControlFlow::Break(Box::new(ExprError::Syntax { message }))
                }
                Ok(call) => {
                    *part = Expr::Identifier(Ident::with_quote('"', column(calls.len())));
                    calls.push(call);
                    ControlFlow::Continue(())
                }
                Err(error) => ControlFlow::Break(Box::new(error)),
            }
        });
        if let ControlFlow::Break(error) = replaced {
            return Err(*error);
        }
        if calls.is_empty() {
            let message = format!("`{sql}` has no aggregate over the rows of a window, as in avg({sql})");
            return Err(ExprError::Syntax { message });
        }
        let fields: Vec<Field> = calls
            .iter()
            .enumerate()
            .map(|(index, call)| Field::new(column(index), call.data_type(), call.nullable()))
            .collect();
        let results = Arc::new(Schema::new(fields));
        let result = if alone { None } else { Some(outer(&tree, &results)?) };
        Ok(Self { sql: sql.into(), calls: calls.into(), result, results })
    }

    /// The SQL as written.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// What is aggregated.
    pub fn calls(&self) -> &[AggregateCall] {
        &self.calls
    }

    /// The type of its values.
    pub fn data_type(&self) -> DataType {
        self.result.as_ref().map_or_else(|| self.results.field(0).data_type().clone(), |it| it.data_type().clone())
    }

    /// The value of each group, from the results of the calls in their order, `groups` values each. Null where it cannot
    /// be computed (a division by zero).
    ///
    /// # Errors
    /// `Evaluate` where the results are none of these calls.
    pub fn finish(&self, results: &[ArrayRef], groups: usize) -> Result<ArrayRef, ExprError> {
        let failed = |message: String| ExprError::Evaluate { message: format!("`{}`: {message}", self.sql) };
        let Some(result) = &self.result else {
            return results.first().cloned().ok_or_else(|| failed("there is no result".to_owned()));
        };
        let options = RecordBatchOptions::new().with_row_count(Some(groups));
        let batch = RecordBatch::try_new_with_options(self.results.clone(), results.to_vec(), &options)
            .map_err(|error| failed(error.to_string()))?;
        Ok(result.evaluate(&batch)?.values)
    }
}

/// What stands around the calls, over their results.
fn outer(tree: &Expr, results: &Schema) -> Result<Expression, ExprError> {
    Expression::compile(&tree.to_string(), results).map_err(|error| match error {
        ExprError::UnknownColumn { column, .. } => ExprError::Syntax {
            message: format!("the column `{column}` stands outside of an aggregate; write max({column}) or the like"),
        },
        other => other,
    })
}

/// The column of a call's result.
fn column(index: usize) -> String {
    format!("{RESULT}{index}")
}

fn is_aggregate(function: &Function) -> bool {
    NAMES.contains(&function_name(function).as_str())
}

/// An aggregate within the arguments of another.
fn nested(function: &Function) -> Option<ExprError> {
    let found = visit_expressions(&function.args, |part| match part {
        Expr::Function(inner) if is_aggregate(inner) => ControlFlow::Break(inner.name.to_string()),
        Expr::Identifier(name) if name.value.starts_with(RESULT) => ControlFlow::Break(name.value.clone()),
        _ => ControlFlow::Continue(()),
    });
    match found {
        ControlFlow::Break(_) => {
            let message = format!("`{}` has another aggregate in it, but it takes the values of rows", function.name);
            Some(ExprError::Syntax { message })
        }
        ControlFlow::Continue(()) => None,
    }
}

#[cfg(test)]
mod tests {
    use arrow::{
        array::{AsArray, Float64Array, Int64Array},
        datatypes::TimeUnit,
    };

    use super::*;
    use crate::AggregateFunction;

    fn schema() -> Schema {
        Schema::new(vec![
            Field::new("price", DataType::Float64, true),
            Field::new("volume", DataType::Int64, false),
            Field::new("symbol", DataType::Utf8, false),
            Field::new("failed", DataType::Boolean, false),
            Field::new("kind", DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)), true),
            Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
            Field::new("day", DataType::Date32, false),
            Field::new("exact", DataType::Decimal128(10, 2), false),
            Field::new("parts", DataType::new_list(DataType::Float64, true), false),
        ])
    }

    fn error(sql: &str) -> String {
        Aggregation::compile(sql, &schema()).map(|_| ()).expect_err(sql).to_string()
    }

    #[test]
    fn an_expression_over_aggregates_is_computed_of_their_results() {
        let mean = Aggregation::compile("sum(price * volume) / sum(volume)", &schema()).unwrap();
        assert_eq!(mean.calls().len(), 2);
        assert_eq!(mean.data_type(), DataType::Float64);
        let results: Vec<ArrayRef> =
            vec![Arc::new(Float64Array::from(vec![10.0, 3.0])), Arc::new(Int64Array::from(vec![4, 2]))];
        let values = mean.finish(&results, 2).unwrap();
        assert_eq!(values.as_primitive::<arrow::datatypes::Float64Type>().values(), &[2.5, 1.5]);
    }

    #[test]
    fn types_follow_from_the_function() {
        for (sql, expected) in [
            ("count(*)", DataType::Int64),
            ("count(price)", DataType::Int64),
            ("sum(volume)", DataType::Int64),
            ("sum(price)", DataType::Float64),
            ("avg(failed)", DataType::Float64),
            ("max(symbol)", DataType::Utf8),
            ("first_value(price)", DataType::Float64),
            ("count(*) filter (where failed)", DataType::Int64),
            ("approx_percentile_cont(price, 0.95)", DataType::Float64),
            ("count(*) * 1.5", DataType::Float64),
        ] {
            let compiled = Aggregation::compile(sql, &schema()).unwrap_or_else(|error| panic!("{sql}: {error}"));
            assert_eq!(compiled.data_type(), expected, "{sql}");
        }
        let histogram = Aggregation::compile("histogram(price, 0, 100, 10)", &schema()).unwrap();
        let function = &histogram.calls()[0].function;
        assert_eq!(*function, AggregateFunction::Histogram { low: 0.0, high: 100.0, bins: 10 });
    }

    #[test]
    fn each_name_is_its_function() {
        use AggregateFunction::{
            ApproxDistinct, ApproxPercentile, Avg, Count, Deviation, First, Histogram, Last, Max, Min, Sum, TopK,
            Variance,
        };
        let histogram = Histogram { low: -1.0, high: 1.0, bins: 1024 };
        let calls = [
            ("count(*)", Count, false),
            ("sum(failed)", Sum, true),
            ("avg(price)", Avg, true),
            ("mean(price)", Avg, true),
            ("min(symbol)", Min, true),
            ("max(failed)", Max, true),
            ("stddev(price)", Deviation { sample: true }, true),
            ("stddev_samp(price)", Deviation { sample: true }, true),
            ("stddev_pop(price)", Deviation { sample: false }, true),
            ("var(price)", Variance { sample: true }, true),
            ("var_samp(price)", Variance { sample: true }, true),
            ("variance(volume)", Variance { sample: true }, true),
            ("var_pop(price)", Variance { sample: false }, true),
            ("first(symbol)", First, true),
            ("first_value(symbol)", First, true),
            ("last(at)", Last, true),
            ("last_value(day)", Last, true),
            ("approx_distinct(kind)", ApproxDistinct, false),
            ("approx_median(price)", ApproxPercentile(0.5), true),
            ("approx_percentile_cont(price, 0)", ApproxPercentile(0.0), true),
            ("approx_percentile_cont(price, 1)", ApproxPercentile(1.0), true),
            ("top_k(symbol, 256)", TopK(256), false),
            ("top_k(symbol, 1)", TopK(1), false),
            ("histogram(price, -1, 1, 1024)", histogram, false),
        ];
        for (sql, expected, nullable) in calls {
            let compiled = Aggregation::compile(sql, &schema()).unwrap_or_else(|error| panic!("{sql}: {error}"));
            let call = &compiled.calls()[0];
            assert_eq!((call.function, call.nullable(), compiled.sql()), (expected, nullable, sql), "{sql}");
        }
        // An exact median is known by its name, and refused.
        let tried =
            |name: &&str| *name == "median" || calls.iter().any(|(sql, ..)| sql.starts_with(&format!("{name}(")));
        let missing: Vec<&str> = NAMES.into_iter().filter(|name| !tried(name)).collect();
        assert!(missing.is_empty(), "{missing:?} are in NAMES and not here");
    }

    #[test]
    fn an_aggregate_that_is_written_otherwise_is_refused_with_how_it_is_written() {
        let mut others = Vec::new();
        for (sql, words) in [
            ("sum(price) over ()", "window function"),
            ("first_value(price) ignore nulls", "nothing else"),
            ("approx_percentile_cont(0.5) within group (order by price)", "nothing else"),
            ("first_value(price order by volume)", "nothing else"),
            ("sum(*)", "name a column"),
            ("sum()", "lacks what it is to aggregate"),
            ("sum(price, 2)", "sum(values)"),
            ("top_k(symbol, 257)", "from 1 to 256"),
            ("top_k(symbol, 0)", "from 1 to 256"),
            ("top_k(symbol, 1.5)", "from 1 to 256"),
            ("top_k(symbol, volume)", "takes a number here"),
            ("histogram(price, 0, 1, 1025)", "1 to 1024 bins"),
            ("histogram(price, 1, 1, 10)", "low < high"),
            ("histogram(symbol, 0, 1, 10)", "takes numbers"),
            ("approx_percentile_cont(price, -0.1)", "from 0 to 1"),
            ("avg(symbol)", "takes numbers"),
            ("variance(failed)", "takes numbers"),
            ("max(parts)", "numbers, text, times, or true and false"),
            ("max(exact)", "takes no decimals; write CAST(exact AS DOUBLE)"),
        ] {
            let found = error(sql);
            if !found.contains(words) {
                others.push(format!("{sql}: {found}"));
            }
        }
        assert!(others.is_empty(), "{others:#?}");
        assert!(Aggregation::compile("count(exact)", &schema()).is_ok(), "counting needs no value");
        assert!(Aggregation::compile("count(parts)", &schema()).is_ok());
    }

    #[test]
    fn a_function_around_an_aggregate_and_one_within_are_no_aggregates() {
        let around = Aggregation::compile("abs(sum(abs(price)) - 5)", &schema()).unwrap();
        assert_eq!((around.calls().len(), around.data_type()), (1, DataType::Float64));
        let results: Vec<ArrayRef> = vec![Arc::new(Float64Array::from(vec![3.0]))];
        let values = around.finish(&results, 1).unwrap();
        assert_eq!(values.as_primitive::<arrow::datatypes::Float64Type>().values(), &[2.0]);
        assert!(Aggregation::compile("sum(price)", &schema()).unwrap().finish(&[], 1).is_err());
    }

    #[test]
    fn there_is_a_limit_to_the_aggregates_of_one_expression() {
        let sum = |count: usize| vec!["sum(price)"; count].join(" + ");
        assert_eq!(Aggregation::compile(&sum(32), &schema()).unwrap().calls().len(), 32);
        assert!(error(&sum(33)).contains("more than 32 aggregates"));
    }

    #[test]
    fn lists_have_the_type_of_their_entries() {
        let of = |sql: &str| Aggregation::compile(sql, &schema()).unwrap().data_type();
        let entry = vec![Field::new("value", DataType::Utf8, false), Field::new("count", DataType::Int64, false)];
        assert_eq!(of("top_k(symbol, 3)"), DataType::new_list(DataType::Struct(entry.into()), false));
        assert_eq!(of("histogram(price, 0, 1, 3)"), DataType::new_list(DataType::Int64, false));
        assert_eq!(
            [of("sum(failed)"), of("max(kind)"), of("max(volume)")],
            [DataType::Int64, DataType::Utf8, DataType::Int64]
        );
    }

    #[test]
    fn what_is_no_aggregate_is_said_so() {
        assert!(error("price").contains("has no aggregate"), "{}", error("price"));
        assert!(error("sum(price) / volume").contains("outside of an aggregate"));
        assert!(error("sum(max(price))").contains("another aggregate"));
        assert!(error("sum(symbol)").contains("takes numbers"));
        assert!(error("median(price)").contains("approx_median"), "{}", error("median(price)"));
        assert!(error("count(distinct symbol)").contains("approx_distinct"));
        assert!(error("histogram(price, 5, 1, 10)").contains("low"));
        assert!(error("approx_percentile_cont(price, 2)").contains("from 0 to 1"));
        assert!(matches!(
            Aggregation::compile("avg(prise)", &schema()),
            Err(ExprError::UnknownColumn { suggestion, .. }) if suggestion.contains("price")
        ));
    }
}
