//! The mathematical functions of expressions give the same bits on every machine.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Float32Array, Float64Array, Int64Array, RecordBatch},
    datatypes::{DataType, Float32Type, Float64Type},
};
use expr::Expression;

const ROWS: usize = 20_000;

fn evaluate(sql: &str, batch: &RecordBatch) -> ArrayRef {
    let expression = Expression::compile(sql, batch.schema_ref()).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let evaluated = expression.evaluate(batch).unwrap();
    assert_eq!(evaluated.failed, [], "{sql}");
    evaluated.values
}

fn batch(columns: &[(&str, ArrayRef)]) -> RecordBatch {
    RecordBatch::try_from_iter(columns.iter().map(|(name, values)| (*name, values.clone()))).unwrap()
}

/// Values between the bounds, the same on every machine.
fn numbers(low: f64, high: f64) -> Vec<f64> {
    (0..ROWS).map(|row| low + (high - low) * (row as f64 + 0.37) / ROWS as f64).collect()
}

/// Every function over a range of its arguments, against libm. Where a system's C library computes any of them
/// otherwise, so would a build that used it.
#[test]
fn every_function_is_that_of_libm() {
    type Function = fn(f64) -> f64;
    let functions: [(&str, Function, f64, f64); 19] = [
        ("acos", libm::acos, -1.0, 1.0),
        ("acosh", libm::acosh, 1.0, 50.0),
        ("asin", libm::asin, -1.0, 1.0),
        ("asinh", libm::asinh, -50.0, 50.0),
        ("atan", libm::atan, -50.0, 50.0),
        ("atanh", libm::atanh, -1.0, 1.0),
        ("cbrt", libm::cbrt, -50.0, 50.0),
        ("cos", libm::cos, -50.0, 50.0),
        ("cosh", libm::cosh, -20.0, 20.0),
        ("cot", |x| 1.0 / libm::tan(x), 0.1, 3.0),
        ("exp", libm::exp, -50.0, 50.0),
        ("ln", libm::log, 0.0, 1000.0),
        ("log", libm::log10, 0.0, 1000.0),
        ("log10", libm::log10, 0.0, 1000.0),
        ("log2", libm::log2, 0.0, 1000.0),
        ("sin", libm::sin, -50.0, 50.0),
        ("sinh", libm::sinh, -20.0, 20.0),
        ("tan", libm::tan, -50.0, 50.0),
        ("tanh", libm::tanh, -5.0, 5.0),
    ];
    for (name, function, low, high) in functions {
        let x = numbers(low, high);
        let values = evaluate(&format!("{name}(x)"), &batch(&[("x", Arc::new(Float64Array::from(x.clone())))]));
        let values = values.as_primitive::<Float64Type>();
        let other = x.iter().zip(values.values()).find(|(x, value)| function(**x).to_bits() != value.to_bits());
        assert_eq!(other, None, "{name}: an argument, and a value that is not libm's");
    }
    type OfTwo = fn(f64, f64) -> f64;
    let (a, b) = (numbers(0.1, 20.0), numbers(-3.0, 3.0));
    let both = batch(&[("a", Arc::new(Float64Array::from(a.clone()))), ("b", Arc::new(Float64Array::from(b.clone())))]);
    let functions: [(&str, OfTwo); 5] = [
        ("power(a, b)", libm::pow),
        ("pow(a, b)", libm::pow),
        ("atan2(a, b)", libm::atan2),
        ("atan2(b, a)", |a, b| libm::atan2(b, a)),
        ("log(2 + a, 7 + b)", |a, b| libm::log(7.0 + b) / libm::log(2.0 + a)),
    ];
    for (sql, function) in functions {
        let values = evaluate(sql, &both);
        let values = values.as_primitive::<Float64Type>().values();
        let row = (0..ROWS).find(|row| function(a[*row], b[*row]).to_bits() != values[*row].to_bits());
        assert_eq!(row, None, "{sql}: a row whose value is not libm's");
    }
}

/// Bits that were written down: a change of libm that changed scores would be seen.
#[test]
fn some_values_have_the_bits_that_they_had() {
    let of = |sql: &str| evaluate(sql, &batch(&[("x", Arc::new(Float64Array::from(vec![0.7])))]));
    let bits = |sql: &str| format!("{:x}", of(sql).as_primitive::<Float64Type>().value(0).to_bits());
    // As 60 digits, rounded, have them.
    assert_eq!(bits("ln(x)"), "bfd6d3c324e13f50");
    assert_eq!(bits("exp(x)"), "40001c2a61268987");
    assert_eq!(bits("sin(x + 11.8)"), "bfb0fa78cc21cfbb");
    assert_eq!(bits("atan2(x - x - 0.4, x - x + 0.9)"), "bfdac42ffa7bcbcf");
}

#[test]
fn types_nulls_and_errors_are_as_before() {
    let columns: [(&str, ArrayRef); 3] = [
        ("single", Arc::new(Float32Array::from(vec![Some(2.5), None]))),
        ("whole", Arc::new(Int64Array::from(vec![8, 0]))),
        ("double", Arc::new(Float64Array::from(vec![0.0, 4.0]))),
    ];
    let batch = batch(&columns);
    let single = evaluate("ln(single)", &batch);
    assert_eq!((single.data_type(), single.null_count()), (&DataType::Float32, 1));
    assert_eq!(single.as_primitive::<Float32Type>().value(0), libm::log(2.5) as f32);
    let whole = evaluate("log2(whole)", &batch);
    assert_eq!(whole.as_primitive::<Float64Type>().values()[..], [3.0, f64::NEG_INFINITY]);
    assert_eq!(evaluate("power(2, 10) + exp(0)", &batch).as_primitive::<Float64Type>().values()[..], [1025.0; 2]);
    let failing = Expression::compile("power(double, -1)", batch.schema_ref()).unwrap().evaluate(&batch).unwrap();
    let failed: Vec<usize> = failing.failed.iter().map(|(row, _)| *row).collect();
    assert_eq!(failed, [0], "zero to a negative power is undefined, and the other row has its value");
}
