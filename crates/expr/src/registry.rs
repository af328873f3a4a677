//! The functions and operators an expression can use, as DataFusion's planner asks for them.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use arrow::datatypes::DataType;
use datafusion_common::{Result, TableReference, config::ConfigOptions, plan_err};
use datafusion_expr::{
    AggregateUDF, HigherOrderUDF, ScalarUDF, TableSource, Volatility, WindowUDF,
    planner::{ContextProvider, ExprPlanner},
};
use datafusion_functions::{
    core::planner::CoreFunctionPlanner, datetime::planner::DatetimeFunctionPlanner,
    unicode::planner::UnicodeFunctionPlanner,
};
use datafusion_functions_nested::planner::{FieldAccessPlanner, NestedFunctionPlanner};

/// Every scalar function by each of its names, in lower case.
static FUNCTIONS: LazyLock<BTreeMap<String, Arc<ScalarUDF>>> = LazyLock::new(|| {
    let ours = physics::functions().into_iter().chain(times::functions());
    let nested = datafusion_functions_nested::all_default_nested_functions();
    datafusion_functions::all_default_functions()
        .into_iter()
        .chain(nested)
        .chain(ours)
        .map(maths::portable)
        .flat_map(|function| {
            let names: Vec<String> = std::iter::once(function.name())
                .chain(function.aliases().iter().map(String::as_str))
                .map(str::to_lowercase)
                .collect();
            names.into_iter().map(move |name| (name, function.clone()))
        })
        .collect()
});

/// DataFusion's settings: its defaults, so that nothing outside the definition changes an answer.
static OPTIONS: LazyLock<Arc<ConfigOptions>> = LazyLock::new(|| Arc::new(ConfigOptions::default()));

/// The scalar function of this name, upper and lower case alike.
pub(crate) fn function(name: &str) -> Option<&'static Arc<ScalarUDF>> {
    FUNCTIONS.get(&name.to_lowercase())
}

/// Names of the functions that an expression may use.
pub(crate) fn function_names() -> impl Iterator<Item = &'static str> + Clone {
    FUNCTIONS.iter().filter(|(_, function)| is_deterministic(function)).map(|(name, _)| name.as_str())
}

/// Whether the same arguments give the same value today, tomorrow and on another machine.
pub(crate) fn is_deterministic(function: &ScalarUDF) -> bool {
    function.signature().volatility == Volatility::Immutable
}

/// DataFusion's settings.
pub(crate) fn options() -> &'static Arc<ConfigOptions> {
    &OPTIONS
}

/// What DataFusion's planner can ask for: scalar functions, and nothing of a session.
#[derive(Debug)]
pub(crate) struct Registry {
    planners: Vec<Arc<dyn ExprPlanner>>,
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self {
            planners: vec![
                Arc::new(CoreFunctionPlanner::default()),
                Arc::new(NestedFunctionPlanner),
                Arc::new(FieldAccessPlanner),
                Arc::new(DatetimeFunctionPlanner),
                Arc::new(UnicodeFunctionPlanner),
            ],
        }
    }
}

impl ContextProvider for Registry {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        plan_err!("there is no table `{name}` in an expression")
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.planners
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        function(name).cloned()
    }

    fn get_higher_order_meta(&self, _name: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }

    fn get_aggregate_meta(&self, _name: &str) -> Option<Arc<AggregateUDF>> {
        None
    }

    fn get_window_meta(&self, _name: &str) -> Option<Arc<WindowUDF>> {
        None
    }

    fn get_variable_type(&self, _names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        options()
    }

    fn udf_names(&self) -> Vec<String> {
        function_names().map(str::to_owned).collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udaf_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udwf_names(&self) -> Vec<String> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_planner_knows_scalar_functions_and_nothing_of_a_session() {
        let registry = Registry::new();
        let names = registry.udf_names();
        assert!(names.iter().any(|name| name == "sqrt") && !names.iter().any(|name| name == "random"), "{names:?}");
        let others = [registry.higher_order_function_names(), registry.udaf_names(), registry.udwf_names()];
        assert!(others.iter().all(Vec::is_empty));
    }
}
