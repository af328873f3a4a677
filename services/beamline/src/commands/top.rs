//! `beamline top`: what services and runs are doing, in the terminal or as a table.

mod ask;

use std::{
    io::{IsTerminal, Write, stdout},
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use ratatui::{Terminal, backend::TermionBackend, termion::screen::IntoAlternateScreen};
use top::Board;

use self::ask::Sources;
use super::signals::stop_on_signals;
use crate::{Failure, cli::TopArgs};

/// The shortest interval: services count their lag every few seconds.
const INTERVAL_MIN: Duration = Duration::from_millis(100);
/// How soon a signal ends it.
const LOOK: Duration = Duration::from_millis(50);

pub(crate) fn top(args: TopArgs) -> Result<(), Failure> {
    let interval = args.interval.max(INTERVAL_MIN);
    let sources = Sources::of(&args)?;
    let begun = Instant::now();
    let mut board = Board::default();
    let look = |board: &mut Board| board.update(begun.elapsed().as_millis() as i64, &sources.ask());
    look(&mut board);
    if args.once || !stdout().is_terminal() {
        thread::sleep(interval);
        look(&mut board);
        write!(stdout(), "{}", top::table(&board)).map_err(Failure::run_time)?;
        return match board.rows().is_empty() {
            true => Err(Failure::run_time("nothing answered; name the addresses of services or of the page of a run")),
            false => Ok(()),
        };
    }
    let stop = stop_on_signals()?;
    // The screen as it was comes back when these go out of scope. Keys are not echoed; Ctrl-C comes as a signal.
    let screen = stdout().into_alternate_screen().map_err(Failure::run_time)?;
    let mut terminal = Terminal::new(TermionBackend::new(screen)).map_err(Failure::run_time)?;
    terminal.hide_cursor().map_err(Failure::run_time)?;
    let title = format!("beamline top, every {} (Ctrl-C ends)", humantime::format_duration(interval));
    while !stop.load(Ordering::Relaxed) {
        terminal.draw(|frame| top::draw(frame, &board, &title)).map_err(Failure::run_time)?;
        let next = Instant::now() + interval;
        while Instant::now() < next && !stop.load(Ordering::Relaxed) {
            thread::sleep(LOOK);
        }
        look(&mut board);
    }
    terminal.show_cursor().map_err(Failure::run_time)
}
