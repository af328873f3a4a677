//! The mathematical functions of expressions, computed by `libm` instead of the system's C library.
//!
//! A system's `log` or `exp` may differ in the last bit from another system's, another version's or another processor's
//! (glibc chooses an implementation by what the processor has). An event's score would then depend on the machine, and a
//! restart on another one would not give the same answer. `sqrt` and the four operations need no help: IEEE 754 says
//! every bit of their results. All else about a function, its name, its types and its documentation, stays DataFusion's.

use std::sync::Arc;

use arrow::{
    array::{AsArray, Float64Array},
    compute::{
        cast,
        kernels::arity::{binary, unary},
    },
    datatypes::{DataType, Float64Type},
};
use datafusion_common::{Result, exec_err};
use datafusion_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature};

/// The function itself where it is one of those, and whatever else it is otherwise.
pub fn portable(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    match Formula::of(function.name()) {
        Some(formula) => Arc::new(ScalarUDF::from(Portable { function, formula })),
        None => function,
    }
}

/// A function of DataFusion that is computed here.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Portable {
    function: Arc<ScalarUDF>,
    formula: Formula,
}

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Formula {
    Acos,
    Acosh,
    Asin,
    Asinh,
    Atan,
    Atan2,
    Atanh,
    Cbrt,
    Cos,
    Cosh,
    Cot,
    Exp,
    Ln,
    Log,
    Log10,
    Log2,
    Power,
    Sin,
    Sinh,
    Tan,
    Tanh,
}

impl Formula {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "acos" => Self::Acos,
            "acosh" => Self::Acosh,
            "asin" => Self::Asin,
            "asinh" => Self::Asinh,
            "atan" => Self::Atan,
            "atan2" => Self::Atan2,
            "atanh" => Self::Atanh,
            "cbrt" => Self::Cbrt,
            "cos" => Self::Cos,
            "cosh" => Self::Cosh,
            "cot" => Self::Cot,
            "exp" => Self::Exp,
            "ln" => Self::Ln,
            "log" => Self::Log,
            "log10" => Self::Log10,
            "log2" => Self::Log2,
            "power" => Self::Power,
            "sin" => Self::Sin,
            "sinh" => Self::Sinh,
            "tan" => Self::Tan,
            "tanh" => Self::Tanh,
            _ => return None,
        })
    }

    /// The value for one argument; that of a function with two is for its second alone, or by 10.
    fn one(self, values: &Float64Array) -> Float64Array {
        let function: fn(f64) -> f64 = match self {
            Self::Acos => libm::acos,
            Self::Acosh => libm::acosh,
            Self::Asin => libm::asin,
            Self::Asinh => libm::asinh,
            Self::Atan => libm::atan,
            Self::Atanh => libm::atanh,
            Self::Cbrt => libm::cbrt,
            Self::Cos => libm::cos,
            Self::Cosh => libm::cosh,
            Self::Cot => |x| 1.0 / libm::tan(x),
            Self::Exp => libm::exp,
            Self::Ln => return unary(values, ln),
            Self::Log | Self::Log10 => libm::log10,
            Self::Log2 => libm::log2,
            Self::Sin => libm::sin,
            Self::Sinh => libm::sinh,
            Self::Tan => libm::tan,
            Self::Tanh => libm::tanh,
            Self::Atan2 | Self::Power => |_| f64::NAN,
        };
        unary(values, function)
    }

    fn two(self, a: &Float64Array, b: &Float64Array) -> Result<Float64Array> {
        Ok(match self {
            Self::Atan2 => binary(a, b, libm::atan2)?,
            // The base comes first.
            Self::Log => binary(a, b, |base, x| libm::log(x) / libm::log(base))?,
            Self::Power => {
                let undefined = |(base, exponent): (Option<f64>, Option<f64>)| {
                    base == Some(0.0) && exponent.is_some_and(|exponent| exponent < 0.0)
                };
                if a.iter().zip(b).any(undefined) {
                    return exec_err!("zero raised to a negative power is undefined");
                }
                binary(a, b, libm::pow)?
            }
            _ => return exec_err!("a function of one argument has two"),
        })
    }
}

impl ScalarUDFImpl for Portable {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn aliases(&self) -> &[String] {
        self.function.aliases()
    }

    fn signature(&self) -> &Signature {
        self.function.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.function.return_type(arguments)
    }

    fn is_strict(&self) -> bool {
        self.function.inner().is_strict()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.function.documentation()
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.function.inner().coerce_types(arguments)
    }

    /// In double precision whatever the type is, and rounded to it.
    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let doubles = arrays.iter().map(|array| cast(array, &DataType::Float64)).collect::<Result<Vec<_>, _>>()?;
        let value = match doubles.as_slice() {
            [x] => self.formula.one(x.as_primitive::<Float64Type>()),
            [a, b] => self.formula.two(a.as_primitive(), b.as_primitive())?,
            _ => return exec_err!("{} has {} arguments", self.name(), doubles.len()),
        };
        Ok(ColumnarValue::Array(cast(&value, arguments.return_field.data_type())?))
    }
}
/// Inlined, for most features have one.
#[inline]
fn ln(x: f64) -> f64 {
    libm::log(x)
}
