//! What the command line takes.

mod bench;
mod check_config;
mod demo;
mod dlq;
mod evaluate;
mod graph;
mod init;
mod installed;
mod on_kafka;
mod page;
mod quality;
mod query;
mod run;
mod schemas;
mod smoke;
mod store;
mod test;
mod tokens;
mod top;
mod topics;
mod tune;
mod verify;

use clap::{Parser, Subcommand};

pub(crate) use self::{
    bench::BenchArgs,
    check_config::{CheckConfigArgs, ConnectArgs},
    demo::DemoArgs,
    dlq::{DeadLetterKind, DlqArgs, DlqCommand, DlqFormat, DlqListArgs, DlqRedriveArgs, DlqShowArgs},
    evaluate::{EvaluateArgs, EvaluateFormat},
    graph::{GraphArgs, GraphFormat},
    init::InitArgs,
    installed::{CompletionsArgs, ManArgs},
    on_kafka::{InitTopicArgs, OnKafkaArgs, ReplayedArgs, TopicsOfArgs},
    page::PageArgs,
    quality::{QualityArgs, QualityFormat},
    query::{QueryArgs, QueryFormat},
    run::{InputFormat, LineFormat, ReplayArgs, RunArgs, Running},
    schemas::{SchemasArgs, SchemasCommand, SchemasOfArgs, SchemasShowArgs},
    smoke::SmokeArgs,
    store::{CompactArgs, CqlArgs, StoreArgs, StoreCommand, StoreTablesArgs},
    test::{Colour, TestArgs},
    tokens::TokensArgs,
    top::TopArgs,
    topics::{PlaceArgs, PlaceAt, PlacedStep, TailArgs, TailTopic, TopicsArgs, TopicsCommand},
    tune::TuneArgs,
    verify::VerifyArgs,
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
    /// Check stream definitions and say everything that is wrong with them; with --connect, also with what a run would need.
    #[command(after_help = "\
Examples:
  beamline check-config streams/*.yaml
  beamline check-config streams/particle-events.yaml --connect     # servers from BEAMLINE_KAFKA_BOOTSTRAP, ..., BEAMLINE_CQL
  beamline check-config streams/particle-events.yaml --connect --lake s3://bucket/particle-events
  beamline check-config --json-schema > stream.schema.json     # for editors")]
    CheckConfig(CheckConfigArgs),
    /// Show stages, rates, lag, alarms and latency of what is running, in the terminal.
    #[command(after_help = "\
Examples:
  beamline top                                              # the run of this machine whose page is at 127.0.0.1:8085
  beamline top 127.0.0.1:9502 127.0.0.1:9503                # services, by their --listen addresses
  beamline top http://enricher-0.example:9464/metrics --once    # a table, for a pipe or a log")]
    Top(TopArgs),
    /// Measure how good a stream's detection is on events whose anomalies are known.
    #[command(after_help = "\
Examples:
  beamline evaluate streams/particle-physics.yaml --events 2000000 --without-rules     # labelled synthetic events
  beamline evaluate stream.yaml labelled.csv --label is_anomaly --kind kind --svg report.svg
  beamline evaluate streams/nab.yaml nab/*/*.csv --windows nab/combined_windows.json --format json")]
    Evaluate(EvaluateArgs),
    /// Propose features and settings of the detector from a stream's history, and show what would have alarmed.
    #[command(after_help = "\
Examples:
  beamline tune stream.yaml history/*.csv.gz     # writes stream.tuned.yaml
  beamline tune streams/logs.yaml --events 500000 --false-alarm-rate 1e-4 --out logs.yaml

It needs no labels; where there are some, `beamline evaluate` says how good the proposal is.")]
    Tune(TuneArgs),
    /// Measure how fast this machine runs a stream, end to end and part by part.
    #[command(after_help = "\
Example:
  beamline bench --events 10000000 streams/bench.yaml")]
    Bench(BenchArgs),
    /// Make the tokens of the live page in a Secret of Kubernetes, where there is none; the chart's setup does so.
    #[command(after_help = "\
Example:
  beamline tokens --secret beamline-dashboard")]
    Tokens(TokensArgs),
    /// Print the completion script of a shell.
    #[command(after_help = "\
Example:
  beamline completions bash > /etc/bash_completion.d/beamline")]
    Completions(CompletionsArgs),
    /// Print the manual page of the program, or write those of all commands.
    #[command(after_help = "\
Examples:
  beamline man | man -l -
  beamline man --out /usr/local/share/man/man1")]
    Man(ManArgs),
}
