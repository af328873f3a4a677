//! What compiles, to which values, and what is said where it does not.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
        TimestampMicrosecondArray,
    },
    datatypes::{DataType, Field, Fields, Int32Type, Schema},
    util::display::array_value_to_string,
};
use expr::{ExprError, Expression};

/// Two rows of an event stream, with names that are not words, and names that differ in case only.
fn events() -> RecordBatch {
    let position =
        Fields::from(vec![Field::new("x", DataType::Float64, false), Field::new("kind", DataType::Utf8, true)]);
    let x: ArrayRef = Arc::new(Float64Array::from(vec![1.5, -2.0]));
    let kind: ArrayRef = Arc::new(StringArray::from(vec![Some("barrel"), None]));
    let hits = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(4), Some(5)]), Some(vec![])]);
    let times =
        TimestampMicrosecondArray::from(vec![1_735_689_600_000_000, 1_735_700_000_000_000]).with_timezone("UTC");
    RecordBatch::try_from_iter_with_nullable([
        ("energy_gev", Arc::new(Float64Array::from(vec![12.0, 900.0])) as ArrayRef, false),
        ("Energy_GeV", Arc::new(Int64Array::from(vec![1, 2])), false),
        ("count", Arc::new(Int64Array::from(vec![Some(7), None])), true),
        ("zero", Arc::new(Int64Array::from(vec![0, 5])), false),
        ("name", Arc::new(StringArray::from(vec![Some("muon-1"), Some("K0")])), true),
        ("beam energy", Arc::new(Float64Array::from(vec![6500.0, 6800.0])), false),
        ("timestamp", Arc::new(times), false),
        ("position", Arc::new(StructArray::new(position, vec![x, kind], None)), false),
        ("hits", Arc::new(hits), false),
    ])
    .unwrap()
}

fn values(sql: &str) -> [String; 2] {
    let events = events();
    let expression = Expression::compile(sql, events.schema_ref()).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let evaluated = expression.evaluate(&events).unwrap();
    assert_eq!(evaluated.values.data_type(), expression.data_type(), "{sql}");
    assert!(expression.nullable() || evaluated.values.logical_null_count() == 0, "{sql}");
    assert_eq!(evaluated.failed, [], "{sql}");
    [0, 1].map(|row| array_value_to_string(&evaluated.values, row).unwrap())
}

fn error(sql: &str) -> ExprError {
    Expression::compile(sql, events().schema_ref()).map(|_| ()).expect_err(sql)
}

