//! The pipeline that a definition describes: its steps one below the other, and beside each step the tables that it
//! fills. Pure: a checked stream in, text out.

mod mermaid;
mod steps;
mod svg;
mod text;

use stream::Stream;

/// The pipeline of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// The stream's name.
    pub name: String,
    /// The steps in the order in which an event goes through them.
    pub steps: Vec<Step>,
}

/// A step of the pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name, unique in the graph.
    pub name: &'static str,
    /// What it does, a line each.
    pub lines: Vec<String>,
    /// The tables that it fills.
    pub tables: Vec<Table>,
}

/// A table of results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name, unique in the graph.
    pub name: String,
    /// Which events come here.
    pub why: String,
}

impl Graph {
    /// The pipeline of `stream`.
    pub fn of(stream: &Stream) -> Self {
        Self { name: stream.name().to_owned(), steps: steps::of(stream) }
    }

    /// As text for a terminal.
    pub fn text(&self) -> String {
        text::draw(self)
    }

    /// As a Mermaid flowchart, which GitHub and many wikis draw.
    pub fn mermaid(&self) -> String {
        mermaid::draw(self)
    }

    /// As a picture in SVG, with colours for a light and a dark page.
    pub fn svg(&self) -> String {
        svg::draw(self)
    }
}
