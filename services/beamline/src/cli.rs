//! What the command line takes.

mod demo;
mod dlq;
mod evaluate;
mod graph;
mod on_kafka;
mod page;
mod quality;
mod schemas;
mod smoke;
mod store;
mod test;
mod topics;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::{
    demo::DemoArgs,
    dlq::{DlqArgs, DlqCommand, DlqFormat, DlqListArgs, DlqRedriveArgs, DlqShowArgs, LetterKind},
    evaluate::{EvaluateArgs, EvaluateFormat},
    graph::{GraphArgs, GraphFormat},
    on_kafka::{InitTopicArgs, OnKafkaArgs, ReplayedArgs, TopicsOfArgs},
    page::PageArgs,
    quality::{QualityArgs, QualityFormat},
    schemas::{SchemasArgs, SchemasCommand, SchemasOfArgs, SchemasShowArgs},
    smoke::SmokeArgs,
    store::{CompactArgs, CqlArgs, StoreArgs, StoreCommand, StoreTablesArgs},
    test::{Colour, TestArgs},
    topics::{PlaceArgs, PlaceAt, PlacedStep, TailArgs, TailTopic, TopicsArgs, TopicsCommand},
};
use crate::logging::LogFormat;

/// Runs streams of scientific events: takes them in, enriches them, finds anomalies, stores them, and answers SQL.
#[derive(Debug, Parser)]
#[command(name = "beamline", version, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What log lines look like.
    #[arg(long, global = true, value_enum, default_value = "auto", env = "BEAMLINE_LOG_FORMAT")]
    pub log_format: LogFormat,
    /// Say nothing but errors.
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run an example stream that is inside this program, to see what it does.
    #[command(after_help = "\
Examples:
  beamline demo                          # particles, until Ctrl-C
  beamline demo --list
  beamline demo sensors --for 30s
  beamline demo sensors --write my       # its definition and schema, to be changed: beamline run my/streams/sensors.yaml")]
    Demo(DemoArgs),
    /// Run a stream in this process until its source ends or Ctrl-C.
    #[command(after_help = "\
Examples:
  beamline run streams/particle-events.yaml
  beamline run streams/particle-events.yaml --for 10s --out /tmp/results
  beamline run streams/sensors.yaml --listen 127.0.0.1:8080     # POST /v1/events
  tail -F log.jsonl | beamline run streams/logs.yaml --stdin jsonl
  beamline run streams/particle-events.yaml --kafka localhost:9092 --registry http://localhost:8081

What is committed stays whatever happens, and the same command goes on from there.")]
    Run(RunArgs),
    /// Run files through a stream, as fast as possible or as they happened.
    #[command(after_help = "\
Examples:
  beamline replay streams/clickstream.yaml clicks-2025-*.csv.gz
  beamline replay streams/clickstream.yaml clicks.parquet --speed 60     # an hour in a minute

What a changed definition would have made of yesterday, on Kafka, beside what goes on there:
  beamline replay changed.yaml --kafka localhost:9092 --since 2025-06-01 --until 2025-06-02
  beamline verify streams/clickstream.yaml changed.yaml --kafka localhost:9092 --since 2025-06-01 --until 2025-06-02")]
    Replay(ReplayArgs),
    /// Ask SQL over results: tables processed_data, anomalies, dead_letters, late, aggregates, and each aggregate by its name.
    #[command(after_help = "\
Examples:
  beamline query \"SELECT * FROM processed_data WHERE timestamp > '2025-01-01'\"
  beamline query --results beamline-results/sensors --format csv \"SELECT sensor_id, avg(temperature) FROM processed_data GROUP BY 1\"
  beamline query --format parquet \"SELECT * FROM anomalies\" > anomalies.parquet
  beamline query --cql 127.0.0.1:9042 \"SELECT * FROM processed_data WHERE timestamp > '2025-01-01'\"
  beamline query --lake s3://bucket/particle-events \"SELECT count(*) FROM anomalies\"
  beamline query --kafka localhost:9092 --stream streams/particle-events.yaml \"SELECT count(*) FROM anomalies\"")]
    Query(QueryArgs),
    /// Check that results are whole (the ledger, every id once), and whether two of them have the same rows.
    #[command(after_help = "\
Examples:
  beamline verify beamline-results/particle-events
  beamline verify results-a results-b     # says which rows differ, and in which columns
  beamline verify stream.yaml changed.yaml --kafka localhost:9092     # a stream's topic against a replay of it")]
    Verify(VerifyArgs),
    /// Report on the data of results: rules, nulls, distinct values, ranges, freshness; fail where thresholds are passed.
    #[command(after_help = "\
Examples:
  beamline quality streams/clickstream.yaml
  beamline quality streams/clickstream.yaml --results results --format json

Thresholds are `max_failing` of a quality rule, and `expect` of the definition. Exit code 1 says that one is passed.")]
    Quality(QualityArgs),
    /// Look at dead letters, the records that could not go on, and put repaired ones back.
    #[command(after_help = "\
