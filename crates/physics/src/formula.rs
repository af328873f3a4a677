//! What turns a formula over a few numbers into a SQL function over columns.

use std::{
    any::type_name,
    fmt::{self, Debug},
    hash::{Hash, Hasher},
    marker::PhantomData,
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array},
    buffer::NullBuffer,
    datatypes::{DataType, Field, FieldRef, Float64Type},
};
use datafusion_common::{Result, ScalarValue, plan_err};
use datafusion_expr::{
    ColumnarValue, DocSection, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

/// Where the reference of SQL functions puts these.
const SECTION: DocSection = DocSection { include: true, label: "Particle Physics Functions", description: None };

/// A function of float64 columns. Null in any argument gives null; NaN and infinities follow IEEE 754.
pub(crate) trait Formula: Send + Sync + 'static {
    /// The SQL name.
    const NAME: &'static str;
    /// Names and meanings of the arguments (of one particle, where `VARIADIC`).
    const ARGUMENTS: &'static [(&'static str, &'static str)];
    /// Whether the arguments may stand several times, once a particle.
    const VARIADIC: bool = false;
    /// What it gives, by which formula, from which source.
    const DESCRIPTION: &'static str;

    /// One value a row. The columns are of equal length, and as many as `ARGUMENTS` or (`VARIADIC`) a multiple of it.
    fn values(columns: &[&[f64]]) -> Vec<f64>;
}

/// One value a row from a formula over `N` columns, in one loop with the formula inlined. (For another number of
/// columns, which `coerce_types` lets through to nobody, there are no values.)
pub(crate) fn rowwise<const N: usize>(columns: &[&[f64]], formula: impl Fn([f64; N]) -> f64) -> Vec<f64> {
    let Ok(columns) = <[&[f64]; N]>::try_from(columns) else { return Vec::new() };
    let rows = columns.iter().map(|column| column.len()).min().unwrap_or_default();
    let columns = columns.map(|column| &column[..rows]);
    (0..rows).map(|row| formula(std::array::from_fn(|index| columns[index][row]))).collect()
}

/// A formula as DataFusion knows functions.
pub(crate) struct FormulaUdf<F> {
    signature: Signature,
    documentation: Documentation,
    formula: PhantomData<F>,
}

/// The SQL function of a formula.
pub(crate) fn udf<F: Formula>() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(FormulaUdf::<F> {
        signature: Signature::user_defined(Volatility::Immutable),
        documentation: documentation::<F>(),
        formula: PhantomData,
    }))
}

fn documentation<F: Formula>() -> Documentation {
    let builder = Documentation::builder(SECTION, F::DESCRIPTION, syntax::<F>());
    F::ARGUMENTS.iter().fold(builder, |builder, (name, meaning)| builder.with_argument(*name, *meaning)).build()
}

/// `delta_r(eta1, phi1, eta2, phi2)`, `invariant_mass(e1, px1, py1, pz1, e2, ...)`.
fn syntax<F: Formula>() -> String {
    let name = F::NAME;
    if F::VARIADIC {
        let first: Vec<String> = F::ARGUMENTS.iter().map(|(name, _)| format!("{name}1")).collect();
        let second = F::ARGUMENTS.first().map(|(name, _)| format!(", {name}2, ...")).unwrap_or_default();
        format!("{name}({}{second})", first.join(", "))
    } else {
        let names: Vec<&str> = F::ARGUMENTS.iter().map(|(name, _)| *name).collect();
        format!("{name}({})", names.join(", "))
    }
}

impl<F: Formula> ScalarUDFImpl for FormulaUdf<F> {
    fn name(&self) -> &str {
        F::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(F::NAME, DataType::Float64, nullable)))
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let expected = F::ARGUMENTS.len();
        let complete = if F::VARIADIC {
            !types.is_empty() && types.len().is_multiple_of(expected)
        } else {
            types.len() == expected
        };
        if !complete {
            let each = if F::VARIADIC { " for each particle" } else { "" };
            return plan_err!("{} takes {expected} numbers{each}, but {} are given", syntax::<F>(), types.len());
        }
        for (index, found) in types.iter().enumerate() {
            if !found.is_numeric() && !found.is_null() {
                let (name, _) = F::ARGUMENTS[index % expected];
                let position = index + 1;
                return plan_err!("{} takes numbers, but argument {position} (`{name}`) is {found}", syntax::<F>());
            }
        }
        Ok(vec![DataType::Float64; types.len()])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let result: ArrayRef = Arc::new(evaluate::<F>(&arrays)?);
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

fn evaluate<F: Formula>(arrays: &[ArrayRef]) -> Result<Float64Array> {
    let columns: Vec<&[f64]> =
        arrays.iter().map(|array| array.as_primitive::<Float64Type>().values().as_ref()).collect();
    let nulls =
        arrays.iter().fold(None, |nulls: Option<NullBuffer>, array| NullBuffer::union(nulls.as_ref(), array.nulls()));
    Ok(Float64Array::try_new(F::values(&columns).into(), nulls)?)
}

// A formula has no state: two functions of the same formula are the same function.

impl<F> Debug for FormulaUdf<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(type_name::<F>())
    }
}

impl<F> PartialEq for FormulaUdf<F> {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl<F> Eq for FormulaUdf<F> {}

impl<F: 'static> Hash for FormulaUdf<F> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::any::TypeId::of::<F>().hash(state);
    }
}
