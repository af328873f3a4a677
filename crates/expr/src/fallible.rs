//! Which expressions can fail for a row, and what keeps a guarded one from being tried where its guard says no.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use datafusion_common::{
    Result, ScalarValue,
    tree_node::{Transformed, TransformedResult, TreeNode},
};
use datafusion_expr::Operator;
use datafusion_physical_expr::{
    PhysicalExpr, ScalarFunctionExpr,
    expressions::{
        BinaryExpr, CaseExpr, CastExpr, Column, InListExpr, IsNotNullExpr, IsNullExpr, LikeExpr, Literal, NegativeExpr,
        NotExpr, TryCastExpr, lit,
    },
};

/// Functions of DataFusion that have a value for all floating-point arguments.
const TOTAL_FUNCTIONS: [&str; 27] = [
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "cos", "cosh", "degrees", "exp",
    "floor", "isnan", "iszero", "ln", "log10", "log2", "nanvl", "power", "radians", "signum", "sin", "sqrt", "tan",
];

/// Makes an expression fail where it would give a wrong number, and not fail where a guard forbids its evaluation:
///
/// - Integer arithmetic that overflows is an error; by default it wraps around in silence.
/// - `a AND b` with a `b` that can fail evaluates `b` only for the rows where `a` is not false (`OR`: not true), as SQL's
///   reader expects of `n <> 0 AND 10 / n > 2`. DataFusion does so for some batches only, which would be right (a
///   failed batch is evaluated again row by row) but slow.
pub(crate) fn guard(expression: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    expression
        .transform_up(|node| {
            let Some(binary) = node.downcast_ref::<BinaryExpr>() else { return Ok(Transformed::no(node)) };
            match binary.op() {
                Operator::Plus | Operator::Minus | Operator::Multiply => {
                    Ok(Transformed::yes(Arc::new(binary.clone().with_fail_on_overflow(true))))
                }
                Operator::And | Operator::Or if can_fail(binary.right(), schema) => {
                    guarded(binary).map(Transformed::yes)
                }
                _ => Ok(Transformed::no(node)),
            }
        })
        .data()
}

/// `a AND b` as `CASE a WHEN false THEN false WHEN true THEN b ELSE b AND NULL END`; `a OR b` the other way round.
fn guarded(binary: &BinaryExpr) -> Result<Arc<dyn PhysicalExpr>> {
    let decided = lit(*binary.op() == Operator::Or);
    let open = lit(*binary.op() == Operator::And);
    let unknown = BinaryExpr::new(binary.right().clone(), *binary.op(), lit(ScalarValue::Boolean(None)));
    let cases = vec![(decided.clone(), decided), (open, binary.right().clone())];
    Ok(Arc::new(CaseExpr::try_new(Some(binary.left().clone()), cases, Some(Arc::new(unknown)))?))
}

/// Whether the evaluation of some row can be an error. Says yes where that is not known.
pub(crate) fn can_fail(expression: &Arc<dyn PhysicalExpr>, schema: &Schema) -> bool {
    node_can_fail(expression, schema) || expression.children().into_iter().any(|child| can_fail(child, schema))
}

fn node_can_fail(expression: &Arc<dyn PhysicalExpr>, schema: &Schema) -> bool {
    let node = expression.as_ref();
    let is_float = |part: &dyn PhysicalExpr| part.data_type(schema).is_ok_and(|found| found.is_floating());
    if let Some(binary) = node.downcast_ref::<BinaryExpr>() {
        return !(is_total(*binary.op()) || is_float(node));
    }
    if let Some(cast) = node.downcast_ref::<CastExpr>() {
        return !cast.expr().data_type(schema).is_ok_and(|from| is_total_cast(&from, cast.cast_type()));
    }
    if let Some(function) = node.downcast_ref::<ScalarFunctionExpr>() {
        let total = TOTAL_FUNCTIONS.contains(&function.name())
            && function.args().iter().all(|argument| is_float(argument.as_ref()));
        return !(total
            || function.name() == "get_field"
            || physics::is_ours(function.name())
            || is_day_count(function.name()));
    }
    if node.is::<NegativeExpr>() {
        return !is_float(node);
    }
    !(node.is::<Column>()
        || node.is::<Literal>()
        || node.is::<NotExpr>()
        || node.is::<IsNullExpr>()
        || node.is::<IsNotNullExpr>()
        || node.is::<InListExpr>()
        || node.is::<LikeExpr>()
        || node.is::<CaseExpr>()
        || node.is::<TryCastExpr>())
}

