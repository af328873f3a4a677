//! `beamline graph`: the pipeline that a definition describes.

use std::io::{Write, stdout};

use graph::Graph;
use service::load_stream;

use crate::{
    Failure,
    cli::{GraphArgs, GraphFormat},
};

pub(crate) fn graph(args: GraphArgs) -> Result<(), Failure> {
    let graph = Graph::of(load_stream(&args.stream)?.as_ref());
    let text = match args.format {
        GraphFormat::Text => graph.text(),
        GraphFormat::Mermaid => graph.mermaid(),
        GraphFormat::Svg => graph.svg(),
    };
    stdout().write_all(text.as_bytes()).map_err(Failure::run_time)
}
