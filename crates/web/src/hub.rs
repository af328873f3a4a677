//! The streams that the page shows, and the versions of what it shows of them.
//!
//! Twice a second a version ends: everyone who follows the live stream is woken and takes the newest. What is sent is made
//! once a version and view, by the first who asks for it, and not at all where nobody does.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use arrow::array::{StringArray, UInt64Array};
use bytes::Bytes;
use live::{Board, Facts, together};
use stage::Rows;
use stream::Stream;
use tokio::sync::watch;

use crate::{
    NotKept, Watched,
    jaeger::JaegerUrl,
    notes::{AcknowledgedIds, NoteView, Notes},
};

/// How often a version ends.
pub(crate) const VERSION_INTERVAL: Duration = Duration::from_millis(500);
/// How many different frames of a version are kept; whatever is asked beyond is made anew.
const FRAMES_MAX: usize = 512;
/// How many notes are kept for those who follow; a page that was away for longer asks for them.
const NEWS_MAX: usize = 1024;

/// A stream that the page shows.
pub struct Shown {
    /// The stream.
    pub(crate) stream: Arc<Stream>,
    board: Mutex<Board>,
    pub(crate) watched: Box<dyn Watched>,
    pub(crate) notes: Box<dyn Notes>,
    acknowledged: Mutex<AcknowledgedIds>,
    /// Dead letters that were repaired, each with what was written of it.
    redriven: Mutex<HashMap<String, store::Note>>,
    /// The newest notes, each with the version that it appeared in.
    news: Mutex<VecDeque<(u64, NoteView)>>,
}

impl Shown {
    /// A stream that `watched` runs, and the notes about it.
    pub fn new(stream: Arc<Stream>, watched: Box<dyn Watched>, notes: Box<dyn Notes>) -> Self {
        let board = Mutex::new(Board::new(stream.clone()));
        let (acknowledged, redriven, news) = (Mutex::default(), Mutex::default(), Mutex::default());
        let shown = Self { board, stream, watched, notes, acknowledged, redriven, news };
        shown.notes.list().iter().for_each(|note| shown.know(note));
        shown
    }

    /// Draws batches of scored rows, each with the microseconds that it took from being read to being scored.
    pub fn draw(&self, batches: Vec<(Rows, u64)>) {
        let now = now_ms();
        let (rows, micros): (Vec<Rows>, Vec<u64>) = batches.into_iter().unzip();
        let together = together(&rows);
        let mut board = self.board();
        for (rows, micros) in rows.iter().zip(micros) {
            board.take_latency(micros, rows.len() as u64, now);
        }
        match &together {
            Some(together) => board.take(together, now),
            None => rows.iter().for_each(|rows| board.take(rows, now)),
        }
    }

    /// Draws scored rows at the moment that they were taken in, in milliseconds since 1970, without their anomalies.
    pub fn draw_at(&self, rows: &[Rows], at_ms: i64) {
        let mut board = self.board();
        match together(rows) {
            Some(together) => board.take_values(&together, at_ms),
            None => rows.iter().for_each(|rows| board.take_values(rows, at_ms)),
        }
    }

    /// Takes the keys of a partition's rows, which are at these positions, to see which of them has more than its part.
    pub fn take_partition(&self, partition: u32, keys: &StringArray, positions: &UInt64Array) {
        self.board().take_partition(partition, keys, positions);
    }

    /// Counts how long so many rows took, in microseconds.
    pub fn draw_latency(&self, micros: u64, rows: u64) {
        self.board().take_latency(micros, rows, now_ms());
    }

    /// Counts committed anomalies that were taken in at this moment.
    pub fn count_anomalies(&self, count: u64, at_ms: i64) {
        self.board().count_anomalies(count, at_ms);
    }

    /// Lists committed anomalies that were taken in at this moment: the newest of them where there are too many for a person.
    pub fn draw_anomalies(&self, rows: &Rows, at_ms: i64) {
        self.board().take_committed(rows, at_ms);
    }

    /// Lists anomalies from before this process began, as many as are kept.
    pub fn draw_past_anomalies(&self, rows: &Rows, at_ms: i64) {
        self.board().take_past(rows, at_ms);
    }

