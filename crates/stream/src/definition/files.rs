//! Files as a source, and how CSV and JSON in any source are written.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Events read from files, once each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// Paths relative to this file, or patterns such as `data/*.csv.gz`; read in this order, a pattern's sorted.
    #[schemars(length(min = 1), inner(length(min = 1)))]
    #[schemars(example = ["data/*.csv.gz"])]
    pub paths: Vec<String>,
    /// The format; without it the file's content and name tell. Files may be compressed with gzip, zstd, bzip2 or xz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<FileFormat>,
    /// How CSV is written.
    #[serde(default, skip_serializing_if = "CsvOptions::is_default")]
    pub csv: CsvOptions,
    /// How JSON is written.
    #[serde(default, skip_serializing_if = "JsonOptions::is_default")]
    pub json: JsonOptions,
    /// Columns of the schema that the files lack, as SQL over those they have, and `_row` (the row's number from 0
    /// over all files) and `_file` (the file's name without its endings). A file's own column of one of these two names is
    /// `__row` or `__file`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(example = BTreeMap::from([("event_id", "concat(_file, '-', CAST(_row AS VARCHAR))")]))]
    pub derive: IndexMap<String, String>,
    /// Play back by event time, this many times faster than it happened; without it, as fast as possible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    #[schemars(example = 60.0)]
    pub speed: Option<f64>,
}

impl Files {
    /// Files with nothing else said of them.
    pub fn of(paths: Vec<String>) -> Self {
        Self {
            paths,
            format: None,
            csv: CsvOptions::default(),
            json: JsonOptions::default(),
            derive: IndexMap::new(),
            speed: None,
        }
    }
}

/// The format of an input file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// JSON objects in an array, behind one another, or on several lines each.
    Json,
    /// Apache Parquet.
    Parquet,
    /// Apache ORC.
    Orc,
    /// An Avro object container file.
    Avro,
    /// An Arrow IPC file or stream, which pandas calls Feather.
    Arrow,
    /// The first binary table of a FITS file.
    Fits,
}

impl FileFormat {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Csv, Self::Jsonl, Self::Json, Self::Parquet, Self::Orc, Self::Avro, Self::Arrow, Self::Fits];

    /// The ending of such a file's name.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Json => "json",
            Self::Parquet => "parquet",
            Self::Orc => "orc",
            Self::Avro => "avro",
            Self::Arrow => "arrow",
            Self::Fits => "fits",
        }
    }
}

/// How CSV is written, where it is not with commas, decimal points and a header in its first line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CsvOptions {
    /// What stands between two fields: one character of ASCII; without it a comma.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1), example = ";")]
    pub separator: Option<String>,
    /// Numbers are written 1,5 and 1.234,5.
    #[serde(default)]
    pub decimal_comma: bool,
    /// Lines that stand before the header.
    #[serde(default)]
    #[schemars(example = 2)]
    pub skip_lines: u32,
    /// Lines that begin with this are passed over, wherever they stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = "#")]
    pub comment: Option<String>,
    /// Cells that say that a value is missing. A column of text keeps them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["NA", "-"])]
    pub missing: Vec<String>,
    /// Records have one field more than the header, which is empty and is dropped.
    #[serde(default)]
    pub trailing_separator: bool,
    /// How a line ends; without it with a line feed, before which a carriage return may stand.
    #[serde(default, skip_serializing_if = "LineEnd::is_default")]
    pub line_end: LineEnd,
}

impl CsvOptions {
    /// Whether nothing is set.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How a line ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineEnd {
    /// With a line feed, before which a carriage return may stand.
    #[default]
    Lf,
    /// With a carriage return alone.
    Cr,
}

impl LineEnd {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How JSON is written, where it is not as its specification has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonOptions {
    /// `NaN`, `Infinity` and `-Infinity` stand where a number may, as Python writes them.
    #[serde(default)]
    pub nan: bool,
    /// A column of text takes numbers and booleans as well, as they are written.
    #[serde(default)]
    pub as_written: bool,
}

impl JsonOptions {
    /// Whether nothing is set.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
