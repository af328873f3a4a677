//! Columns of a binary table, as the cards `TFORMn` and its companions describe them (section 7.3 of the standard).

use std::{collections::HashMap, sync::Arc};

use arrow::datatypes::{DataType, Field, FieldRef};

use crate::{FitsError, Header};

/// What a column's elements are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    Logical,
    Bit,
    Byte,
    Short,
    Int,
    Long,
    /// Text of so many bytes.
    Text(usize),
    Float,
    Double,
    Complex,
    DoubleComplex,
}

impl Element {
    fn of(letter: char) -> Option<Self> {
        Some(match letter {
            'L' => Self::Logical,
            'X' => Self::Bit,
            'B' => Self::Byte,
            'I' => Self::Short,
            'J' => Self::Int,
            'K' => Self::Long,
            'A' => Self::Text(1),
            'E' => Self::Float,
            'D' => Self::Double,
            'C' => Self::Complex,
            'M' => Self::DoubleComplex,
            _ => return None,
        })
    }

    /// Bytes of so many elements.
    pub(crate) fn bytes(self, count: u64) -> u64 {
        match self {
            Self::Bit => count.div_ceil(8),
            Self::Logical | Self::Byte => count,
            Self::Short => count.saturating_mul(2),
            Self::Int | Self::Float => count.saturating_mul(4),
            Self::Long | Self::Double | Self::Complex => count.saturating_mul(8),
            Self::DoubleComplex => count.saturating_mul(16),
            Self::Text(width) => count.saturating_mul(width as u64),
        }
    }
}

/// How a stored number becomes a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scaling {
    None,
    /// The other sign: an integer whose zero is moved by half its range.
    OtherSign,
    /// `zero + scale * stored`.
    Linear {
        scale: f64,
        zero: f64,
    },
}

/// How many elements a row has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Count {
    One,
    /// An array of these dimensions, the slowest first.
    Fixed(Vec<usize>),
    /// As many as a descriptor says, of 8 bytes or (`wide`) of 16.
    Variable {
        wide: bool,
    },
}

/// A column of a table.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub name: String,
    /// Where it begins in a row, in bytes.
    pub start: usize,
    /// How many bytes of a row it takes.
    pub width: usize,
    pub element: Element,
    pub count: Count,
    pub scaling: Scaling,
    /// The stored integer that stands for a missing value.
    pub null: Option<i64>,
    pub field: FieldRef,
}

impl Column {
    /// The column of number `n` (from 1), which begins at `start` of a row; `None` where it has no elements.
    ///
    /// # Errors
    /// Where `TFORMn` is missing, or not one of the standard's.
    pub(crate) fn read(header: &Header, n: usize, start: usize) -> Result<Option<Self>, FitsError> {
        let name = header.text(&format!("TTYPE{n}")).filter(|name| !name.is_empty());
        let name = name.map_or_else(|| format!("col{n}"), str::to_owned);
        let wrong = |reason: String| FitsError::Column { column: name.clone(), reason };
        let form = header.text(&format!("TFORM{n}")).ok_or_else(|| wrong(format!("TFORM{n} is missing")))?;
        let unknown = || wrong(format!("TFORM{n} is {form:?}, which the standard does not have"));
        let letters = form.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(unknown)?;
        let repeat: usize = if letters == 0 { 1 } else { form[..letters].parse().map_err(|_| unknown())? };
        let mut rest = form[letters..].chars();
        let letter = rest.next().ok_or_else(unknown)?;
        let dimensions = dimensions(header.text(&format!("TDIM{n}")));
        let (element, count) = match letter {
            'P' | 'Q' => {
                let element = rest.next().and_then(Element::of).ok_or_else(unknown)?;
                (element, Count::Variable { wide: letter == 'Q' })
            }
            'A' => text(repeat, rest.as_str(), &dimensions),
            _ => {
                let element = Element::of(letter).ok_or_else(unknown)?;
                let fits = dimensions.iter().product::<usize>() == repeat && !dimensions.is_empty();
                let count = match repeat {
                    1 if dimensions.len() < 2 => Count::One,
                    _ if fits => Count::Fixed(dimensions.into_iter().rev().collect()),
                    _ => Count::Fixed(vec![repeat]),
                };
                (element, count)
            }
        };
        if repeat == 0 {
            return Ok(None);
        }
        let width = match &count {
            Count::Variable { wide } if repeat == 1 => 8 << usize::from(*wide),
            Count::Variable { .. } => return Err(unknown()),
            _ if matches!(element, Element::Text(_)) => repeat,
            _ => usize::try_from(element.bytes(repeat as u64)).map_err(|_| unknown())?,
        };
        let scaling = scaling(header, n, element);
        let null = header.integer(&format!("TNULL{n}"));
        let data_type = nested(value_type(element, scaling), element, &count);
        let field = Arc::new(Field::new(&name, data_type, true).with_metadata(clock(header, n, &name)));
        Ok(Some(Self { name, start, width, element, count, scaling, null, field }))
    }
}

