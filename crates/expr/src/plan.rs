//! From a syntax tree to a physical expression: names resolved, types coerced, constants folded. Runs once an expression.

use std::sync::Arc;

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Schema, SchemaRef},
};
use datafusion_common::{
    Column, DFSchema, DataFusionError, SchemaError,
    tree_node::{TreeNode, TreeNodeRecursion},
};
use datafusion_expr::{Expr, ExprSchemable, cast, execution_props::ExecutionProps, simplify::SimplifyContext};
use datafusion_optimizer::simplify_expressions::ExprSimplifier;
use datafusion_physical_expr::{PhysicalExpr, create_physical_expr};
use datafusion_sql::planner::{ParserOptions, PlannerContext, SqlToRel};

use crate::{
    ExprError,
    fallible::{can_fail, guard},
    isolate::reason,
    parse::parse,
    registry::{Registry, options},
    suggestion::suggest,
};

/// What the values of an expression must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// Any type that a column can have.
    Any,
    /// True or false.
    Boolean,
    /// A number, cast to float64.
    Float,
}

/// A planned expression.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Over `input`.
    pub(crate) physical: Arc<dyn PhysicalExpr>,
    /// The columns it reads and no others, so that what it evaluates on is narrow.
    pub(crate) input: SchemaRef,
    /// Where those columns stand in the schema it was compiled against.
    pub(crate) indices: Vec<usize>,
    /// Names of the columns that the text names, in the order of the schema.
    pub(crate) columns: Vec<String>,
    pub(crate) data_type: DataType,
    pub(crate) nullable: bool,
}

/// Plans `sql` over `schema`.
///
/// # Errors
/// Everything that can be wrong with an expression before a row is seen.
pub(crate) fn plan(sql: &str, schema: &Schema, target: Target) -> Result<Plan, ExprError> {
    let tree = parse(sql)?;
    let named = DFSchema::try_from(schema.clone()).map_err(|error| explain(&error, schema))?;
    let registry = Registry::new();
    let options = ParserOptions::new().with_enable_ident_normalization(false).with_map_string_types_to_utf8view(false);
    let logical = SqlToRel::new_with_options(&registry, options)
        .sql_to_expr(tree, &named, &mut PlannerContext::new())
        .map_err(|error| explain(&error, schema))?;
    let columns = positions(&logical, &named)?.into_iter().map(|index| schema.field(index).name().clone()).collect();
    let logical = fold(logical, &named, target, sql).map_err(|error| match error {
        Planning::DataFusion(error) => explain(&error, schema),
        Planning::Ours(error) => error,
    })?;

    let indices = positions(&logical, &named)?;
    let input = Arc::new(schema.project(&indices).map_err(|error| ExprError::Type { message: error.to_string() })?);
    let narrow = DFSchema::try_from(input.clone()).map_err(|error| explain(&error, schema))?;
    let physical = create_physical_expr(&logical, &narrow, &properties(), &Default::default())
        .and_then(|physical| guard(physical, &input))
        .map_err(|error| explain(&error, schema))?;
    let data_type = physical.data_type(&input).map_err(|error| explain(&error, schema))?;
    let nullable = physical.nullable(&input).map_err(|error| explain(&error, schema))? || can_fail(&physical, &input);
    Ok(Plan { physical, input, indices, columns, data_type, nullable })
}

enum Planning {
    DataFusion(DataFusionError),
    Ours(ExprError),
}

impl From<DataFusionError> for Planning {
    fn from(error: DataFusionError) -> Self {
        Planning::DataFusion(error)
    }
}

/// Coerces types, checks the result's, folds constants.
fn fold(logical: Expr, schema: &DFSchema, target: Target, sql: &str) -> Result<Expr, Planning> {
    let context =
        SimplifyContext::builder().with_schema(Arc::new(schema.clone())).with_config_options(options().clone()).build();
    let simplifier = ExprSimplifier::new(context);
    let coerced = simplifier.coerce(logical, schema)?;
    let found = coerced.get_type(schema)?;
    let wanted = wanted_type(&found, target, sql).map_err(Planning::Ours)?;
    let coerced = if wanted == found { coerced } else { cast(coerced, wanted) };
    let folded = simplifier.simplify(coerced)?;
    check_constants(&folded).map_err(Planning::Ours)?;
    Ok(folded)
}

