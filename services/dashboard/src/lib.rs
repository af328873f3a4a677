//! The live page of streams on Kafka: what their topics and their groups' offsets say, drawn as in one process.
//!
//! It joins no group and disturbs nobody: it reads committed rows from a quarter of an hour back, counts anomalies and
//! dead letters from their topics' beginnings, and takes the ledger from the metadata of the steps' offsets. Where
//! rows come faster than it draws, it passes some over and says which share it drew. Exact figures do not depend on it.

mod account;
mod drawing;
mod error;
mod feed;
mod look;
mod notes;
mod settings;
mod watching;

use std::{
    net::TcpListener,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use ask::OnKafka;
use broker::Connection;
use kafka::ReadTopic;
use measure::Health as _;
use registry::Registry;
use service::{Context, Failure, load_stream};
use store::Note;
use stream::Stream;
use web::{AccessSettings, Hub, NotKept, Notes, ProxySettings, Server, Shown};

pub use self::settings::{Dashboard, History};
use self::{
    account::Account,
    drawing::{Drawing, now_ms},
    error::DashboardError,
    feed::Feed,
    look::Looker,
    notes::TopicNotes,
    watching::{Known, Watching},
};

/// How often the groups are asked how far they have come.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How often the process looks whether it should end.
const STOP_INTERVAL: Duration = Duration::from_millis(100);

/// Runs until it is asked to stop.
///
/// # Errors
/// Where a definition or the settings cannot be used, or the page cannot be served.
pub fn run(settings: Dashboard, context: Context) -> Result<(), Failure> {
    let connection = settings.kafka.connection(&format!("beamline-{}", context.instance));
    let registry = Registry::new(&settings.registry.settings()).map_err(Failure::configuration)?;
    let listener = TcpListener::bind(&settings.page).map_err(|error| {
        Failure::configuration(format!("cannot serve the page at {}: {error}; --page takes HOST:PORT", settings.page))
    })?;
    let mut streams = Vec::new();
    for file in &settings.stream {
        streams.push(Watch::new(&settings, file, (&connection, &registry), &context)?);
    }
    let names: Vec<&str> = streams.iter().map(|watch| watch.shown.name()).collect();
    if let Some(twice) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
        return Err(Failure::configuration(format!("two definitions are of a stream `{}`", twice.1)));
    }
    let hub =
        Arc::new(Hub::new(streams.iter().map(|watch| watch.shown.clone()).collect(), settings.page_jaeger.clone()));
    let access = AccessSettings {
        tokens: settings.page_tokens.clone(),
        redrive: settings.page_redrive,
        hosts: settings.page_host.clone(),
        proxy: ProxySettings { trusted: settings.page_proxy.clone(), operators: settings.page_operators.clone() },
    };
    // Before the page is served, so that it shows everything that comes after its first answer.
    for watch in &streams {
        watch.start(&context)?;
    }
    let server = Server::start(listener, hub, access).map_err(Failure::configuration)?;
    tracing::info!(address = %server.address(), streams = names.join(", "), "the page is served");
    while !context.is_stopping() {
        thread::sleep(STOP_INTERVAL);
    }
    server.end();
    Ok(())
}

/// One stream that is watched.
struct Watch {
    stream: Arc<Stream>,
    connection: Connection,
    registry: Registry,
    shown: Arc<Shown>,
    known: Arc<Known>,
    notes: Arc<TopicNotes>,
}

/// The notes, of which the page and whoever follows them have a share each.
struct SharedNotes(Arc<TopicNotes>);

impl Notes for SharedNotes {
    fn list(&self) -> Vec<Note> {
        self.0.list()
    }

    fn append(&self, note: Note) -> Result<Note, NotKept> {
        self.0.append(note)
    }
}