Examples:
  beamline dlq list
  beamline dlq show --rule positive_energy --payload > broken.jsonl
  beamline dlq redrive streams/particle-events.yaml repaired.jsonl
  beamline dlq list --kafka localhost:9092 --stream streams/particle-events.yaml
  beamline dlq redrive streams/particle-events.yaml repaired.jsonl --kafka localhost:9092")]
    Dlq(DlqArgs),
    /// Make and check the tables of a stream in a CQL store; merge the files of a lake.
    #[command(after_help = "\
Examples:
  beamline store plan streams/particle-events.yaml --cql 127.0.0.1:9042
  beamline store apply streams/particle-events.yaml --cql 127.0.0.1:9042 --replication 1
  beamline store compact --lake s3://bucket/particle-events --keep 30d")]
    Store(StoreArgs),
    /// Check the schemas of streams against a registry, register them, show what is there.
    #[command(after_help = "\
Examples:
  beamline schemas check streams/*.yaml --registry-url http://localhost:8081     # exit code 1 where one does not fit
  beamline schemas register streams/particle-events.yaml --registry-url http://localhost:8081")]
    Schemas(SchemasArgs),
    /// Make, compare and read a stream's topics on Kafka.
    #[command(after_help = "\
Examples:
  beamline topics plan streams/particle-events.yaml
  beamline topics apply streams/particle-events.yaml --kafka-bootstrap localhost:9092
  beamline topics ledger streams/particle-events.yaml --kafka-bootstrap localhost:9092
  beamline topics tail streams/particle-events.yaml --topic anomalies   # servers from BEAMLINE_KAFKA_BOOTSTRAP, BEAMLINE_REGISTRY_URL")]
    Topics(TopicsArgs),
    /// Send marked events to a stream on Kafka, and find them scored, on their topic and in the store.
    #[command(after_help = "\
Examples:
  beamline smoke streams/particle-events.yaml     # servers from BEAMLINE_KAFKA_BOOTSTRAP, BEAMLINE_REGISTRY_URL, BEAMLINE_CQL")]
    Smoke(SmokeArgs),
    /// Write a stream definition from a sample of its data: a file, or a topic of Kafka that another program writes.
    #[command(after_help = "\
Examples:
  beamline init readings.csv                       # writes readings.yaml and readings.avsc
  beamline init data/clicks.jsonl.gz --name clicks --out streams
  beamline init --kafka localhost:9092 --topic sensors      # a topic that another program writes

Every guess has its reason beside it in the definition, which runs as it is: beamline replay readings.yaml readings.csv")]
    Init(InitArgs),
    /// Run the cases beside a definition: events in, and the rows, dead letters, anomalies and windows that they become.
    #[command(after_help = "\
Examples:
  beamline test streams/*.yaml                 # the cases of streams/sensors.yaml are in streams/sensors.test.yaml
  beamline test streams/sensors.yaml --write   # writes the first case, from the first events of the stream's source

Exit code 1 says that a case and its stream disagree.")]
    Test(TestArgs),
    /// Draw the pipeline that a definition describes.
    #[command(after_help = "\
Examples:
  beamline graph streams/sensors.yaml
  beamline graph streams/sensors.yaml --format svg > sensors.svg
  beamline graph streams/sensors.yaml --format mermaid     # for Markdown")]
    Graph(GraphArgs),
    /// Check stream definitions and say everything that is wrong with them.
    #[command(after_help = "\
Examples:
  beamline check-config streams/*.yaml
  beamline check-config --json-schema > stream.schema.json     # for editors")]
    CheckConfig(CheckConfigArgs),
    /// Measure how good a stream's detection is on events whose anomalies are known.
    #[command(after_help = "\
Examples:
  beamline evaluate streams/particle-physics.yaml --events 2000000 --without-rules     # labelled synthetic events
  beamline evaluate stream.yaml labelled.csv --label is_anomaly --kind kind --svg report.svg
  beamline evaluate streams/nab.yaml nab/*/*.csv --windows nab/combined_windows.json --format json")]
    Evaluate(EvaluateArgs),
    /// Measure how fast this machine runs a stream, end to end and part by part.
    #[command(after_help = "\
Example:
  beamline bench --events 10000000 streams/bench.yaml")]
    Bench(BenchArgs),
    /// Print the completion script of a shell.
    #[command(after_help = "\
Example:
  beamline completions bash > /etc/bash_completion.d/beamline")]
    Completions(CompletionsArgs),
}

/// Where results go, and how the run behaves.
#[derive(Debug, Args)]
pub struct Running {
    /// The folder of the results.
    #[arg(long, short, env = "BEAMLINE_OUT", help = "The folder of the results [default: beamline-results/STREAM]")]
    pub out: Option<PathBuf>,
    /// Delete earlier results of this folder first.
    #[arg(long)]
    pub fresh: bool,
    /// Stop after so long (10s, 5m, 1h).
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub end_after: Option<Duration>,
    /// Stop when so many events have been taken in, those of earlier runs included.
    #[arg(long, value_name = "N")]
    pub events: Option<u64>,
    /// Worker threads; as many as there are cores by default.
    #[arg(long, env = "BEAMLINE_THREADS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Commit at the latest after so long.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, env = "BEAMLINE_COMMIT_INTERVAL")]
    pub commit_interval: Option<Duration>,
    /// Commit at the latest after so many events.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub commit_events: u64,
}

