//! The text of every example file. A test compares the list with the folders of the repository.

/// A file of the examples.
#[derive(Debug)]
pub struct File {
    /// Its path in the repository, and below the folder that the examples are written to.
    pub path: &'static str,
    /// What is in it.
    pub text: &'static str,
}

macro_rules! files {
    ($($path:literal),+ $(,)?) => {
        &[$(File { path: $path, text: include_str!(concat!("../../../", $path)) }),+]
    };
}

/// Every file of the examples.
pub static FILES: &[File] = files![
    "reference/particles.csv",
    "schemas/cases.schema.json",
    "schemas/click.avsc",
    "schemas/cms-dimuon.avsc",
    "schemas/lhe-particle.avsc",
    "schemas/log-line.avsc",
    "schemas/login.avsc",
    "schemas/nab-value.avsc",
    "schemas/particle-event.avsc",
    "schemas/particle-hit.avsc",
    "schemas/payment.avsc",
    "schemas/sensor-reading.avsc",
    "schemas/stream.schema.json",
    "schemas/trade.avsc",
    "streams/clickstream.test.yaml",
    "streams/clickstream.yaml",
    "streams/cms-dimuons.test.yaml",
    "streams/cms-dimuons.yaml",
    "streams/lhe-particles.test.yaml",
    "streams/lhe-particles.yaml",
    "streams/logins.test.yaml",
    "streams/logins.yaml",
    "streams/logs.test.yaml",
    "streams/logs.yaml",
    "streams/nab.test.yaml",
    "streams/nab.yaml",
    "streams/particle-events.test.yaml",
    "streams/particle-events.yaml",
    "streams/particle-physics.test.yaml",
    "streams/particle-physics.yaml",
    "streams/payments.test.yaml",
    "streams/payments.yaml",
    "streams/prices.test.yaml",
    "streams/prices.yaml",
    "streams/sensors.test.yaml",
    "streams/sensors.yaml",
];
