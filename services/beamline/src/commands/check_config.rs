//! `beamline check-config`: everything that is wrong with stream definitions, and with the servers that they need.

use std::io::{Write, stdout};

use service::load_stream;
use stream::Chosen;

use super::{
    connect,
    test::{is_cases, read_cases},
};
use crate::{Failure, cli::CheckConfigArgs};

pub(crate) fn check_config(args: CheckConfigArgs) -> Result<(), Failure> {
    let mut out = stdout();
    if args.json_schema {
        return writeln!(out, "{}", stream::json_schema()).map_err(Failure::run_time);
    }
    let servers = if args.connect.connect { Some(connect::Servers::named(&args.connect)?) } else { None };
    let mut failures = Vec::new();
    for path in &args.streams {
        // A pattern that fits definitions fits their cases too.
        if is_cases(path) {
            match read_cases(path) {
                Ok(file) => writeln!(out, "{}: {} cases are good", path.display(), file.cases.len())
                    .map_err(Failure::run_time)?,
                Err(failure) => failures.push(failure),
            }
            continue;
        }
        match load_stream(path) {
            Ok(stream) => {
                let columns = stream.scored.fields().len();
                writeln!(out, "{}: stream `{}` is good, {columns} columns out", path.display(), stream.name())
                    .map_err(Failure::run_time)?;
                if let Some(chosen) = &stream.chosen {
                    out.write_all(tell(chosen).as_bytes()).map_err(Failure::run_time)?;
                }
                if let Some(servers) = &servers {
                    failures.extend(connect::check(&stream, path, servers).err());
                }
            }
            Err(failure) => failures.push(failure),
        }
    }
    Failure::all(failures)
}

/// What the detector of a stream looks at that names nothing.
fn tell(chosen: &Chosen) -> String {
    let features = match chosen.features.as_slice() {
        [] => "none, so nothing is looked for: name `features` or `rules`".to_owned(),
        some => some.join(", "),
    };
    let left_out = chosen.left_out.iter().map(|(name, reason)| format!("{name} ({reason})")).collect::<Vec<_>>();
    let mut text = format!("  features chosen: {features}\n");
    if !left_out.is_empty() {
        text.push_str(&format!("  not chosen: {}\n", left_out.join(", ")));
    }
    text
}
