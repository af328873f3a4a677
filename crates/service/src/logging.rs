//! Logs: lines for a person where standard error is a terminal, JSON for a collector where it is not.
//!
//! Unless `RUST_LOG` says otherwise, our own code logs what a person should know, and libraries only what went wrong.

use std::io::{IsTerminal, stderr};

use clap::ValueEnum;
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{LevelFilter, filter_fn},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// The folders of this workspace whose code is ours. Cargo compiles it by paths relative to the workspace's root, and
/// dependencies by absolute paths, or by paths in the folder that they are vendored into.
const OURS: [&str; 3] = ["crates/", "services/", "tests/"];

/// What log lines look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// Lines for a person.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging to standard error. `RUST_LOG` sets the levels; without it, what a person should know, or only errors
/// where they want it `quiet`.
pub fn start(format: LogFormat, quiet: bool) {
    let filter: Box<dyn Layer<Registry> + Send + Sync> = match EnvFilter::try_from_default_env() {
        Ok(filter) => Box::new(filter),
        Err(_) => {
            let most = if quiet { LevelFilter::ERROR } else { LevelFilter::INFO };
            Box::new(filter_fn(move |metadata| is_shown(metadata, quiet)).with_max_level_hint(most))
        }
    };
    let json = match format {
        LogFormat::Auto => !stderr().is_terminal(),
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let lines = fmt::layer().with_writer(stderr).with_target(json);
    let filtered = tracing_subscriber::registry().with(filter);
    // A second start in one process (a test) keeps the first one's settings.
    let _ = match json {
        true => filtered.with(lines.json().flatten_event(true)).try_init(),
        false => filtered.with(lines.compact()).try_init(),
    };
}

/// Whether a line is shown where `RUST_LOG` does not decide it.
fn is_shown(metadata: &Metadata<'_>, quiet: bool) -> bool {
    let ours = metadata.file().is_some_and(|file| OURS.iter().any(|folder| file.starts_with(folder)));
    let most = match (quiet, ours) {
        (true, _) => Level::ERROR,
        (false, true) => Level::INFO,
        (false, false) => Level::WARN,
    };
    *metadata.level() <= most
}

#[cfg(test)]
mod tests {
    use tracing::{Callsite, callsite, metadata::Kind, subscriber::Interest};

    use super::*;

    struct Here;

    impl Callsite for Here {
        fn set_interest(&self, _: Interest) {}
        fn metadata(&self) -> &Metadata<'_> {
            unreachable!("nobody asks for it")
        }
    }

    static HERE: Here = Here;

    fn shown(file: Option<&'static str>, level: Level, quiet: bool) -> bool {
        let fields = tracing::field::FieldSet::new(&[], callsite::Identifier(&HERE));
        is_shown(&Metadata::new("event", "target", level, file, None, None, fields, Kind::EVENT), quiet)
    }

    #[test]
    fn libraries_are_quieter_than_our_own_code() {
        let library = Some("/home/user/.cargo/registry/src/index/deltalake-core-1.1.3/src/lib.rs");
        // This very file is what the compiler calls our code.
        let ours = Some(file!());
        assert!(shown(ours, Level::INFO, false));
        assert!(!shown(ours, Level::DEBUG, false));
        for library in [library, Some("vendor/deltalake-core/src/lib.rs"), None] {
            assert!(!shown(library, Level::INFO, false), "{library:?}");
            assert!(shown(library, Level::WARN, false), "{library:?}");
        }
        assert!(!shown(ours, Level::WARN, true));
        assert!(shown(library, Level::ERROR, true));
    }
}
