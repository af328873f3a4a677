//! What of a query's conditions bounds the part of a table that has to be read.
//!
//! Only conditions that all hold at once are looked at, and a bound may be wider than the condition: the query checks
//! every row again.

use std::collections::BTreeSet;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::{
    common::ScalarValue,
    logical_expr::{Between, BinaryExpr, Expr, Operator, expr::InList},
};

const MICROS_A_MILLI: i64 = 1_000;
const DAY_MILLIS: i64 = 24 * 3600 * 1_000;

/// What has to be read: a range of the ordering column, and keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The first value: milliseconds of a time, or a position.
    pub(crate) from: i64,
    /// The last one.
    pub(crate) to: i64,
    /// The keys; `None` for all.
    pub(crate) keys: Option<BTreeSet<String>>,
}

/// The columns that bound a table.
#[derive(Debug, Clone)]
pub(crate) struct Columns<'a> {
    /// The time or the position.
    pub(crate) order: &'a str,
    /// Its type.
    pub(crate) order_type: &'a DataType,
    /// The key.
    pub(crate) key: Option<&'a str>,
}

impl Bounds {
    /// What `conditions`, which all hold, leave of a table.
    pub(crate) fn of(columns: &Columns<'_>, conditions: &[Expr]) -> Self {
        let mut bounds = Self { from: i64::MIN, to: i64::MAX, keys: None };
        conditions.iter().for_each(|condition| bounds.narrow(columns, condition));
        bounds
    }

    /// Whether a condition bounds anything.
    pub(crate) fn uses(columns: &Columns<'_>, condition: &Expr) -> bool {
        Self::of(columns, std::slice::from_ref(condition)) != Self { from: i64::MIN, to: i64::MAX, keys: None }
    }

    fn narrow(&mut self, columns: &Columns<'_>, condition: &Expr) {
        match condition {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                self.narrow(columns, left);
                self.narrow(columns, right);
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (column(left), column(right)) {
                (Some(name), None) => self.compare(columns, name, *op, literal(right)),
                (None, Some(name)) => {
                    if let Some(op) = op.swap() {
                        self.compare(columns, name, op, literal(left));
                    }
                }
                _ => {}
            },
            Expr::Between(Between { expr, negated: false, low, high }) => {
                if let Some(name) = column(expr) {
                    self.compare(columns, name, Operator::GtEq, literal(low));
                    self.compare(columns, name, Operator::LtEq, literal(high));
                }
            }
            _ => {}
        }
        if let Some(keys) = columns.key.and_then(|key| keys_of(key, condition)) {
            self.only(keys);
        }
    }

    fn compare(&mut self, columns: &Columns<'_>, name: &str, op: Operator, value: Option<&ScalarValue>) {
        let Some(value) = value else { return };
        if columns.key == Some(name) && op == Operator::Eq {
            if let Some(key) = text(value) {
                self.only([key].into());
            }
        } else if name == columns.order
            && let Some((first, last)) = order(columns.order_type, value)
        {
            // Strict or not: a bound in milliseconds is wider than microseconds anyway.
            if matches!(op, Operator::Gt | Operator::GtEq | Operator::Eq) {
                self.from = self.from.max(first);
            }
            if matches!(op, Operator::Lt | Operator::LtEq | Operator::Eq) {
                self.to = self.to.min(last);
            }
        }
    }

    fn only(&mut self, keys: BTreeSet<String>) {
        self.keys = Some(match self.keys.take() {
            Some(before) => before.intersection(&keys).cloned().collect(),
            None => keys,
        });
    }
}

/// The column that an expression is, casts that keep its order aside.
fn column(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Column(column) => Some(&column.name),
        _ => None,
    }
}

fn literal(expression: &Expr) -> Option<&ScalarValue> {
    match expression {
        Expr::Literal(value, _) if !value.is_null() => Some(value),
        _ => None,
    }
}

/// A key as text.
fn text(value: &ScalarValue) -> Option<String> {
    match value.cast_to(&DataType::Utf8).ok()? {
        ScalarValue::Utf8(text) => text,
        _ => None,
    }
}

