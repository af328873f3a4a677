//! The board in a terminal.

use ratatui::{
    Frame,
    layout::{Alignment, Constraint, Layout},
    style::{Color, Modifier, Style},
    text::Line,
    widgets::{Block, Cell, Paragraph, Row as Cells, Table},
};

use crate::{
    board::Board,
    row::Row,
    text::{self, ALARMS, STAGES},
};

/// Lines that notes may take.
const NOTES_MAX: usize = 4;

/// Draws the stages, the alarms and the notes over the whole frame; `title` is the line above. What does not fit is left
/// out at the bottom of each table.
pub fn draw(frame: &mut Frame<'_>, board: &Board, title: &str) {
    let notes = board.notes().len().min(NOTES_MAX);
    // A table has a border and a line of heads.
    let stages = board.rows().len() + 3;
    let areas = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(stages as u16),
        Constraint::Min(0),
        Constraint::Length(notes as u16),
    ]);
    let [head, above, middle, below] = areas.areas(frame.area());
    frame.render_widget(Line::from(title).style(Style::new().add_modifier(Modifier::BOLD)), head);
    let rows = board.rows().iter().map(|row| styled(row, text::stage(row), 3));
    frame.render_widget(
        table(" stages ", &STAGES, rows.collect(), 3, &widths(&STAGES, board.rows().iter().map(text::stage))),
        above,
    );
    let alarms: Vec<[String; 4]> = board.alarms().iter().map(text::alarms).collect();
    if !alarms.is_empty() {
        let widths = widths(&ALARMS, alarms.iter().cloned());
        let rows = alarms.into_iter().map(|cells| line(cells, 2)).collect();
        frame.render_widget(table(" alarms ", &ALARMS, rows, 2, &widths), middle);
    }
    let lines: Vec<Line<'_>> = board.notes().iter().take(notes).map(|note| Line::from(note.as_str())).collect();
    frame.render_widget(Paragraph::new(lines), below);
}

/// A stage; in another colour where somebody should look.
fn styled(row: &Row, cells: [String; 12], left: usize) -> Cells<'static> {
    let colour = match row.state.as_str() {
        "watch" => Color::Yellow,
        "bad" => Color::Red,
        _ => Color::Reset,
    };
    line(cells, left).style(Style::new().fg(colour))
}

/// The first `left` cells to the left, the others to the right.
fn line<const N: usize>(cells: [String; N], left: usize) -> Cells<'static> {
    let cell = |(column, cell): (usize, String)| {
        let side = if column < left { Alignment::Left } else { Alignment::Right };
        Cell::from(Line::from(cell).alignment(side))
    };
    Cells::new(cells.into_iter().enumerate().map(cell))
}

fn widths<const N: usize>(heads: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> Vec<Constraint> {
    let mut widths: Vec<usize> = heads.iter().map(|head| head.len()).collect();
    for cells in rows {
        for (width, cell) in widths.iter_mut().zip(&cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    widths.into_iter().map(|width| Constraint::Length(width as u16)).collect()
}

fn table<'a, const N: usize>(
    title: &'a str,
    heads: &[&str; N],
    rows: Vec<Cells<'a>>,
    left: usize,
    widths: &[Constraint],
) -> Table<'a> {
    let head = line(heads.map(str::to_owned), left).style(Style::new().add_modifier(Modifier::DIM));
    Table::new(rows, widths.to_vec()).header(head).column_spacing(2).block(Block::bordered().title(title))
}