#[test]
fn common_sql_works() {
    for (sql, expected) in [
        ("energy_gev * 2 + 1", ["25.0", "1801.0"]),
        ("Energy_GeV + energy_gev", ["13.0", "902.0"]),
        (r#""Energy_GeV" + 1"#, ["2", "3"]),
        (r#""beam energy" / 1000"#, ["6.5", "6.8"]),
        ("SQRT(energy_gev * 3) = 6", ["true", "false"]),
        ("count % 4", ["3", ""]),
        ("count IS NULL OR count > 10", ["false", "true"]),
        ("NOT (energy_gev > 20 AND zero = 5)", ["true", "false"]),
        ("CASE WHEN energy_gev > 500 THEN 'high' ELSE 'low' END", ["low", "high"]),
        ("CASE zero WHEN 0 THEN 'none' END", ["none", ""]),
        ("coalesce(count, -1)", ["7", "-1"]),
        ("zero <> 0 AND 10 / zero = 2", ["false", "true"]),
        ("zero = 0 OR 10 / zero = 3", ["true", "false"]),
        ("CASE WHEN zero <> 0 THEN 10 / zero END", ["", "2"]),
        ("count / nullif(zero, 0)", ["", ""]),
        ("CAST(energy_gev AS BIGINT)", ["12", "900"]),
        ("zero::varchar || name", ["0muon-1", "5K0"]),
        ("name LIKE 'muon%'", ["true", "false"]),
        ("name IN ('K0', 'K+')", ["false", "true"]),
        ("energy_gev BETWEEN 1 AND 100", ["true", "false"]),
        ("upper(substr(name, 1, 2))", ["MU", "K0"]),
        ("name ~ '^[a-z]+-[0-9]$'", ["true", "false"]),
        ("regexp_replace(name, '[0-9]', '#')", ["muon-#", "K#"]),
        ("round(ln(exp(energy_gev / 100)), 6)", ["0.12", "9.0"]),
        ("timestamp > '2025-01-01 01:00:00'", ["false", "true"]),
        ("timestamp >= TIMESTAMP '2025-01-01T00:00:00Z'", ["true", "true"]),
        ("date_part('minute', timestamp)", ["0", "53"]),
        ("EXTRACT(HOUR FROM timestamp)", ["0", "2"]),
        ("date_trunc('hour', timestamp)", ["2025-01-01T00:00:00Z", "2025-01-01T02:00:00Z"]),
        ("timestamp + INTERVAL '1 hour' > TIMESTAMP '2025-01-01T01:30:00Z'", ["false", "true"]),
        ("position.x * 2", ["3.0", "-4.0"]),
        ("position['kind']", ["barrel", ""]),
        ("hits[1]", ["4", ""]),
        ("array_length(hits)", ["2", "0"]),
        ("transverse_momentum(Energy_GeV, 0)", ["1.0", "2.0"]),
        ("Invariant_Mass(13 * Energy_GeV, 0, 0, 5 * Energy_GeV)", ["12.0", "24.0"]),
        ("azimuth(count, NULL)", ["", ""]),
        ("1 + 1", ["2", "2"]),
        ("'a'", ["a", "a"]),
        ("pi()", ["3.141592653589793", "3.141592653589793"]),
    ] {
        assert_eq!(values(sql), expected, "{sql}");
    }
}

#[test]
fn names_get_suggestions() {
    let unknown = |sql: &str| match error(sql) {
        ExprError::UnknownColumn { column, suggestion } => format!("{column}: {suggestion}"),
        ExprError::UnknownFunction { function, suggestion } => format!("{function}(): {suggestion}"),
        other => format!("{other:?}"),
    };
    assert_eq!(unknown("enrgy_gev > 0"), "enrgy_gev: did you mean `energy_gev`?");
    assert_eq!(unknown("events.zero > 0"), "events.zero: write `zero` alone");
    assert_eq!(unknown("postion.x > 0"), "postion.x: did you mean `position`?");
    assert_eq!(
        unknown("ENERGY + 1"),
        "ENERGY: there are `energy_gev`, `Energy_GeV`, `count`, `zero`, `name`, `beam energy`, `timestamp`, \
         `position`, `hits`"
    );
    assert_eq!(unknown("squrt(zero)"), "squrt(): did you mean `sqrt`?");
    assert_eq!(unknown("pseudo_rapidity(1, 2, 3)"), "pseudo_rapidity(): did you mean `pseudorapidity`?");
    assert_eq!(unknown("frobnicate(1)"), "frobnicate(): no function has a similar name");
}

#[test]
fn more_than_a_deterministic_expression_over_one_row_is_refused() {
    for (sql, part) in [
        ("", "expected"),
        ("energy_gev >", "expected"),
        ("energy_gev > 0; DROP TABLE x", "`;` begins another"),
        ("energy_gev, zero", "`,` begins another"),
        ("energy_gev zero", "ends before `zero`"),
        ("energy_gev AS e", "ends before `AS`"),
        ("'open", "unterminated"),
        ("zero IN (SELECT 1)", "subquery"),
        ("(SELECT 1)", "subquery"),
        ("EXISTS (SELECT 1)", "subquery"),
        ("sum(energy_gev)", "aggregate"),
        ("count(*) > 3", "aggregate"),
        ("row_number() OVER ()", "window function"),
        ("sum(zero) OVER (PARTITION BY name)", "window function"),
        ("zero + $1", "parameter"),
        ("*", "expected"),
        ("abs(*)", "all columns"),
    ] {
        let ExprError::Syntax { message } = error(sql) else { panic!("{sql}: {:?}", error(sql)) };
        assert!(message.contains(part), "{sql}: {message}");
    }
    for sql in ["now() > timestamp", "random()", "current_date", "uuid()", "CURRENT_TIMESTAMP"] {
        assert!(matches!(error(sql), ExprError::NotDeterministic { .. }), "{sql}: {:?}", error(sql));
    }
}

#[test]
fn types_are_checked_with_what_was_expected_and_found() {
    let schema: &Schema = &events().schema();
    let message = |result: Result<Expression, ExprError>| match result {
        Err(ExprError::Type { message }) => message,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        message(Expression::compile_boolean("energy_gev + 1", schema)),
        "the check must be true or false, but `energy_gev + 1` is Float64"
    );
    assert_eq!(message(Expression::compile_float("name", schema)), "a number is expected, but `name` is Utf8");
    for (sql, parts) in [
        ("name + 1", ["Utf8", "Int64"]),
        ("name AND true", ["Utf8", "Boolean"]),
        ("sqrt(name)", ["sqrt", "Utf8"]),
        ("azimuth(zero)", ["azimuth(px, py) takes 2 numbers", "1 are given"]),
        ("azimuth(zero, name)", ["azimuth(px, py)", "argument 2 (`py`) is Utf8"]),
        ("invariant_mass(zero, 1, 2)", ["4 numbers for each particle", "3 are given"]),
        ("timestamp > 'yesterday'", ["yesterday", "timestamp"]),
        ("zero / 0 + 1 / 0", ["cannot be computed", "division by zero"]),
        ("CAST('abc' AS INT)", ["abc", "Int32"]),
        ("NULL", ["always null", "CAST(NULL"]),
        ("position.y", ["field y", "not found"]),
    ] {
        let message = message(Expression::compile(sql, schema));
        assert!(parts.iter().all(|part| message.contains(part)), "{sql}: {message}");
        assert!(!message.contains('\n') && !message.ends_with('.'), "{sql}: {message}");
        assert!(!message.starts_with(char::is_uppercase) || message.starts_with('`'), "{sql}: {message}");
    }
}

#[test]
fn the_columns_an_expression_names_are_known() {
    let expression = Expression::compile("zero > 1 OR position.x > energy_gev", events().schema_ref()).unwrap();
    assert_eq!(expression.columns(), ["energy_gev", "zero", "position"]);
    assert!(!expression.nullable());
    assert_eq!(expression.sql(), "zero > 1 OR position.x > energy_gev");
}

#[test]
fn a_batch_may_have_more_columns_but_not_fewer() {
    let events = events();
    let narrow = Schema::new(vec![events.schema().field(3).clone(), events.schema().field(0).clone()]);
    let expression = Expression::compile("zero + energy_gev", &narrow).unwrap();
    let sums = expression.evaluate(&events).unwrap().values;
    assert_eq!(array_value_to_string(&sums, 1).unwrap(), "905.0");
    let error = expression.evaluate(&events.project(&[1, 2, 3]).unwrap()).unwrap_err();
    assert!(error.to_string().contains("needs the column `energy_gev`"), "{error}");
}

#[test]
fn long_and_deep_expressions_compile_or_are_refused_but_do_not_overflow_the_stack() {
    let sums = |terms: usize| vec!["zero"; terms].join(" + ");
    let nested = |open: &str, close: &str, depth: usize| format!("{}zero{}", open.repeat(depth), close.repeat(depth));
    let cases = |depth: usize| nested("CASE WHEN zero > 1 THEN zero ELSE ", " END", depth);
    assert_eq!(values(&sums(60)), ["0", "300"]);
    assert_eq!(values(&nested("abs(", ")", 12)), ["0", "5"]);
    assert_eq!(values(&cases(12)), ["0", "5"]);
    for depth in [20, 100, 500, 5_000, 100_000] {
        for sql in [
            sums(depth * 4),
            nested("abs(", ")", depth),
            nested("(1 + ", ")", depth),
            cases(depth),
            "NOT ".repeat(depth),
        ] {
            assert!(matches!(error(&sql), ExprError::Syntax { .. }));
        }
    }
    let list: Vec<String> = (0..2_000).map(|value| value.to_string()).collect();
    assert_eq!(values(&format!("zero IN ({})", list.join(","))), ["true", "true"]);
}
