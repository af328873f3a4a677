//! `beamline man`: the manual pages, from the same text as `--help`.

use std::{
    fs,
    io::{Write, stdout},
    path::Path,
};

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::{Cli, Failure, cli::ManArgs};

pub(crate) fn man(args: ManArgs) -> Result<(), Failure> {
    let mut program = Cli::command();
    program.build();
    let Some(folder) = args.out else {
        return stdout().lock().write_all(&page(program)?).map_err(Failure::run_time);
    };
    fs::create_dir_all(&folder)
        .map_err(|error| Failure::configuration(format!("cannot make {}: {error}", folder.display())))?;
    write_pages(program, "beamline".to_owned(), &folder)
}

/// The page of a command, and those of the commands below it.
fn write_pages(command: Command, name: String, folder: &Path) -> Result<(), Failure> {
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help") {
        write_pages(inner.clone(), format!("{name}-{}", inner.get_name()), folder)?;
    }
    let file = folder.join(format!("{name}.1"));
    fs::write(&file, page(command)?)
        .map_err(|error| Failure::run_time(format!("cannot write {}: {error}", file.display())))
}

fn page(command: Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    Man::new(command).manual("Beamline").render(&mut page).map_err(Failure::run_time)?;
    Ok(page)
}
