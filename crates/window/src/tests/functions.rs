//! Each aggregate function over each kind of values: in one state, and in two that are written down and merged.

use std::sync::Arc;

use arrow::array::{
    BooleanArray, Date32Array, Float32Array, Int32Array, Int64Array, TimestampSecondArray, UInt64Array,
};
use arrow::array::{DictionaryArray, TimestampMillisecondArray, TimestampNanosecondArray};
use arrow::datatypes::Int32Type;
use expr::AggregateFunction;

use super::*;
use crate::{
    accumulate::{Accumulators, Input, accumulators_of, plain},
    bytes::Reader,
};

/// The result of a group as text; empty where it is null.
fn shown(states: &mut dyn Accumulators, slot: u32) -> String {
    array_value_to_string(&states.finish(&[slot]).unwrap(), 0).unwrap()
}

/// What a function gives of values at the times and with the ids of their rows, by which also parts of them are put together.
fn result(function: AggregateFunction, values: &ArrayRef, times: &[i64], ids: &[&str]) -> String {
    let ids = StringArray::from(ids.to_vec());
    let rows: Vec<u32> = (0..values.len() as u32).collect();
    let update = |states: &mut dyn Accumulators, rows: &[u32], slot: u32| {
        let slots = vec![slot; rows.len()];
        states.update(&Input { rows, slots: &slots, values: Some(values), times, ids: &ids }).unwrap();
    };
    let mut states = accumulators_of(function, values.data_type()).unwrap();
    states.resize(3);
    update(states.as_mut(), &rows, 1);
    let whole = shown(states.as_mut(), 1);
    for cut in 0..=rows.len() {
        let mut merged = accumulators_of(function, values.data_type()).unwrap();
        merged.resize(4);
        update(merged.as_mut(), &rows[cut..], 2);
        update(merged.as_mut(), &rows[..cut], 3);
        for part in [2, 3, 0] {
            let mut state = Vec::new();
            merged.encode(part, &mut state).unwrap();
            let mut reader = Reader(&state);
            merged.merge(1, &mut reader).unwrap();
            assert!(reader.0.is_empty(), "{function:?} reads what it has written");
        }
        assert_eq!(shown(merged.as_mut(), 1), whole, "{function:?} of parts, cut at {cut}");
        let none = shown(merged.as_mut(), 0);
        merged.clear(1);
        assert_eq!(shown(merged.as_mut(), 1), none, "{function:?} of nothing");
    }
    whole
}

/// Of four rows; the second and third are at one time.
fn of(function: AggregateFunction, values: ArrayRef) -> String {
    result(function, &values, &[5, 3, 3, 4], &["d", "c", "b", "a"])
}

use AggregateFunction::{
    ApproxDistinct, ApproxPercentile, Avg, Count, Deviation, First, Last, Max, Min, Sum, TopK, Variance,
};

fn doubles(values: [f64; 4]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

#[test]
fn numbers() {
    let whole = || Arc::new(Int64Array::from(vec![Some(4), None, Some(-1), Some(3)])) as ArrayRef;
    assert_eq!(of(Count, whole()), "3");
    assert_eq!([of(Sum, whole()), of(Avg, whole())], ["6", "2.0"]);
    assert_eq!([of(Min, whole()), of(Max, whole())], ["-1", "4"]);
    assert_eq!([of(First, whole()), of(Last, whole())], ["-1", "4"]);
    assert_eq!(of(Variance { sample: true }, whole()), "7.0");
    let real = || doubles([1.5, 2.5, -0.5, 0.5]);
    assert_eq!([of(Sum, real()), of(Avg, real())], ["4.0", "1.0"]);
    assert_eq!([of(Min, real()), of(Max, real())], ["-0.5", "2.5"]);
    assert_eq!(
        [of(Variance { sample: false }, real()), of(Variance { sample: true }, doubles([1.0, 2.0, 3.0, 6.0]))],
        ["1.25", "4.666666666666667"]
    );
    assert_eq!(of(Deviation { sample: false }, doubles([1.0, 3.0, 1.0, 3.0])), "1.0");
    let single: ArrayRef = Arc::new(Float32Array::from(vec![0.5, 8.0, 0.25, 1.0]));
    assert_eq!([of(Max, single.clone()), of(Sum, single)], ["8.0", "9.75"]);
    let beyond_doubles: ArrayRef = Arc::new(Int64Array::from(vec![(1 << 53) + 1, 1, 0, 0]));
    assert_eq!(of(Avg, beyond_doubles), "2251799813685248.5", "whole numbers are added as such");
    let narrow: ArrayRef = Arc::new(Int32Array::from(vec![7, 9, 2, 4]));
    assert_eq!([of(Min, narrow.clone()), of(Last, narrow)], ["2", "7"]);
}

#[test]
fn what_has_no_value_is_null() {
    let none: ArrayRef = Arc::new(Int64Array::from(vec![None; 4]));
    let functions = [Sum, Avg, Min, Max, First, Last, Variance { sample: false }, ApproxPercentile(0.5)];
    assert!(functions.into_iter().all(|function| of(function, none.clone()).is_empty()));
    assert_eq!(of(Count, none), "0");
    let real: ArrayRef = Arc::new(Float64Array::from(vec![None, None, None, Some(3.0)]));
    assert_eq!(
        [of(Variance { sample: true }, real.clone()), of(Variance { sample: false }, real.clone())],
        ["", "0.0"]
    );
    assert_eq!([of(Sum, real.clone()), of(Avg, real)], ["3.0", "3.0"]);
    let beyond: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX, 1, 0, 0]));
    assert_eq!(of(Sum, beyond), "", "a sum beyond 64 bits");
    let infinite = || doubles([f64::INFINITY, 1.0, 2.0, 3.0]);
    assert_eq!([of(Variance { sample: false }, infinite()), of(Sum, infinite())], ["NaN", "inf"]);
    assert_eq!(of(Variance { sample: false }, doubles([1e300, 0.0, 0.0, 0.0])), "inf");
}