    pub(crate) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who acknowledged what.
    pub(crate) fn acknowledged(&self) -> MutexGuard<'_, AcknowledgedIds> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Dead letters that were repaired, each with what was written of it.
    pub(crate) fn redriven(&self) -> MutexGuard<'_, HashMap<String, store::Note>> {
        self.redriven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks what a note is about.
    fn know(&self, note: &store::Note) {
        self.acknowledged().add(note);
        if note.kind == store::NoteKind::Redrive {
            self.redriven().extend(note.dead_letters.iter().map(|letter| (letter.clone(), note.clone())));
        }
    }

    /// Makes a note durable, then shows it.
    pub(crate) fn write(&self, note: store::Note) -> Result<store::Note, NotKept> {
        let note = self.notes.append(note)?;
        self.learn(&note);
        Ok(note)
    }

    /// Shows a note that is durable: one's own, or that of another process.
    pub fn learn(&self, note: &store::Note) {
        self.know(note);
        // Whoever sends a version waits for the lock, so that the version cannot be sent without the note.
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        if news.iter().any(|(_, known)| known.id == note.id) {
            return;
        }
        let version = self.board().open_version();
        news.push_back((version, NoteView::from(note)));
        if news.len() > NEWS_MAX {
            news.pop_front();
        }
    }

    /// The stream's name.
    pub fn name(&self) -> &str {
        self.stream.name()
    }

    /// The notes that appeared after version `since` up to version `until`.
    pub(crate) fn news(&self, since: u64, until: u64) -> Vec<NoteView> {
        let news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        news.iter().filter(|(version, _)| *version > since && *version <= until).map(|(_, note)| note.clone()).collect()
    }
}

/// Which frame: the stream, the view with what it is of, and the version that it goes on from.
pub(crate) type FrameKey = (usize, String, Option<u64>);

/// All streams of a page.
pub struct Hub {
    pub(crate) epoch: String,
    pub(crate) streams: Vec<Arc<Shown>>,
    /// Where the traces of anomalies are looked at.
    pub(crate) jaeger: Option<JaegerUrl>,
    sequence: watch::Sender<u64>,
    frames: Mutex<(u64, HashMap<FrameKey, Bytes>)>,
}

impl Hub {
    /// A page of these streams, whose anomalies have links to their traces where it is known where those are.
    pub fn new(streams: Vec<Arc<Shown>>, jaeger: Option<JaegerUrl>) -> Self {
        Self { epoch: fresh_epoch(), streams, jaeger, sequence: watch::Sender::new(0), frames: Mutex::default() }
    }

    /// Ends a version: what is known now is what everyone is shown.
    pub fn end_version(&self) {
        let mut sequence = 0;
        for shown in &self.streams {
            let (acknowledged, redriven) = (shown.acknowledged().len() as u64, shown.redriven().len() as u64);
            let facts = Facts { acknowledged, redriven, ..shown.watched.facts() };
            let mut board = shown.board();
            board.observe(facts, now_ms());
            sequence = board.close_version();
        }
        self.sequence.send_replace(sequence);
    }

    /// The newest version, and how to wait for the next.
    pub(crate) fn follow(&self) -> watch::Receiver<u64> {
        self.sequence.subscribe()
    }

    /// The stream of a name, with its number.
    pub(crate) fn find(&self, name: &str) -> Option<(usize, &Arc<Shown>)> {
        self.streams.iter().enumerate().find(|(_, shown)| shown.stream.name() == name)
    }

    /// A frame of `version`, made by `make` where nobody has asked for it yet.
    pub(crate) fn frame(&self, version: u64, key: FrameKey, make: impl FnOnce() -> Bytes) -> Bytes {
        let frames = || self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut known = frames();
            if known.0 < version {
                *known = (version, HashMap::new());
            }
            if let Some(frame) = known.1.get(&key).filter(|_| known.0 == version) {
                return frame.clone();
            }
        }
        let frame = make();
        let mut known = frames();
        if known.0 == version && known.1.len() < FRAMES_MAX {
            known.1.insert(key, frame.clone());
        }
        frame
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// A number that no process before had, unless the clock was set back by just that much.
fn fresh_epoch() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}", since.as_micros())
}