/// The type that the values are given in: plain strings and bytes rather than views of them, since columns are stored
/// and encoded.
fn wanted_type(found: &DataType, target: Target, sql: &str) -> Result<DataType, ExprError> {
    let wrong = |message: String| Err(ExprError::Type { message });
    match (target, found) {
        (_, DataType::Null) => {
            wrong(format!("`{sql}` is always null and has no type; write CAST(NULL AS DOUBLE) to give it one"))
        }
        (Target::Boolean, DataType::Boolean) => Ok(DataType::Boolean),
        (Target::Boolean, _) => wrong(format!("the check must be true or false, but `{sql}` is {found}")),
        (Target::Float, found) if found.is_numeric() => Ok(DataType::Float64),
        (Target::Float, _) => wrong(format!("a number is expected, but `{sql}` is {found}")),
        (Target::Any, DataType::Utf8View) => Ok(DataType::Utf8),
        (Target::Any, DataType::BinaryView) => Ok(DataType::Binary),
        (Target::Any, found) => Ok(found.clone()),
    }
}

/// A part without columns that could not be folded fails for every row, so it is the definition that is wrong.
fn check_constants(folded: &Expr) -> Result<(), ExprError> {
    let mut wrong = None;
    let _ = folded.apply(|part| {
        if matches!(part, Expr::Literal(..)) {
            return Ok(TreeNodeRecursion::Jump);
        }
        if part.any_column_refs() {
            return Ok(TreeNodeRecursion::Continue);
        }
        match evaluate_constant(part) {
            Ok(()) => Ok(TreeNodeRecursion::Jump),
            Err(error) => {
                let message = format!("`{part}` cannot be computed: {}", reason(&error));
                wrong = Some(ExprError::Type { message });
                Ok(TreeNodeRecursion::Stop)
            }
        }
    });
    wrong.map_or(Ok(()), Err)
}

fn evaluate_constant(part: &Expr) -> Result<(), DataFusionError> {
    let none = Arc::new(Schema::empty());
    let physical = create_physical_expr(part, &DFSchema::try_from(none.clone())?, &properties(), &Default::default())?;
    let row = RecordBatch::try_new_with_options(
        none,
        vec![],
        &arrow::array::RecordBatchOptions::new().with_row_count(Some(1)),
    )?;
    physical.evaluate(&row).map(|_| ())
}

fn properties() -> ExecutionProps {
    let mut properties = ExecutionProps::new();
    properties.config_options = Some(options().clone());
    properties
}

/// Where the columns of an expression stand in the schema, in order.
fn positions(logical: &Expr, schema: &DFSchema) -> Result<Vec<usize>, ExprError> {
    let mut positions = logical
        .column_refs()
        .into_iter()
        .map(|column| schema.index_of_column(column).map_err(|error| explain(&error, schema.as_arrow())))
        .collect::<Result<Vec<_>, _>>()?;
    positions.sort_unstable();
    Ok(positions)
}

/// DataFusion's error for the author of a definition.
fn explain(error: &DataFusionError, schema: &Schema) -> ExprError {
    let root = error.find_root();
    if let DataFusionError::SchemaError(schema_error, _) = root
        && let SchemaError::FieldNotFound { field, .. } = schema_error.as_ref()
    {
        return unknown_column(field, schema);
    }
    ExprError::Type { message: reason(root) }
}

fn unknown_column(column: &Column, schema: &Schema) -> ExprError {
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let suggestion = match &column.relation {
        Some(_) if schema.field_with_name(&column.name).is_ok() => {
            format!("write `{}` alone", column.name)
        }
        Some(record) => suggest(record.table(), names),
        None => suggest(&column.name, names),
    };
    ExprError::UnknownColumn { column: column.flat_name(), suggestion }
}
