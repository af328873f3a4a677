//! One call of an aggregate function: which function, over which values, of which rows.

use arrow::datatypes::{DataType, Field, Fields, Schema};
use datafusion_sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
};

use crate::{ExprError, Expression, parse::function_name};

/// The aggregates by each of their names.
pub(crate) const NAMES: [&str; 23] = [
    "approx_distinct",
    "approx_median",
    "approx_percentile_cont",
    "avg",
    "count",
    "first_value",
    "histogram",
    "last_value",
    "max",
    "mean",
    "median",
    "min",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "sum",
    "top_k",
    "var",
    "var_pop",
    "var_samp",
    "variance",
    "first",
    "last",
];

/// Bins of one histogram.
const BINS_MAX: u32 = 1024;
/// Values that one `top_k` gives.
const TOP_MAX: u32 = 256;

/// An aggregate function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AggregateFunction {
    /// Rows, or values that are not null.
    Count,
    /// The sum of numbers; of true or false, how many are true.
    Sum,
    /// The mean.
    Avg,
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// The variance; of a sample (n - 1) or of all there is (n).
    Variance {
        /// Whether the rows are a sample.
        sample: bool,
    },
    /// The square root of the variance.
    Deviation {
        /// Whether the rows are a sample.
        sample: bool,
    },
    /// The value at the earliest event time; of equal times, that of the smallest id.
    First,
    /// The value at the latest event time; of equal times, that of the largest id.
    Last,
    /// About how many different values: HyperLogLog.
    ApproxDistinct,
    /// About the value below which a share of the values lies: t-digest.
    ApproxPercentile(f64),
    /// The most frequent values with their counts.
    TopK(u32),
    /// Counts in bins of equal width, with one below and one above them.
    Histogram {
        /// Where the first bin begins.
        low: f64,
        /// Where the last one ends.
        high: f64,
        /// How many there are between the two.
        bins: u32,
    },
}

impl AggregateFunction {
    /// The function called `name` with the numbers that follow its values.
    ///
    /// # Errors
    /// Where there is none of the name, or it takes other numbers.
    pub fn of(name: &str, numbers: &[f64]) -> Result<Self, ExprError> {
        named(name, numbers)
    }

    /// The names that aggregates have, each function's all.
    pub fn names() -> &'static [&'static str] {
        &NAMES
    }

    /// Whether it takes text as well as numbers.
    pub fn takes_text(self) -> bool {
        self.takes(&DataType::Utf8).is_ok()
    }

    /// Whether a group can have no result.
    pub fn nullable(self) -> bool {
        match self {
            Self::Count | Self::ApproxDistinct | Self::TopK(_) | Self::Histogram { .. } => false,
            Self::Sum
            | Self::Avg
            | Self::Min
            | Self::Max
            | Self::Variance { .. }
            | Self::Deviation { .. }
            | Self::First
            | Self::Last
            | Self::ApproxPercentile(_) => true,
        }
    }

    /// Whether it takes values of this type, which is not a dictionary; else what it takes.
    fn takes(self, of: &DataType) -> Result<(), &'static str> {
        let number = of.is_numeric();
        let ordered = number
            || *of == DataType::Utf8
            || *of == DataType::Boolean
            || matches!(of, DataType::Timestamp(..) | DataType::Date32);
        let (fits, wanted) = match self {
            Self::Count => (true, ""),
            Self::Sum | Self::Avg => (number || *of == DataType::Boolean, "numbers"),
            Self::Min | Self::Max | Self::First | Self::Last | Self::ApproxDistinct | Self::TopK(_) => {
                (ordered, "numbers, text, times, or true and false")
            }
            Self::Variance { .. } | Self::Deviation { .. } | Self::ApproxPercentile(_) | Self::Histogram { .. } => {
                (number, "numbers")
            }
        };
        if fits { Ok(()) } else { Err(wanted) }
    }

    /// The type of the result over values of the type `of`.
    pub fn data_type(self, of: &DataType) -> DataType {
        let of = plain(of);
        match self {
            Self::Count | Self::ApproxDistinct => DataType::Int64,
            Self::Sum if of.is_integer() || of == DataType::Boolean => DataType::Int64,
            Self::Sum | Self::Avg | Self::Variance { .. } | Self::Deviation { .. } | Self::ApproxPercentile(_) => {
                DataType::Float64
            }
            Self::Min | Self::Max | Self::First | Self::Last => of,
            Self::TopK(_) => DataType::new_list(DataType::Struct(Fields::from(top_fields())), false),
            Self::Histogram { .. } => DataType::new_list(DataType::Int64, false),
        }
    }
}

/// One call of an aggregate function.
#[derive(Debug, Clone)]
pub struct AggregateCall {
    /// Which function.
    pub function: AggregateFunction,
    /// What is aggregated; `None` for `count(*)`.
    pub argument: Option<Expression>,
    /// Which rows count, where not all do: `FILTER (WHERE ...)`.
    pub filter: Option<Expression>,
}

impl AggregateCall {
    pub(crate) fn compile(call: &Function, schema: &Schema) -> Result<Self, ExprError> {
        let name = function_name(call);
        let filter = call.filter.as_ref().map(|filter| Expression::compile_boolean(&filter.to_string(), schema));
        let filter = filter.transpose()?;
        if call.over.is_some() || !call.within_group.is_empty() || call.null_treatment.is_some() {
            return Err(syntax(format!("`{name}` takes its values and FILTER (WHERE ...), and nothing else")));
        }
        let arguments = arguments(call, &name)?;
        let (values, parameters) = match arguments.split_first() {
            Some((values, parameters)) => (*values, parameters),
            None => return Err(syntax(format!("`{name}` lacks what it is to aggregate"))),
        };
        let function = function(&name, parameters)?;
        let argument = match values {
            None if function == AggregateFunction::Count => None,
            None => return Err(syntax(format!("`{name}(*)` has no meaning; name a column"))),
            Some(values) => Some(argument(function, &name, values, schema)?),
        };
        Ok(Self { function, argument, filter })
    }

