//! Labelled events, and what each judge says of them.

/// Labelled events in their order, with what each judge says of them.
#[derive(Debug, Clone, Default)]
pub struct Events {
    /// Which key each event is of, as a number.
    pub keys: Vec<u32>,
    /// 0 for an ordinary event, else the number of its kind in `kind_names`, from 1.
    pub kinds: Vec<u16>,
    /// Microseconds since 1970.
    pub times: Vec<i64>,
    /// The kinds of anomalies.
    pub kind_names: Vec<String>,
    /// What is measured; the first one is the detector as a whole, and ranks the kinds.
    pub judges: Vec<Judge>,
    /// What simple detectors say of the same events.
    pub simple: Vec<Judge>,
}

/// Something that scores events, alarms, or both.
#[derive(Debug, Clone)]
pub struct Judge {
    /// Its name: a layer's, a rule's, or what they are together.
    pub name: String,
    /// A score an event, higher is more anomalous, NaN where it has none; `None` for a rule.
    pub scores: Option<Vec<f64>>,
    /// Whether it calls the event anomalous.
    pub alarms: Vec<bool>,
}
