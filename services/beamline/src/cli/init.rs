//! What `beamline init` takes.

use std::path::PathBuf;

use clap::Args;

use super::{InitTopicArgs, InputFormat};

/// `beamline init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// A file of the stream: CSV, JSON, Parquet, ORC, Avro, Arrow or FITS; text also compressed with gzip, zstd, bzip2 or xz.
    #[arg(required_unless_present = "kafka", conflicts_with = "kafka")]
    pub sample: Option<PathBuf>,
    /// A topic that another program writes, instead of a file; --kafka says where it is.
    #[command(flatten)]
    pub topic: InitTopicArgs,
    /// The format, where neither the file's content nor its name tells.
    #[arg(long, value_enum)]
    pub format: Option<InputFormat>,
    /// Number the rows where no column has a time that can be read.
    #[arg(long)]
    pub no_time: bool,
    /// The stream's name; without it, the file's.
    #[arg(long)]
    pub name: Option<String>,
    /// The folder of the definition and its schema.
    #[arg(long, default_value = ".")]
    pub out: PathBuf,
    /// Write over files that are there.
    #[arg(long)]
    pub force: bool,
}
