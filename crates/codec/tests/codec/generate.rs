//! Random schemas and random values for them.

use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use crate::wire::Datum;

/// A type.
#[derive(Debug, Clone)]
pub(crate) enum Type {
    Null,
    Boolean,
    Int(Option<&'static str>),
    Long(Option<&'static str>),
    Float,
    Double,
    Bytes,
    Text(Option<&'static str>),
    /// Precision and scale, and the size where it is a fixed.
    Decimal(u32, u32, Option<usize>),
    Fixed(usize, Option<&'static str>),
    /// So many symbols.
    Enum(usize),
    /// With null, which is first or second.
    Nullable(bool, Box<Type>),
    Array(Box<Type>),
    Map(Box<Type>),
    Record(Vec<Type>),
}

fn leaf() -> impl Strategy<Value = Type> {
    let time = [None, Some("time-micros"), Some("timestamp-millis"), Some("timestamp-micros"), Some("timestamp-nanos")];
    let local = [Some("local-timestamp-millis"), Some("local-timestamp-micros"), Some("local-timestamp-nanos")];
    let long = prop::sample::select([&time[..], &local[..]].concat());
    prop_oneof![
        Just(Type::Boolean),
        prop::sample::select(vec![None, Some("date"), Some("time-millis")]).prop_map(Type::Int),
        long.prop_map(Type::Long),
        Just(Type::Float),
        Just(Type::Double),
        Just(Type::Bytes),
        prop::sample::select(vec![None, Some("uuid")]).prop_map(Type::Text),
        (1..=76_u32)
            .prop_flat_map(|precision| (Just(precision), 0..=precision))
            .prop_map(|(p, s)| Type::Decimal(p, s, None)),
        (1..=36_u32).prop_map(|precision| Type::Decimal(precision, precision / 2, Some(16))),
        (60..=70_u32).prop_map(|precision| Type::Decimal(precision, 3, Some(30))),
        (1..9_usize).prop_map(|size| Type::Fixed(size, None)),
        Just(Type::Fixed(16, Some("uuid"))),
        Just(Type::Fixed(12, Some("duration"))),
        (1..5_usize).prop_map(Type::Enum),
    ]
}

fn any_type() -> impl Strategy<Value = Type> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        let nullable = (any::<bool>(), inner.clone()).prop_filter_map("one null is enough", |(first, inner)| match inner {
            Type::Nullable(..) => None,
            inner => Some(Type::Nullable(first, Box::new(inner))),
        });
        prop_oneof![
            3 => nullable,
            1 => inner.clone().prop_map(|items| Type::Array(Box::new(items))),
            1 => inner.clone().prop_map(|values| Type::Map(Box::new(values))),
            1 => vec(prop_oneof![9 => inner, 1 => Just(Type::Null)], 1..4)
                .prop_filter("an array's items must take bytes", |fields| !fields.iter().all(|field| matches!(field, Type::Null)))
                .prop_map(Type::Record),
        ]
    })
}

/// A schema and some rows of it.
pub(crate) fn stream(rows: std::ops::Range<usize>) -> impl Strategy<Value = (String, Vec<Datum>)> {
    vec(any_type(), 1..6).prop_flat_map(move |fields| {
        let record = Type::Record(fields);
        let schema = schema(&record, "root").to_string();
        (Just(schema), vec(datum(&record), rows.clone()))
    })
}

/// The type as Avro; `name` is unique for where it stands.
fn schema(of: &Type, name: &str) -> Value {
    let logical = |kind: &str, logical: &Option<&str>| match logical {
        None => json!(kind),
        Some(logical) => json!({ "type": kind, "logicalType": logical }),
    };
    match of {
        Type::Null => json!("null"),
        Type::Boolean => json!("boolean"),
        Type::Int(name) => logical("int", name),
        Type::Long(name) => logical("long", name),
        Type::Float => json!("float"),
        Type::Double => json!("double"),
        Type::Bytes => json!("bytes"),
        Type::Text(name) => logical("string", name),
        Type::Decimal(precision, scale, None) => {
            json!({ "type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale })
        }
        Type::Decimal(precision, scale, Some(size)) => json!({
            "type": "fixed", "name": name, "size": size, "logicalType": "decimal", "precision": precision, "scale": scale
        }),
        Type::Fixed(size, None) => json!({ "type": "fixed", "name": name, "size": size }),
        Type::Fixed(size, Some(logical)) => {
            json!({ "type": "fixed", "name": name, "size": size, "logicalType": logical })
        }
        Type::Enum(symbols) => {
            let symbols: Vec<String> = (0..*symbols).map(|index| format!("S{index}")).collect();
            json!({ "type": "enum", "name": name, "symbols": symbols })
        }
        Type::Nullable(true, inner) => json!(["null", schema(inner, name)]),
        Type::Nullable(false, inner) => json!([schema(inner, name), "null"]),
        Type::Array(items) => json!({ "type": "array", "items": schema(items, &format!("{name}_a")) }),
        Type::Map(values) => json!({ "type": "map", "values": schema(values, &format!("{name}_m")) }),
        Type::Record(fields) => {
            let field = |(index, of): (usize, &Type)| json!({ "name": format!("f{index}"), "type": schema(of, &format!("{name}_{index}")) });
            let fields: Vec<Value> = fields.iter().enumerate().map(field).collect();
            json!({ "type": "record", "name": name, "namespace": "random.events", "fields": fields })
        }
    }
}

fn datum(of: &Type) -> BoxedStrategy<Datum> {
    match of {
        Type::Null => Just(Datum::Nothing).boxed(),
        Type::Boolean => any::<bool>().prop_map(Datum::Boolean).boxed(),
        Type::Int(_) => any::<i32>().prop_map(|value| Datum::Number(value.into())).boxed(),
        Type::Long(_) => prop_oneof![any::<i64>(), -70..70_i64].prop_map(Datum::Number).boxed(),
        // All bit patterns, so NaNs with any payload too.
        Type::Float => any::<u32>().prop_map(Datum::Float).boxed(),
        Type::Double => any::<u64>().prop_map(Datum::Double).boxed(),
        Type::Bytes => vec(any::<u8>(), 0..20).prop_map(Datum::Prefixed).boxed(),
        Type::Text(_) => ".{0,12}".prop_map(|text| Datum::Prefixed(text.into_bytes())).boxed(),
        Type::Decimal(precision, _, size) => decimal(*precision, *size),
        Type::Fixed(size, _) => vec(any::<u8>(), *size).prop_map(Datum::Fixed).boxed(),
        Type::Enum(symbols) => (0..*symbols as i64).prop_map(Datum::Number).boxed(),
        Type::Nullable(first, inner) => {
            let (null, value) = if *first { (0, 1) } else { (1, 0) };
            prop_oneof![
                Just(Datum::Branch(null, Box::new(Datum::Nothing))),
                datum(inner).prop_map(move |datum| Datum::Branch(value, Box::new(datum))),
            ]
            .boxed()
        }
        Type::Array(items) => vec(datum(items), 0..4).prop_map(Datum::Array).boxed(),
        Type::Map(values) => vec(("[a-zé]{0,5}", datum(values)), 0..4).prop_map(Datum::Map).boxed(),
        Type::Record(fields) => fields.iter().map(datum).collect::<Vec<_>>().prop_map(Datum::Record).boxed(),
    }
}

/// A number of at most so many digits, as few bytes as it needs or as many as the fixed has.
fn decimal(precision: u32, size: Option<usize>) -> BoxedStrategy<Datum> {
    // A byte has more than two digits, so that `precision * 5 / 12` bytes never have more than `precision`.
    let bytes_max = (precision * 5 / 12).max(1) as usize;
    let bytes = vec(any::<u8>(), 1..=bytes_max).prop_map(move |mut bytes| {
        if precision < 3 {
            bytes = vec![bytes[0] % 10];
        }
        bytes
    });
    bytes
        .prop_map(move |bytes| {
            let sign = if bytes[0] & 0x80 == 0 { 0 } else { 0xff };
            match size {
                Some(size) => Datum::Fixed([vec![sign; size - bytes.len()], bytes].concat()),
                None => {
                    let spare = |pair: &[u8]| pair[0] == sign && (pair[1] ^ sign) & 0x80 == 0;
                    let start = bytes.windows(2).take_while(|pair| spare(pair)).count();
                    Datum::Prefixed(bytes[start..].to_vec())
                }
            }
        })
        .boxed()
}
