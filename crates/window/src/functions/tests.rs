//! The functions as DataFusion calls them.

use arrow::{
    array::{BinaryArray, Int64Array, StringArray},
    datatypes::Schema,
};
use datafusion_functions_aggregate::all_default_aggregate_functions;
use proptest::prelude::*;

use super::*;

fn function(name: &str) -> AggregateUDF {
    query_functions().into_iter().find(|function| function.name() == name).unwrap()
}

/// An accumulator of a call with constants behind its values.
fn accumulator(name: &str, of: DataType, numbers: &[f64]) -> Result<Box<dyn Accumulator>> {
    let function = function(name);
    let literal = |number: &f64| Arc::new(Literal::new(ScalarValue::Float64(Some(*number)))) as Arc<dyn PhysicalExpr>;
    let mut exprs: Vec<Arc<dyn PhysicalExpr>> = vec![Arc::new(Literal::new(ScalarValue::Null))];
    exprs.extend(numbers.iter().map(literal));
    let field: FieldRef = Arc::new(Field::new("x", of, true));
    let mut fields = vec![field.clone()];
    fields.extend(numbers.iter().map(|_| Arc::new(Field::new("n", DataType::Float64, false))));
    function.accumulator(AccumulatorArgs {
        return_field: field,
        schema: &Schema::empty(),
        ignore_nulls: false,
        order_bys: &[],
        is_reversed: false,
        name,
        is_distinct: false,
        exprs: &exprs,
        expr_fields: &fields,
    })
}

#[test]
fn constants_that_mean_nothing_are_refused() {
    for (name, numbers, words) in [
        ("histogram", &[5.0, 1.0, 3.0][..], "low < high"),
        ("top_k", &[0.0], "a count from 1"),
        ("top_k", &[1.5], "a count"),
    ] {
        let error = accumulator(name, DataType::Float64, numbers).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn arguments_of_other_types_are_refused() {
    let coerced =
        |name: &str, types: &[DataType]| function(name).coerce_types(types).map_err(|error| error.to_string());
    let whole = DataType::Int64;
    assert_eq!(coerced("top_k", &[DataType::Boolean, whole.clone()]), Ok(vec![DataType::Boolean, DataType::Float64]));
    let histogram = [DataType::Int32, whole.clone(), whole.clone(), whole.clone()];
    assert_eq!(coerced("histogram", &histogram), Ok(vec![DataType::Float64; 4]));
    assert!(
        coerced("histogram", &[DataType::Utf8, whole.clone(), whole.clone(), whole.clone()])
            .unwrap_err()
            .contains("Utf8")
    );
    assert!(coerced("top_k", &[DataType::Utf8]).unwrap_err().contains("top_k(values, count)"));
    assert!(coerced("top_k", &[DataType::Utf8, DataType::Utf8]).unwrap_err().contains("numbers behind"));
}

#[test]
fn frequent_values_are_counted_as_text() {
    let mut counts = accumulator("top_k", DataType::Int64, &[2.0]).unwrap();
    assert!(counts.size() > 0, "it takes room from the first");
    counts.update_batch(&[Arc::new(Int64Array::from(vec![Some(7), Some(8), None, Some(7)]))]).unwrap();
    assert_eq!(counts.evaluate().unwrap().to_string(), "[{value: 7, count: 2}, {value: 8, count: 1}]");
    let mut texts = accumulator("top_k", DataType::Utf8, &[1.0]).unwrap();
    texts.update_batch(&[Arc::new(StringArray::from(vec!["b", "a"]))]).unwrap();
    assert_eq!(texts.evaluate().unwrap().to_string(), "[{value: a, count: 1}]");
}

/// What a definition may call, a query may call too.
#[test]
fn each_aggregate_of_definitions_is_one_of_queries() {
    let all =
        [query_functions(), all_default_aggregate_functions().iter().map(|of| of.as_ref().clone()).collect()].concat();
    let is_known =
        |name: &str| all.iter().any(|of| of.name() == name || of.aliases().iter().any(|alias| alias == name));
    let missing: Vec<&&str> = AggregateFunction::names().iter().filter(|name| !is_known(name)).collect();
    assert!(missing.is_empty(), "queries lack {missing:?}: a line of `query_functions` each");
}

/// What is asked of a function before its parameters are known is that of the function with any.
#[test]
fn functions_with_states_have_the_type_that_they_have_in_definitions() {
    let of = |name: &str| (function(name).return_type(&[]).unwrap(), function(name).is_nullable());
    assert_eq!(of("histogram"), (DataType::new_list(DataType::Int64, false), false));
    let top = AggregateFunction::TopK(1);
    assert_eq!(of("top_k"), (top.data_type(&DataType::Utf8), top.nullable()));
}

proptest! {
    /// Values cut into parts, each part a state of its own, give what one state gives.
    #[test]
    fn parts_merge_to_the_whole(values in prop::collection::vec(prop::option::of(0_i64..40), 0..80), cut in 0_usize..80) {
        let cut = cut.min(values.len());
        let column = |values: &[Option<i64>]| Arc::new(Int64Array::from(values.to_vec())) as ArrayRef;
        let new = || accumulator("histogram", DataType::Int64, &[5.0, 25.0, 4.0]).unwrap();
        let mut whole = new();
        whole.update_batch(&[column(&values)]).unwrap();
        let mut merged = new();
        for part in [&values[..cut], &values[cut..]] {
            let mut state = new();
            state.update_batch(&[column(part)]).unwrap();
            let state = state.state().unwrap();
            let [ScalarValue::Binary(Some(bytes))] = state.as_slice() else { panic!("not a state: {state:?}") };
            merged.merge_batch(&[Arc::new(BinaryArray::from_vec(vec![bytes]))]).unwrap();
        }
        let found = whole.evaluate().unwrap();
        let count = values.iter().flatten().count() as i64;
        let list = found.to_array().unwrap();
        let bins = list.as_list::<i32>().value(0).as_primitive::<arrow::datatypes::Int64Type>().iter().flatten().sum::<i64>();
        prop_assert_eq!(bins, count);
        prop_assert_eq!(found, merged.evaluate().unwrap());
    }
}