/// `beamline run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The stream definition.
    pub stream: PathBuf,
    /// Take events from standard input in this format, instead of the definition's source.
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with = "listen")]
    pub stdin: Option<LineFormat>,
    /// Take events posted to this address (`POST /v1/events`), instead of the definition's source.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Synthetic events a second, instead of the definition's rate; 0 is as fast as possible.
    #[arg(long, value_name = "EVENTS/S")]
    pub rate: Option<f64>,
    /// Results and limits.
    #[command(flatten)]
    pub running: Running,
    /// The live page.
    #[command(flatten)]
    pub page: PageArgs,
    /// How Kafka is reached.
    #[command(flatten)]
    pub on_kafka: OnKafkaArgs,
}

/// `beamline replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The stream definition.
    pub stream: PathBuf,
    /// The files, in this order; without any, those of the definition.
    pub files: Vec<PathBuf>,
    /// Play back by event time, this many times faster than it happened.
    #[arg(long, value_name = "FACTOR")]
    pub speed: Option<f64>,
    /// The files' format where their names do not tell.
    #[arg(long, value_enum)]
    pub format: Option<InputFormat>,
    /// Results and limits.
    #[command(flatten)]
    pub running: Running,
    /// The live page.
    #[command(flatten)]
    pub page: PageArgs,
    /// What is replayed on Kafka.
    #[command(flatten)]
    pub replayed: ReplayedArgs,
    /// How Kafka is reached.
    #[command(flatten)]
    pub on_kafka: OnKafkaArgs,
}

/// Formats of standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LineFormat {
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// JSON objects in an array, behind one another, or on several lines each.
    Json,
}

/// Formats of input files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InputFormat {
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// JSON objects in an array, behind one another, or on several lines each.
    Json,
    /// Apache Parquet.
    Parquet,
    /// An Avro object container file.
    Avro,
    /// An Arrow IPC file or stream (Feather).
    Arrow,
}

/// `beamline query`.
#[derive(Debug, Args)]
pub struct QueryArgs {
    /// The SQL, or `-` to read it from standard input.
    pub sql: String,
    /// Folders of results; without any, the only or the latest one in `beamline-results`.
    #[arg(long, short, env = "BEAMLINE_RESULTS")]
    pub results: Vec<PathBuf>,
    /// A CQL store to ask instead.
    #[command(flatten)]
    pub cql: CqlArgs,
    /// Topics to ask instead.
    #[command(flatten)]
    pub topics: TopicsOfArgs,
    /// A lake to ask instead: a folder, file://, s3://, gs:// or az://.
    #[arg(long, env = "BEAMLINE_LAKE", conflicts_with = "nodes")]
    pub lake: Option<String>,
    /// Let a query read a whole table of a CQL store.
    #[arg(long)]
    pub full_scan: bool,
    /// The output's format.
    #[arg(long, short, value_enum, default_value = "table")]
    pub format: QueryFormat,
    /// At most so many rows; 0 is no limit. A table on a terminal stops at 40 by default.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// At most so much memory, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub memory: u64,
}

/// Formats of a query's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QueryFormat {
    /// A table for a person.
    Table,
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object a line.
    Json,
    /// Apache Parquet; not onto a terminal.
    Parquet,
}

/// `beamline check-config`.
#[derive(Debug, Args)]
pub struct CheckConfigArgs {
    /// The stream definitions.
    #[arg(required_unless_present = "json_schema")]
    pub streams: Vec<PathBuf>,
    /// Print the JSON Schema of the format instead.
    #[arg(long)]
    pub json_schema: bool,
}

/// `beamline completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    pub shell: clap_complete::Shell,
}

/// `beamline verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// A folder of results; with --kafka, the definition of a stream.
    pub results: PathBuf,
    /// Another one, to compare it with; with --kafka, the definition that was replayed.
    pub other: Option<PathBuf>,
    /// What was replayed on Kafka.
    #[command(flatten)]
    pub replayed: ReplayedArgs,
    /// How Kafka is reached.
    #[command(flatten)]
    pub on_kafka: OnKafkaArgs,
}

/// `beamline bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// A stream definition with a synthetic source.
    #[arg(default_value = "streams/bench.yaml")]
    pub stream: PathBuf,
    /// How many events.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub events: u64,
    /// Where the input and the results go; the input is kept for the next time.
    #[arg(long)]
    pub folder: Option<PathBuf>,
}

/// `beamline init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// A file of the stream: CSV, JSON, Parquet, Avro or Arrow; text also compressed with gzip, zstd, bzip2 or xz.
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
