//! `beamline tune`: what a stream's detector should look at, from its history without labels.

mod alarms;
mod history;
mod proposal;

use std::{
    fs,
    io::{Write, stdout},
    path::{Path, PathBuf},
    sync::Arc,
};

use service::{Beside, load_stream};
use stream::Stream;

use self::{alarms::Alarms, history::History, proposal::Proposal};
use super::{
    evaluate::source_of,
    init_files::{cannot, exists, shell, write},
};
use crate::{Failure, cli::TuneArgs};

/// How often layers that alarm too often are taken out, and the rest is tried again.
const ROUNDS: usize = 3;

pub(crate) fn tune(args: TuneArgs) -> Result<(), Failure> {
    let out = args.out.clone().unwrap_or_else(|| beside(&args.stream));
    if out.exists() && !args.force {
        return Err(exists(&out));
    }
    let text = fs::read_to_string(&args.stream).map_err(|error| cannot("read", &args.stream, &error))?;
    let stream = load_stream(&args.stream)?;
    let source = source_of(&args.files, args.events, &stream)?;
    let history = History::read(&args, &stream, &source)?;
    let mut proposal = Proposal::new(&args, &stream, &history)?;
    let mut round = 1;
    let (definition, alarms) = loop {
        let (definition, tuned) = written(&args.stream, &text, &proposal)?;
        let alarms = Alarms::of(&args, &tuned, &source)?;
        if round == ROUNDS || !proposal.quieten(&alarms) {
            break (definition, alarms);
        }
        round += 1;
    };
    write(&out, &definition, args.force)?;
    let mut told = history.tell() + &proposal.tell() + &alarms.tell(proposal.false_alarm_rate);
    told.push_str(&format!("wrote {}\nnext:\n  beamline check-config {}\n", out.display(), shell(&out)));
    stdout().write_all(told.as_bytes()).map_err(Failure::run_time)
}

/// `a/stream.yaml` as `a/stream.tuned.yaml`.
fn beside(stream: &Path) -> PathBuf {
    let ending = stream.extension().map_or("yaml".into(), |ending| ending.to_string_lossy());
    stream.with_extension(format!("tuned.{ending}"))
}

/// The definition with what is proposed, and its stream.
fn written(path: &Path, text: &str, proposal: &Proposal) -> Result<(String, Arc<Stream>), Failure> {
    let name = path.display().to_string();
    let definition = stream::with_detect(&name, text, &proposal.section()).map_err(Failure::configuration)?;
    let stream = Stream::load(&format!("{name}, tuned"), &definition, &Beside::definition(path));
    Ok((definition, Arc::new(stream.map_err(Failure::configuration)?)))
}
