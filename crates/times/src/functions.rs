//! The SQL functions that make a time of something else, for expressions and for queries over the results.

use std::sync::{Arc, LazyLock};

use arrow::{
    array::{ArrayRef, AsArray, TimestampMicrosecondArray},
    datatypes::{DataType, Float64Type, TimeUnit},
};
use datafusion_common::{Result, ScalarValue, exec_err, plan_err};
use datafusion_expr::{
    ColumnarValue, DocSection, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::{Scale, from_jd, from_mjd, parse};

const SECTION: DocSection = DocSection { include: true, label: "Time Functions", description: None };

const MICROS: i64 = 1_000_000;

static FUNCTIONS: LazyLock<Vec<Arc<ScalarUDF>>> = LazyLock::new(|| {
    [Function::ParseTimestamp, Function::FromMjd, Function::FromJd].into_iter().map(Maker::udf).collect()
});

/// `parse_timestamp(text)`, `mjd_to_timestamp(days, scale)` and `jd_to_timestamp(days, scale)`. Each gives a time in UTC,
/// is immutable, and gives null where its first argument is null.
pub fn functions() -> Vec<Arc<ScalarUDF>> {
    FUNCTIONS.clone()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Function {
    ParseTimestamp,
    FromMjd,
    FromJd,
}

/// One of the functions as DataFusion knows them.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Maker {
    function: Function,
    signature: Signature,
    documentation: Documentation,
}

impl Maker {
    fn udf(function: Function) -> Arc<ScalarUDF> {
        let signature = Signature::user_defined(Volatility::Immutable);
        Arc::new(ScalarUDF::from(Self { function, signature, documentation: function.documentation() }))
    }
}

impl Function {
    fn name(self) -> &'static str {
        match self {
            Self::ParseTimestamp => "parse_timestamp",
            Self::FromMjd => "mjd_to_timestamp",
            Self::FromJd => "jd_to_timestamp",
        }
    }

    fn documentation(self) -> Documentation {
        let (what, argument) = match self {
            Self::ParseTimestamp => ("A time in UTC from text, as the sources read it.", "text"),
            Self::FromMjd => ("A time in UTC from a Modified Julian Date; null outside the years 0 to 9999.", "days"),
            Self::FromJd => ("A time in UTC from a Julian Date; null outside the years 0 to 9999.", "days"),
        };
        let (name, takes_scale) = (self.name(), self != Self::ParseTimestamp);
        let syntax = if takes_scale { format!("{name}(days, scale)") } else { format!("{name}(text)") };
        let builder = Documentation::builder(SECTION, what, syntax).with_argument(argument, "What is read.");
        match takes_scale {
            true => builder.with_argument("scale", "'utc' (which it is without), 'tai' or 'tt'.").build(),
            false => builder.build(),
        }
    }
}

/// The type of all results.
fn micros_in_utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

impl ScalarUDFImpl for Maker {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(micros_in_utc())
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let is_text = |found: &DataType| found.is_string() || found.is_null();
        let is_number = |found: &DataType| found.is_numeric() || found.is_null();
        match (self.function, types) {
            (Function::ParseTimestamp, [text]) if is_text(text) || is_dictionary(text) => Ok(vec![DataType::Utf8]),
            (Function::ParseTimestamp, _) => plan_err!("parse_timestamp(text) takes one text"),
            (_, [days]) if is_number(days) => Ok(vec![DataType::Float64]),
            (_, [days, scale]) if is_number(days) && is_text(scale) => Ok(vec![DataType::Float64, DataType::Utf8]),
            (function, _) => plan_err!("{}(days, scale) takes a number, and perhaps a text", function.name()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let Some(first) = args.args.first() else { return plan_err!("{} takes an argument", self.name()) };
        let values = first.to_array(rows)?;
        let times: TimestampMicrosecondArray = match self.function {
            Function::ParseTimestamp => parsed(&values)?,
            Function::FromMjd => days(&values, scale(args.args.get(1))?, from_mjd),
            Function::FromJd => days(&values, scale(args.args.get(1))?, from_jd),
        };
        let times: ArrayRef = Arc::new(times.with_timezone("UTC"));
        match constant {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&times, 0)?)),
            false => Ok(ColumnarValue::Array(times)),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

fn is_dictionary(found: &DataType) -> bool {
    matches!(found, DataType::Dictionary(_, values) if values.is_string())
}

fn scale(argument: Option<&ColumnarValue>) -> Result<Scale> {
    let name = match argument {
        None => return Ok(Scale::Utc),
        Some(ColumnarValue::Scalar(ScalarValue::Utf8(Some(name)))) => name,
        Some(_) => return exec_err!("the time scale must be a constant: 'utc', 'tai' or 'tt'"),
    };
    match Scale::named(name) {
        Some(scale) => Ok(scale),
        None => exec_err!("there is no time scale '{name}'; possible are 'utc', 'tai' and 'tt'"),
    }
}

fn parsed(values: &ArrayRef) -> Result<TimestampMicrosecondArray> {
    let times = values.as_string::<i32>().iter().map(|text| {
        let Some(text) = text else { return Ok(None) };
        match parse(text.trim().as_bytes()).and_then(|moment| moment.in_units(MICROS)) {
            Some(micros) => Ok(Some(micros)),
            None => exec_err!("'{text}' is not a time"),
        }
    });
    times.collect()
}

fn days(values: &ArrayRef, scale: Scale, read: fn(f64, Scale) -> Option<i64>) -> TimestampMicrosecondArray {
    values.as_primitive::<Float64Type>().iter().map(|days| read(days?, scale)).collect()
}