impl Watch {
    fn new(
        settings: &Dashboard,
        file: &Path,
        (connection, registry): (&Connection, &Registry),
        context: &Context,
    ) -> Result<Self, Failure> {
        let stream = load_stream(file)?;
        let topics = stream.topics();
        let notes = TopicNotes::connect(connection, topics.notes.clone(), &context.instance);
        let notes = Arc::new(notes.map_err(Failure::configuration)?);
        let on_kafka = OnKafka {
            connection: connection.clone(),
            registry: registry.clone(),
            stream: stream.clone(),
            topics,
            taken_in: i64::MIN..i64::MAX,
        };
        let known = Arc::new(Known::default());
        let watching = Watching::new(settings, on_kafka, file, known.clone());
        let shown = Arc::new(Shown::new(stream.clone(), Box::new(watching), Box::new(SharedNotes(notes.clone()))));
        Ok(Self { stream, connection: connection.clone(), registry: registry.clone(), shown, known, notes })
    }

    /// Starts the threads that read. They end with the process.
    fn start(&self, context: &Context) -> Result<(), Failure> {
        let drawing = Drawing::new(self.shown.clone(), self.known.seen.clone());
        let topics = self.stream.topics();
        let scored = self.stream.scored_schema().map_err(Failure::run_time)?;
        let anomalies = self.stream.anomalies_schema().map_err(Failure::run_time)?;
        let dead_letters = kafka::dead_letters_schema().map_err(Failure::run_time)?;
        let feed = |name: &str, schema: &codec::ValueSchema| {
            Feed::new(&self.connection, &self.registry, ReadTopic { name: name.to_owned(), schema: schema.clone() })
        };
        let begin = drawing.begin_counted();
        self.spawn("draw", context, feed(&topics.scored, &scored), drawing.begin_scored(), drawing.scored())?;
        self.spawn("anomalies", context, feed(&topics.anomalies, &anomalies), begin, drawing.anomalies())?;
        self.spawn("dead letters", context, feed(&topics.dead_letters, &dead_letters), begin, drawing.dead_letters())?;
        self.follow_notes(context)?;
        self.look(context)
    }

    fn spawn(
        &self,
        name: &str,
        context: &Context,
        feed: Feed,
        begin: feed::Begin,
        take: impl FnMut(&mut Feed, Vec<kafka::Received>) -> Result<(), DashboardError> + Send + 'static,
    ) -> Result<(), Failure> {
        let context = context.clone();
        let run = move || feed::run(feed, begin, &|| context.is_stopping(), take);
        thread::Builder::new().name(name.to_owned()).spawn(run).map(drop).map_err(Failure::run_time)
    }

    fn follow_notes(&self, context: &Context) -> Result<(), Failure> {
        let (notes, shown, context, connection) =
            (self.notes.clone(), self.shown.clone(), context.clone(), self.connection.clone());
        let run = move || {
            let take = |note: &Note| shown.learn(note);
            if let Err(error) = notes.follow(&connection, &take, &|| context.is_stopping()) {
                tracing::error!(%error, "notes are not followed");
            }
        };
        thread::Builder::new().name("notes".to_owned()).spawn(run).map(drop).map_err(Failure::run_time)
    }

    /// Asks the groups how far they have come, over and over.
    fn look(&self, context: &Context) -> Result<(), Failure> {
        let looker = Looker::connect(&self.connection, &self.stream).map_err(Failure::configuration)?;
        let (known, context, part) = (self.known.clone(), context.clone(), self.stream.name().to_owned());
        let run = move || {
            let mut answered = false;
            while !context.is_stopping() {
                let begun = Instant::now();
                match looker.look() {
                    Ok(looked) => {
                        known.update(Account::of(&looked), now_ms());
                        answered = true;
                        context.health.ready(&part, true);
                    }
                    Err(error) => {
                        // A page that says how old it is is better than none.
                        if !answered {
                            context.health.unready(&part, &error.to_string());
                        }
                        known.fail(error.to_string());
                    }
                }
                context.health.beat(&part);
                thread::sleep(LOOK_INTERVAL.saturating_sub(begun.elapsed()));
            }
            context.health.done(&part);
        };
        thread::Builder::new().name("look".to_owned()).spawn(run).map(drop).map_err(Failure::run_time)
    }
}