/// Dimensions as `TDIMn` has them, the fastest first.
fn dimensions(text: Option<&str>) -> Vec<usize> {
    let inner = text.and_then(|text| text.trim().strip_prefix('(')?.strip_suffix(')'));
    let parts = inner.map(|inner| inner.split(',').map(|part| part.trim().parse()).collect::<Result<Vec<_>, _>>());
    parts.and_then(Result::ok).unwrap_or_default()
}

/// Text of a fixed number of bytes: one, or an array of shorter ones (`TDIMn`, or the older `20A5`).
fn text(repeat: usize, rest: &str, dimensions: &[usize]) -> (Element, Count) {
    let inner = rest
        .trim()
        .parse::<usize>()
        .ok()
        .filter(|width| *width > 0 && *width < repeat && repeat.is_multiple_of(*width));
    match (dimensions.split_first(), inner) {
        (Some((width, outer)), _) if !outer.is_empty() && dimensions.iter().product::<usize>() == repeat => {
            (Element::Text(*width), Count::Fixed(outer.iter().rev().copied().collect()))
        }
        (_, Some(width)) => (Element::Text(width), Count::Fixed(vec![repeat / width])),
        _ => (Element::Text(repeat), Count::One),
    }
}

fn scaling(header: &Header, n: usize, element: Element) -> Scaling {
    let scale = header.number(&format!("TSCAL{n}")).unwrap_or(1.0);
    let zero = header.number(&format!("TZERO{n}")).unwrap_or(0.0);
    let moved = match element {
        Element::Byte => -128.0,
        Element::Short => 32_768.0,
        Element::Int => 2_147_483_648.0,
        Element::Long => 9_223_372_036_854_775_808.0,
        _ => f64::NAN,
    };
    match () {
        () if matches!(element, Element::Logical | Element::Bit | Element::Text(_)) => Scaling::None,
        () if scale == 1.0 && zero == 0.0 => Scaling::None,
        () if scale == 1.0 && zero == moved => Scaling::OtherSign,
        () => Scaling::Linear { scale, zero },
    }
}

fn value_type(element: Element, scaling: Scaling) -> DataType {
    let is_moved = scaling == Scaling::OtherSign;
    match element {
        Element::Complex => complex(DataType::Float32, scaling),
        Element::DoubleComplex => complex(DataType::Float64, scaling),
        Element::Logical | Element::Bit => DataType::Boolean,
        Element::Text(_) => DataType::Utf8,
        _ if matches!(scaling, Scaling::Linear { .. }) => DataType::Float64,
        Element::Byte => {
            if is_moved {
                DataType::Int8
            } else {
                DataType::UInt8
            }
        }
        Element::Short => {
            if is_moved {
                DataType::UInt16
            } else {
                DataType::Int16
            }
        }
        Element::Int => {
            if is_moved {
                DataType::UInt32
            } else {
                DataType::Int32
            }
        }
        Element::Long => {
            if is_moved {
                DataType::UInt64
            } else {
                DataType::Int64
            }
        }
        Element::Float => DataType::Float32,
        Element::Double => DataType::Float64,
    }
}

/// A complex number: its two parts.
fn complex(part: DataType, scaling: Scaling) -> DataType {
    let part = if scaling == Scaling::None { part } else { DataType::Float64 };
    DataType::Struct(vec![Field::new("re", part.clone(), true), Field::new("im", part, true)].into())
}

/// The type of a row's value: one, or lists within lists.
fn nested(value: DataType, element: Element, count: &Count) -> DataType {
    let list = |inner: DataType| DataType::List(Arc::new(Field::new("item", inner, true)));
    match count {
        Count::One => value,
        // An array of letters is a text.
        Count::Variable { .. } if matches!(element, Element::Text(_)) => value,
        Count::Variable { .. } => list(value),
        Count::Fixed(dimensions) => dimensions.iter().fold(value, |inner, _| list(inner)),
    }
}

/// What a column of times counts from, as high-energy missions write it (section 9 of the standard): the keys `fits.unit`,
/// `fits.mjdref` (days) and `fits.timesys` of the field's metadata.
fn clock(header: &Header, n: usize, name: &str) -> HashMap<String, String> {
    let unit = header.text(&format!("TUNIT{n}")).or_else(|| header.text("TIMEUNIT")).unwrap_or_default();
    let whole = header.number("MJDREFI");
    let reference = match (header.number("MJDREF"), whole) {
        (_, Some(days)) => Some(days + header.number("MJDREFF").unwrap_or(0.0)),
        (found, None) => found,
    };
    match reference {
        Some(days) if name.eq_ignore_ascii_case("time") => HashMap::from([
            ("fits.unit".to_owned(), unit.to_owned()),
            ("fits.mjdref".to_owned(), days.to_string()),
            ("fits.timesys".to_owned(), header.text("TIMESYS").unwrap_or("UTC").to_owned()),
        ]),
        _ => HashMap::new(),
    }
}