    /// The type of its result.
    pub fn data_type(&self) -> DataType {
        self.function.data_type(self.argument.as_ref().map_or(&DataType::Null, Expression::data_type))
    }

    /// Whether a group can have no result.
    pub fn nullable(&self) -> bool {
        self.function.nullable()
    }
}

/// The fields of each entry of a `top_k`.
fn top_fields() -> Vec<Field> {
    vec![Field::new("value", DataType::Utf8, false), Field::new("count", DataType::Int64, false)]
}

/// The type without a dictionary around it.
fn plain(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, values) => values.as_ref().clone(),
        other => other.clone(),
    }
}

fn syntax(message: String) -> ExprError {
    ExprError::Syntax { message }
}

/// The arguments; `None` for the star.
fn arguments<'a>(call: &'a Function, name: &str) -> Result<Vec<Option<&'a Expr>>, ExprError> {
    let FunctionArguments::List(list) = &call.args else { return Ok(Vec::new()) };
    if list.duplicate_treatment == Some(DuplicateTreatment::Distinct) {
        let message = format!("`{name}(DISTINCT ...)` would have to keep every value; write approx_distinct(...)");
        return Err(syntax(message));
    }
    if !list.clauses.is_empty() {
        return Err(syntax(format!("`{name}` takes its values and FILTER (WHERE ...), and nothing else")));
    }
    let argument = |argument: &'a FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => Ok(Some(value)),
        FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => Ok(None),
        other => Err(syntax(format!("`{name}` cannot take `{other}`"))),
    };
    list.args.iter().map(argument).collect()
}

/// The function called `name` with what follows its values.
fn function(name: &str, parameters: &[Option<&Expr>]) -> Result<AggregateFunction, ExprError> {
    let numbers = parameters.iter().map(|parameter| number(name, *parameter)).collect::<Result<Vec<f64>, _>>()?;
    AggregateFunction::of(name, &numbers)
}

fn named(name: &str, numbers: &[f64]) -> Result<AggregateFunction, ExprError> {
    let wrong = |usage: &str| Err(syntax(format!("`{name}` is written {usage}")));
    match (name, numbers) {
        ("count", []) => Ok(AggregateFunction::Count),
        ("sum", []) => Ok(AggregateFunction::Sum),
        ("avg" | "mean", []) => Ok(AggregateFunction::Avg),
        ("min", []) => Ok(AggregateFunction::Min),
        ("max", []) => Ok(AggregateFunction::Max),
        ("stddev" | "stddev_samp", []) => Ok(AggregateFunction::Deviation { sample: true }),
        ("stddev_pop", []) => Ok(AggregateFunction::Deviation { sample: false }),
        ("var" | "var_samp" | "variance", []) => Ok(AggregateFunction::Variance { sample: true }),
        ("var_pop", []) => Ok(AggregateFunction::Variance { sample: false }),
        ("first_value" | "first", []) => Ok(AggregateFunction::First),
        ("last_value" | "last", []) => Ok(AggregateFunction::Last),
        ("approx_distinct", []) => Ok(AggregateFunction::ApproxDistinct),
        ("approx_median", []) => Ok(AggregateFunction::ApproxPercentile(0.5)),
        ("median", _) => Err(syntax("an exact median would have to keep every value; write approx_median(...)".into())),
        ("approx_percentile_cont", [share]) if (0.0..=1.0).contains(share) => {
            Ok(AggregateFunction::ApproxPercentile(*share))
        }
        ("approx_percentile_cont", _) => wrong("approx_percentile_cont(values, share) with a share from 0 to 1"),
        ("top_k", [count]) if is_count(*count, TOP_MAX) => Ok(AggregateFunction::TopK(*count as u32)),
        ("top_k", _) => wrong(&format!("top_k(values, count) with a count from 1 to {TOP_MAX}")),
        ("histogram", [low, high, bins]) if low < high && is_count(*bins, BINS_MAX) => {
            Ok(AggregateFunction::Histogram { low: *low, high: *high, bins: *bins as u32 })
        }
        ("histogram", _) => {
            wrong(&format!("histogram(values, low, high, bins) with low < high and 1 to {BINS_MAX} bins"))
        }
        _ => wrong(&format!("{name}(values)")),
    }
}

fn is_count(number: f64, max: u32) -> bool {
    number.fract() == 0.0 && (1.0..=f64::from(max)).contains(&number)
}

fn number(name: &str, parameter: Option<&Expr>) -> Result<f64, ExprError> {
    let text = parameter.map(ToString::to_string).unwrap_or_default();
    let number = text.replace(' ', "").parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| syntax(format!("`{name}` takes a number here, not `{text}`")))
}

/// What is aggregated, of a type that the function takes.
fn argument(function: AggregateFunction, name: &str, values: &Expr, schema: &Schema) -> Result<Expression, ExprError> {
    let argument = Expression::compile(&values.to_string(), schema)?;
    let of = plain(argument.data_type());
    // A decimal has digits that a double has not.
    if function != AggregateFunction::Count && is_decimal(&of) {
        let message = format!("`{name}` takes no decimals; write CAST({values} AS DOUBLE)");
        return Err(ExprError::Type { message });
    }
    match function.takes(&of) {
        Ok(()) => Ok(argument),
        Err(wanted) => Err(ExprError::Type { message: format!("`{name}` takes {wanted}, but `{values}` is {of}") }),
    }
}

fn is_decimal(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..)
    )
}
