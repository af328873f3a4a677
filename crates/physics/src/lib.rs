//! The functions of particle kinematics, for SQL expressions and for queries: pure, over float64 columns.

mod angles;
mod formula;
mod invariant_mass;
mod momenta;
mod written;

use std::sync::{Arc, LazyLock};

use datafusion_expr::ScalarUDF;

use self::{
    angles::{Azimuth, DeltaPhi, DeltaR, Pseudorapidity},
    formula::udf,
    invariant_mass::{InvariantMass, InvariantMassPtEtaPhiM},
    momenta::{Energy, MassShellPull, Momentum, Rapidity, TransverseMomentum},
    written::MassShellSigma,
};

static FUNCTIONS: LazyLock<Vec<Arc<ScalarUDF>>> = LazyLock::new(|| {
    vec![
        udf::<Azimuth>(),
        udf::<DeltaPhi>(),
        udf::<DeltaR>(),
        udf::<Energy>(),
        udf::<InvariantMass>(),
        udf::<InvariantMassPtEtaPhiM>(),
        udf::<MassShellPull>(),
        udf::<MassShellSigma>(),
        udf::<Momentum>(),
        udf::<Pseudorapidity>(),
        udf::<Rapidity>(),
        udf::<TransverseMomentum>(),
    ]
});

/// The functions of the field, for expressions here and for queries over the results. Each takes and gives float64
/// (other numbers are cast), is immutable, and gives null where an argument is null.
pub fn functions() -> Vec<Arc<ScalarUDF>> {
    FUNCTIONS.clone()
}

/// Whether a function is one of these, all of which have a value (if only NaN) for all numbers.
pub fn is_ours(name: &str) -> bool {
    FUNCTIONS.iter().any(|function| function.name() == name)
}
