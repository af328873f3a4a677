//! Elements as they are stored, most significant byte first, to values.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BooleanArray, Float64Array, PrimitiveArray, StringArray, StructArray},
    datatypes::{
        ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
        UInt16Type, UInt32Type, UInt64Type,
    },
};

use crate::column::{Column, Element, Scaling};

/// The values of a column's elements, which stand one behind the other in `bytes`; bits are unpacked already, a byte each.
pub(crate) fn values(column: &Column, bytes: &[u8]) -> ArrayRef {
    let (scaling, null) = (column.scaling, column.null);
    let moved = scaling == Scaling::OtherSign;
    match column.element {
        Element::Logical => Arc::new(bytes.iter().map(|byte| logical(*byte)).collect::<BooleanArray>()),
        Element::Bit => Arc::new(bytes.iter().map(|bit| Some(*bit != 0)).collect::<BooleanArray>()),
        Element::Text(width) => Arc::new(bytes.chunks_exact(width.max(1)).map(text).collect::<StringArray>()),
        Element::Byte if moved => integers::<Int8Type, 1>(bytes, null, |[byte]| (byte ^ 0x80).cast_signed()),
        Element::Byte => scaled::<UInt8Type, 1>(bytes, null, scaling, |[byte]| byte),
        Element::Short if moved => integers::<UInt16Type, 2>(bytes, null, |raw| u16::from_be_bytes(raw) ^ 0x8000),
        Element::Short => scaled::<Int16Type, 2>(bytes, null, scaling, i16::from_be_bytes),
        Element::Int if moved => integers::<UInt32Type, 4>(bytes, null, |raw| u32::from_be_bytes(raw) ^ 0x8000_0000),
        Element::Int => scaled::<Int32Type, 4>(bytes, null, scaling, i32::from_be_bytes),
        Element::Long if moved => integers::<UInt64Type, 8>(bytes, null, |raw| u64::from_be_bytes(raw) ^ 1 << 63),
        Element::Long => scaled::<Int64Type, 8>(bytes, null, scaling, i64::from_be_bytes),
        Element::Float if scaling == Scaling::None => floats::<Float32Type, 4>(bytes, 4, 0, f32::from_be_bytes),
        Element::Float => linear(scaling, floats::<Float64Type, 4>(bytes, 4, 0, |raw| f32::from_be_bytes(raw).into())),
        Element::Double => linear(scaling, floats::<Float64Type, 8>(bytes, 8, 0, f64::from_be_bytes)),
        Element::Complex if scaling == Scaling::None => {
            complex(column, [0, 4].map(|part| floats::<Float32Type, 4>(bytes, 8, part, f32::from_be_bytes)))
        }
        Element::Complex => {
            let part = |part| floats::<Float64Type, 4>(bytes, 8, part, |raw| f32::from_be_bytes(raw).into());
            complex(column, [linear(scaling, part(0)), linear(scaling, part(4))])
        }
        Element::DoubleComplex => {
            let part = |part| linear(scaling, floats::<Float64Type, 8>(bytes, 16, part, f64::from_be_bytes));
            complex(column, [part(0), part(8)])
        }
    }
}

/// `T`, `F`, or a zero byte, which stands for a missing value.
fn logical(byte: u8) -> Option<bool> {
    match byte {
        b'T' => Some(true),
        b'F' => Some(false),
        _ => None,
    }
}

/// Text up to a zero byte, without the blanks at its end. A zero byte first says that there is none, and so do blanks
/// alone: nothing tells the two apart in what is written today.
pub(crate) fn text(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(&bytes[..end]);
    let text = text.trim_end_matches(' ');
    (!text.is_empty()).then(|| text.to_owned())
}

/// Integers, of which one may stand for no value.
fn integers<T: ArrowPrimitiveType, const N: usize>(
    bytes: &[u8],
    null: Option<i64>,
    value: impl Fn([u8; N]) -> T::Native,
) -> ArrayRef {
    let elements = bytes.as_chunks::<N>().0.iter();
    let stored = |raw: &[u8; N]| (null != Some(stored(raw))).then(|| value(*raw));
    Arc::new(elements.map(stored).collect::<PrimitiveArray<T>>())
}

/// The same, or numbers of them.
fn scaled<T: ArrowPrimitiveType, const N: usize>(
    bytes: &[u8],
    null: Option<i64>,
    scaling: Scaling,
    value: impl Fn([u8; N]) -> T::Native,
) -> ArrayRef {
    let Scaling::Linear { scale, zero } = scaling else { return integers::<T, N>(bytes, null, value) };
    integers::<Float64Type, N>(bytes, null, |raw| zero + scale * stored(&raw) as f64)
}

/// An integer as it is stored: bytes without a sign, all others with one.
fn stored<const N: usize>(raw: &[u8; N]) -> i64 {
    if let [byte] = raw[..] {
        return byte.into();
    }
    let sign = if raw[0] & 0x80 == 0 { 0 } else { -1 };
    raw.iter().fold(sign, |number, byte| number << 8 | i64::from(*byte))
}

/// Numbers that stand `step` bytes apart; NaN says that there is none (section 7.3.2 of the standard).
fn floats<T: ArrowPrimitiveType, const N: usize>(
    bytes: &[u8],
    step: usize,
    first: usize,
    value: impl Fn([u8; N]) -> T::Native,
) -> ArrayRef {
    let elements = bytes.chunks_exact(step).filter_map(|element| element.get(first..)?.first_chunk::<N>());
    // NaN is the one number that has no order.
    let there = |number: T::Native| number.partial_cmp(&number).map(|_| number);
    Arc::new(elements.map(|raw| there(value(*raw))).collect::<PrimitiveArray<T>>())
}

fn linear(scaling: Scaling, values: ArrayRef) -> ArrayRef {
    let (Scaling::Linear { scale, zero }, Some(numbers)) = (scaling, values.as_any().downcast_ref::<Float64Array>())
    else {
        return values;
    };
    Arc::new(numbers.unary::<_, Float64Type>(|number| zero + scale * number))
}

fn complex(column: &Column, parts: [ArrayRef; 2]) -> ArrayRef {
    let mut value = column.field.data_type();
    while let DataType::List(item) = value {
        value = item.data_type();
    }
    let DataType::Struct(fields) = value else { return parts[0].clone() };
    Arc::new(StructArray::new(fields.clone(), parts.to_vec(), None))
}