/// Whether a function makes a time of a number of days: it is null where there is no such day.
fn is_day_count(name: &str) -> bool {
    matches!(name, "mjd_to_timestamp" | "jd_to_timestamp")
}

/// Whether an operator has a value for all operands of all types.
fn is_total(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::And
            | Operator::Or
            | Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
            | Operator::LikeMatch
            | Operator::NotLikeMatch
            | Operator::ILikeMatch
            | Operator::NotILikeMatch
    )
}

/// Whether every value of one type has a counterpart in the other.
fn is_total_cast(from: &DataType, to: &DataType) -> bool {
    let number = from.is_integer() || from.is_floating();
    from == to || CastExpr::check_bigger_cast(to, from) || (number && to.is_floating())
}

#[cfg(test)]
mod tests {
    use arrow::{
        array::{Int64Array, RecordBatch},
        datatypes::{Field, TimeUnit},
    };

    use super::*;
    use crate::{
        ExprError, Expression,
        plan::{Plan, Target, plan},
    };

    fn planned(sql: &str) -> Plan {
        let schema = Schema::new(vec![
            Field::new("i", DataType::Int64, false),
            Field::new("n", DataType::Int32, false),
            Field::new("f", DataType::Float64, false),
            Field::new("t", DataType::Utf8, false),
            Field::new("b", DataType::Boolean, false),
            Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
        ]);
        plan(sql, &schema, Target::Any).unwrap_or_else(|error: ExprError| panic!("{sql}: {error}"))
    }

    #[test]
    fn what_has_a_value_for_every_row_cannot_fail() {
        let total = [
            "i",
            "f + 1.5",
            "f * f",
            "f / 2.0",
            "i > 3",
            "i = n",
            "b and i > 3",
            "b or f < 1",
            "not b",
            "i is null",
            "i is not null",
            "i in (1, 2, 5, 9)",
            "t like 'a%b'",
            "t not like '%a%b'",
            "t ilike 'a_'",
            "case when b then f else 1.0 end",
            "-f",
            "abs(f)",
            "sqrt(f * f)",
            "cast(i as double)",
            "cast(n as bigint)",
            "f + i",
            "try_cast(t as bigint)",
            "t = 'x'",
            "i <> 4",
            "i >= n",
            "delta_phi(f, f)",
            "mjd_to_timestamp(f)",
            "jd_to_timestamp(f)",
            "i is distinct from n",
        ];
        let partial = [
            "i + 1",
            "i - n",
            "i * n",
            "i / n",
            "i % n",
            "cast(t as bigint)",
            "cast(f as bigint)",
            "cast(i as int)",
            "abs(i)",
            "-i",
            "f > 1 and i / n > 2",
            "not (i + 1 > 3)",
            "case when b then i + 1 else 0 end",
            "cast(t as double) + f",
            "abs(cast(t as double))",
            "repeat(t, i)",
            "cast(t as timestamp) = at",
            "t || cast(i + 1 as text) = 'x'",
        ];
        let fails = |sql: &&str| {
            let plan = planned(sql);
            can_fail(&plan.physical, &plan.input)
        };
        assert_eq!(total.iter().filter(|sql| fails(sql)).collect::<Vec<_>>(), [&""; 0]);
        assert_eq!(partial.iter().filter(|sql| !fails(sql)).collect::<Vec<_>>(), [&""; 0]);
        assert!(planned("i + 1").nullable && !planned("f + 1.0").nullable, "a row that can fail can be null");
    }

    #[test]
    fn only_what_can_fail_is_kept_from_being_tried() {
        let is_case = |sql: &str| planned(sql).physical.is::<CaseExpr>();
        assert!(is_case("n <> 0 and i / n > 2") && is_case("n = 0 or i / n > 2"));
        assert!(!is_case("n <> 0 and i > 2") && !is_case("n = 0 or i > 2"));
    }

    /// DataFusion's own arithmetic wraps around in silence.
    #[test]
    fn arithmetic_of_whole_numbers_fails_where_it_overflows() {
        let schema = Arc::new(Schema::new(vec![Field::new("i", DataType::Int64, false)]));
        let values = Int64Array::from(vec![7, i64::MAX, i64::MIN]);
        let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(values)]).unwrap();
        for (sql, expected) in [("i + 1", [1].as_slice()), ("i - 1", &[2]), ("i * 2", &[1, 2])] {
            let evaluated = Expression::compile(sql, &schema).unwrap().evaluate(&batch).unwrap();
            let failed: Vec<usize> = evaluated.failed.iter().map(|(row, _)| *row).collect();
            assert_eq!(failed, expected, "{sql}");
        }
    }
}
