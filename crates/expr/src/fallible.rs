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
