//! `beamline demo`: an example stream that is inside the binary, run here or written out to be changed.

use std::{
    fs,
    io::{Write, stdout},
    path::{Path, PathBuf},
    sync::Arc,
};

use examples::{Example, FIRST, File};

use super::run::start;
use crate::{Failure, cli::DemoArgs};

pub(crate) fn demo(args: DemoArgs) -> Result<(), Failure> {
    if args.list {
        return list(&mut stdout().lock());
    }
    if let Some(folder) = &args.write {
        let examples = match &args.name {
            Some(name) => vec![named(name)?],
            None => Example::all().collect(),
        };
        return write_out(&examples, folder, args.force);
    }
    let example = named(args.name.as_deref().unwrap_or(FIRST))?;
    let stream = example.load().map_err(Failure::configuration)?;
    let source = stream.definition.spec.source.clone().filter(|_| examples::makes_events(&stream));
    let source = source.ok_or_else(|| {
        let name = example.name;
        Failure::configuration(format!(
            "`{name}` reads files that are not inside this program; `beamline demo {name} --write FOLDER` writes the \
             stream out, and its first lines say how to run it"
        ))
    })?;
    let page = Some(&args.page).filter(|page| !page.no_page);
    start(Arc::new(stream), source, PathBuf::from("."), args.running, page)
}

fn named(name: &str) -> Result<Example, Failure> {
    Example::named(name).ok_or_else(|| {
        let names: Vec<&str> = Example::all().map(|example| example.name).collect();
        Failure::configuration(format!("there is no example `{name}`; there are {}", names.join(", ")))
    })
}

fn list(out: &mut impl Write) -> Result<(), Failure> {
    for example in Example::all() {
        let stream = example.load().map_err(Failure::configuration)?;
        let files = if examples::makes_events(&stream) { "" } else { " (needs files: see --write)" };
        writeln!(out, "{:<18} {}{files}", example.name, example.summary()).map_err(Failure::run_time)?;
    }
    Ok(())
}

/// Writes the examples with the files that they name; nothing at all where one of them would change a file that is there.
fn write_out(examples: &[Example], folder: &Path, force: bool) -> Result<(), Failure> {
    let mut files: Vec<&File> = examples.iter().flat_map(Example::files).collect();
    files.sort_by_key(|file| file.path);
    files.dedup_by_key(|file| file.path);
    let changed = |file: &&File| {
        let path = folder.join(file.path);
        path.exists() && !fs::read(path).is_ok_and(|bytes| bytes == file.text.as_bytes())
    };
    if let Some(file) = files.iter().copied().find(changed).filter(|_| !force) {
        let path = folder.join(file.path);
        return Err(Failure::configuration(format!(
            "{} is there and differs; choose another folder, or write over it with --force",
            path.display()
        )));
    }
    let mut out = stdout().lock();
    for file in files {
        let path = folder.join(file.path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, file.text))
            .map_err(|error| Failure::configuration(format!("cannot write {}: {error}", path.display())))?;
        writeln!(out, "wrote {}", path.display()).map_err(Failure::run_time)?;
    }
    let first = examples.first().map_or(FIRST, |example| example.name);
    let definition = folder.join(format!("streams/{first}.yaml"));
    writeln!(out, "next:\n  beamline check-config {0}\n  beamline run {0}", definition.display())
        .map_err(Failure::run_time)
}