#[test]
fn of_one_time_the_id_decides() {
    let values = || doubles([1.0, 2.0, 3.0, 4.0]);
    assert_eq!([of(First, values()), of(Last, values())], ["3.0", "1.0"], "b comes before c");
    let at_once = |function, ids: [&str; 4]| result(function, &values(), &[7; 4], &ids);
    assert_eq!([at_once(First, ["b", "c", "a", "d"]), at_once(Last, ["b", "c", "a", "d"])], ["3.0", "4.0"]);
}

#[test]
fn true_and_false() {
    let flags = || Arc::new(BooleanArray::from(vec![Some(true), Some(false), Some(true), None])) as ArrayRef;
    assert_eq!([of(Sum, flags()), of(Count, flags()), of(Min, flags()), of(Max, flags())], ["2", "3", "false", "true"]);
    assert_eq!([of(First, flags()), of(ApproxDistinct, flags())], ["true", "2"]);
}

#[test]
fn texts() {
    let texts = || Arc::new(StringArray::from(vec![Some("m"), Some("b"), Some("z"), None])) as ArrayRef;
    assert_eq!([of(Min, texts()), of(Max, texts()), of(First, texts()), of(Last, texts())], ["b", "z", "z", "m"]);
    assert_eq!(of(ApproxDistinct, Arc::new(StringArray::from(vec!["a", "b", "a", ""]))), "3");
    let often: ArrayRef = Arc::new(StringArray::from(vec!["b", "a", "c", "b"]));
    assert_eq!(of(TopK(2), often), "[{value: b, count: 2}, {value: a, count: 1}]");
}

#[test]
fn dates_and_times_keep_their_type() {
    let days: ArrayRef = Arc::new(Date32Array::from(vec![2, 0, 1, 3]));
    assert_eq!([of(Min, days.clone()), of(Last, days.clone())], ["1970-01-01", "1970-01-03"]);
    assert_eq!(of(ApproxDistinct, days), "4");
    let times: [ArrayRef; 4] = [
        Arc::new(TimestampSecondArray::from(vec![2, 1, 4, 3]).with_timezone("+01:00")),
        Arc::new(TimestampMillisecondArray::from(vec![2_000, 1_000, 4_000, 3_000]).with_timezone("+01:00")),
        Arc::new(
            TimestampMicrosecondArray::from(vec![2_000_000, 1_000_000, 4_000_000, 3_000_000]).with_timezone("+01:00"),
        ),
        Arc::new(
            TimestampNanosecondArray::from(vec![2_000_000_000, 1_000_000_000, 4_000_000_000, 3_000_000_000])
                .with_timezone("+01:00"),
        ),
    ];
    for times in times {
        assert_eq!(of(Max, times.clone()), "1970-01-01T01:00:04+01:00", "{}", times.data_type());
        assert_eq!(of(First, times), "1970-01-01T01:00:04+01:00");
    }
    let plain: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![7, 3, 9, 8]));
    assert_eq!(of(Min, plain), "1970-01-01T00:00:00.000003");
}