/// The first and the last value of the ordering column that a literal may stand for.
fn order(order_type: &DataType, value: &ScalarValue) -> Option<(i64, i64)> {
    if order_type.is_integer() {
        let ScalarValue::Int64(Some(position)) = value.cast_to(&DataType::Int64).ok()? else { return None };
        return Some((position, position));
    }
    let text = matches!(order_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    if text && !begins_with_a_date(&value.to_string()) {
        return None;
    }
    let zone = if text { Some("+00:00".into()) } else { None };
    let micros = match value {
        ScalarValue::TimestampMicrosecond(Some(micros), _) => *micros,
        other => match other.cast_to(&DataType::Timestamp(TimeUnit::Microsecond, zone)).ok()? {
            ScalarValue::TimestampMicrosecond(Some(micros), _) => micros,
            _ => return None,
        },
    };
    let millis = micros.div_euclid(MICROS_A_MILLI);
    // Texts are compared letter by letter, whatever zone they are in; no zone is a day away from UTC.
    let slack = if text { DAY_MILLIS } else { 0 };
    Some((millis.saturating_sub(slack), millis.saturating_add(slack)))
}

/// Whether a text begins like `2025-01-31`, so that its letters order it by day.
fn begins_with_a_date(text: &str) -> bool {
    let text = text.as_bytes();
    text.len() >= 10
        && text[..10].iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// The keys that a condition allows, where it is a list of them; the planner turns a short list into equalities.
fn keys_of(key: &str, condition: &Expr) -> Option<BTreeSet<String>> {
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let mut keys = keys_of(key, left)?;
            keys.extend(keys_of(key, right)?);
            Some(keys)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            let value = match (column(left), column(right)) {
                (Some(name), None) if name == key => literal(right),
                (None, Some(name)) if name == key => literal(left),
                _ => None,
            };
            value.and_then(text).map(|key| [key].into())
        }
        Expr::InList(InList { expr, list, negated: false }) if column(expr) == Some(key) => {
            list.iter().map(|item| literal(item).and_then(text)).collect()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::{col, lit};

    use super::*;

    fn micros(value: i64) -> Expr {
        Expr::Literal(ScalarValue::TimestampMicrosecond(Some(value), Some("UTC".into())), None)
    }

    #[test]
    fn conditions_bound_time_and_keys() {
        let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let columns = Columns { order: "t", order_type: &time, key: Some("k") };
        let of = |conditions: &[Expr]| {
            let bounds = Bounds::of(&columns, conditions);
            (bounds.from, bounds.to, bounds.keys.map(|keys| keys.into_iter().collect::<Vec<_>>()))
        };
        let all = (i64::MIN, i64::MAX, None);
        assert_eq!(of(&[]), all);
        assert_eq!(of(&[col("t").gt(micros(5_999))]), (5, i64::MAX, None));
        assert_eq!(of(&[micros(-1).gt_eq(col("t"))]), (i64::MIN, -1, None));
        let both = col("t").gt(micros(1_000)).and(col("t").lt(micros(9_000)));
        assert_eq!(of(&[both.clone(), col("k").eq(lit("a"))]), (1, 9, Some(vec!["a".to_owned()])));
        assert_eq!(of(&[both.clone().or(col("x").eq(lit(1)))]), all, "an alternative bounds nothing");
        let listed = col("k").in_list(vec![lit("a"), lit("b")], false);
        assert_eq!(of(&[listed.clone(), col("k").eq(lit("b"))]).2, Some(vec!["b".to_owned()]));
        assert_eq!(of(&[col("k").in_list(vec![lit("a")], true)]), all);
        assert_eq!(of(&[col("t").between(micros(2_000), micros(3_000))]), (2, 3, None));
        assert_eq!(of(&[col("t").not_eq(micros(2_000))]), all);
        assert!(Bounds::uses(&columns, &listed) && !Bounds::uses(&columns, &col("x").eq(lit("a"))));
    }

    #[test]
    fn times_in_text_are_bounded_by_a_day_more() {
        let columns = Columns { order: "t", order_type: &DataType::Utf8, key: None };
        let day = 1_735_689_600_000;
        assert_eq!(Bounds::of(&columns, &[col("t").gt(lit("2025-01-01"))]).from, day - DAY_MILLIS);
        assert_eq!(Bounds::of(&columns, &[col("t").gt(lit("yesterday"))]).from, i64::MIN);
    }
}