#[test]
fn a_dictionary_is_taken_as_its_values() {
    let names: DictionaryArray<Int32Type> = vec![Some("b"), None, Some("a"), Some("b")].into_iter().collect();
    let names: ArrayRef = Arc::new(names);
    let texts = plain(&names).unwrap();
    assert_eq!(texts.data_type(), &DataType::Utf8);
    assert_eq!([of(Min, texts.clone()), of(TopK(1), texts)], ["a", "[{value: b, count: 2}]"]);
    assert!(accumulators_of(Max, names.data_type()).unwrap().finish(&[]).unwrap().data_type() == &DataType::Utf8);
}

#[test]
fn different_numbers_are_told_apart_by_their_values() {
    assert_eq!(of(ApproxDistinct, doubles([0.0, -0.0, f64::NAN, -f64::NAN])), "2");
    assert_eq!(of(ApproxDistinct, doubles([0.25, 0.5, 0.75, 0.25])), "3");
    assert_eq!(of(ApproxDistinct, Arc::new(UInt64Array::from(vec![1, 2, 3, 3]))), "3");
}

#[test]
fn each_slot_has_its_own_different_values() {
    let values: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 3, 4]));
    let ids = StringArray::from(vec![""; 5]);
    let mut states = accumulators_of(ApproxDistinct, &DataType::Int64).unwrap();
    states.resize(2);
    let input =
        Input { rows: &[0, 1, 2, 3, 4], slots: &[0, 0, 1, 0, 1], values: Some(&values), times: &[0; 5], ids: &ids };
    states.update(&input).unwrap();
    assert_eq!([shown(states.as_mut(), 0), shown(states.as_mut(), 1)], ["3", "2"]);
}

#[test]
fn a_percentile_passes_over_what_is_not_finite() {
    assert_eq!(of(ApproxPercentile(0.5), doubles([4.0, 1.0, f64::NAN, 2.0])), "2.0");
    assert_eq!(of(ApproxPercentile(0.25), doubles([4.0, 1.0, f64::INFINITY, 2.0])), "1.5");
}

#[test]
fn a_histogram_counts_what_is_below_within_and_above() {
    let histogram = AggregateFunction::Histogram { low: 2.0, high: 8.0, bins: 3 };
    assert_eq!(of(histogram, doubles([1.9, 2.0, 4.0, 8.0])), "[1, 1, 1, 0, 1]");
    assert_eq!(of(histogram, doubles([f64::NAN, 3.9, 7.9, 6.0])), "[0, 1, 0, 2, 0]");
    assert_eq!(of(histogram, Arc::new(Float64Array::from(vec![None; 4]))), "[0, 0, 0, 0, 0]");
    let mut other =
        accumulators_of(AggregateFunction::Histogram { low: 0.0, high: 4.0, bins: 3 }, &DataType::Float64).unwrap();
    other.resize(1);
    let mut state = 4_u32.to_le_bytes().to_vec();
    state.extend([0; 32]);
    assert!(other.merge(0, &mut Reader(&state)).is_err(), "a state with other bins");
}

/// Thousands of values, in one state and in two: near the true rank, and the smallest and largest as they are.
#[test]
fn digests_that_are_merged_are_as_good_as_one() {
    let values: Vec<f64> = (0..4_000_u32).map(|n| f64::from(n * 2_731 % 4_000)).collect();
    let column: ArrayRef = Arc::new(Float64Array::from(values));
    let (times, ids) = (vec![0; 4_000], StringArray::from(vec![""; 4_000]));
    for share in [0.0, 0.1, 0.5, 0.9, 1.0] {
        let mut states = accumulators_of(ApproxPercentile(share), &DataType::Float64).unwrap();
        states.resize(3);
        let rows: Vec<u32> = (0..4_000).collect();
        let slots: Vec<u32> = rows.iter().map(|row| u32::from(*row >= 1_300)).collect();
        states.update(&Input { rows: &rows, slots: &slots, values: Some(&column), times: &times, ids: &ids }).unwrap();
        for part in [0, 1] {
            let mut state = Vec::new();
            states.encode(part, &mut state).unwrap();
            states.merge(2, &mut Reader(&state)).unwrap();
        }
        let found: f64 = shown(states.as_mut(), 2).parse().unwrap();
        assert!((found / 3_999.0 - share).abs() < 0.01, "{share}: {found}");
    }
}
