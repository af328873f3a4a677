//! Which column identifies an event, which partitions the stream, and which dates it.

use std::collections::BTreeSet;

use crate::{
    InferError, clock,
    derived::{best, derived},
    features,
    guess::Kind,
    names::{self, has_word, words},
    planned::{Plan, Planned},
    table::{Column, Table},
    topic,
};

/// Words of things that many events have in common, so that their identity is not the event's.
const THINGS: [&str; 43] = [
    "object",
    "target",
    "star",
    "detector",
    "sensor",
    "device",
    "host",
    "hostname",
    "symbol",
    "ticker",
    "station",
    "channel",
    "machine",
    "node",
    "user",
    "customer",
    "account",
    "series",
    "instance",
    "service",
    "server",
    "asset",
    "probe",
    "vehicle",
    "meter",
    "site",
    "location",
    "region",
    "client",
    "player",
    "source",
    "module",
    "unit",
    "stock",
    "instrument",
    "pump",
    "turbine",
    "patient",
    "card",
    "session",
    "product",
    "item",
    "category",
];

/// What alerts of telescopes call a single detection, without the signs between words.
const ALERTS: [&str; 5] = ["candid", "diasourceid", "alertid", "candidateid", "detectionid"];

/// Words of kinds of events: a worse key, but one.
const KINDS: [&str; 8] = ["type", "kind", "class", "particle", "pdg", "level", "method", "name"];

/// Keys that have detectors of their own at most, as a share of the sample's rows.
const KEYS_SHARE: usize = 2;

/// Gives the roles, deriving what the file lacks, then chooses the features.
///
/// # Errors
/// Where a column is named like a time and cannot be read as one, and `no_time` does not allow that.
pub(crate) fn assign(mut plan: Plan, table: &mut Table, no_time: bool) -> Result<Plan, InferError> {
    clock::time(&mut plan, table, no_time)?;
    let table = &*table;
    id(&mut plan, table);
    key(&mut plan, table);
    let (time, id, key) = (plan.time.clone(), plan.id.clone(), plan.key.clone());
    for column in &mut plan.columns {
        column.required = [&time, &id, &key].contains(&&column.name);
    }
    features::choose(&mut plan, table);
    Ok(plan)
}

fn distinct(column: &Column) -> usize {
    column.texts().collect::<BTreeSet<_>>().len()
}

fn is_identity(kind: &Kind) -> bool {
    matches!(kind, Kind::Text | Kind::Long)
}

fn id(plan: &mut Plan, table: &Table) {
    let own = plan.columns.iter().enumerate();
    if let Some(place) = best(own.map(|(place, column)| (place, id_score(column, table)))) {
        plan.id = plan.columns[place].name.clone();
        plan.id_reason = "named like an identity, and different in every row of the sample".to_owned();
        return;
    }
    let within = plan.inner.iter().enumerate();
    if let Some(place) = best(within.map(|(place, column)| (place, id_score(column, table)))) {
        let column = plan.inner[place].clone();
        let sql = format!("CAST({} AS VARCHAR)", column.sql);
        plan.id = derived(plan, table, &column.name, Kind::Text, sql, "an identity within an object");
        plan.id_reason =
            "within an object: named like an identity, and different in every row of the sample".to_owned();
        return;
    }
    if table.topic.is_some() {
        let why = "no column identifies a message: its topic, partition and offset";
        plan.id = derived(plan, table, "message_id", Kind::Text, topic::ID.to_owned(), why);
        plan.id_reason = "derived: no column named like an identity is different in every message".to_owned();
        return;
    }
    let sql = "concat(_file, '-', CAST(_row AS VARCHAR))".to_owned();
    plan.id = derived(
        plan,
        table,
        "row_id",
        Kind::Text,
        sql,
        "no column identifies a row: the file's name and the row's number",
    );
    plan.id_reason = "derived: no column named like an identity is different in every row".to_owned();
}

fn id_score(planned: &Planned, table: &Table) -> u32 {
    let fits = is_identity(&planned.kind) && planned.name != "_file";
    let Some(column) = planned.column(table).filter(|column| fits && !column.has_gaps()) else { return 0 };
    let words = words(&column.name);
    let ends = words.last().map(String::as_str);
    if distinct(column) < table.rows {
        return 0;
    }
    // What alerts of telescopes call a single detection.
    if ALERTS.contains(&words.concat().as_str()) {
        return 95;
    }
    if !matches!(ends, Some("id" | "uuid" | "guid" | "uid" | "key" | "hash")) {
        return 0;
    }
    match words.as_slice() {
        [_] => 100,
        _ if has_word(&column.name, &THINGS) => 0,
        _ if has_word(&column.name, &["event", "row", "record", "message", "request", "trade", "reading", "alert"]) => {
            90
        }
        _ => 50,
    }
}

fn key(plan: &mut Plan, table: &Table) {
    let score = |column: &Planned| key_score(column, plan, table);
    let own = best(plan.columns.iter().enumerate().map(|(place, column)| (place, score(column))));
    let within = best(plan.inner.iter().enumerate().map(|(place, column)| (place, score(column))));
    let is_better = |inner: usize| own.is_none_or(|own| score(&plan.inner[inner]) > score(&plan.columns[own]));
    if let Some(place) = within.filter(|place| is_better(*place)) {
        let column = plan.inner[place].clone();
        let has_gaps = column.cells.as_ref().is_some_and(Column::has_gaps);
        let sql = match has_gaps || table.typed.is_some() {
            true => format!("coalesce(CAST({} AS VARCHAR), 'none')", column.sql),
            false => format!("CAST({} AS VARCHAR)", column.sql),
        };
        plan.key = derived(plan, table, &column.name, Kind::Text, sql, "a value within an object");
        (plan.key_reason, plan.partitions) =
            ("a value within an object that is named like what events belong to".to_owned(), 4);
        return;
    }
    if let Some(place) = own {
        let column = &plan.columns[place];
        let keys = column.column(table).map_or(0, distinct);
        (plan.key, plan.partitions) = (column.name.clone(), 4);
        plan.key_reason = format!("named like what events belong to; {keys} different in the sample");
        return;
    }
    if let Some(topic) = &table.topic {
        let (sql, why) = topic.key();
        plan.key = derived(plan, table, "message_key", Kind::Text, sql.to_owned(), why);
        (plan.key_reason, plan.partitions) = (format!("derived: {why}"), 4);
        return;
    }
    plan.key = derived(
        plan,
        table,
        "series",
        Kind::Text,
        "_file".to_owned(),
        "no column says what rows belong together: a file is a series",
    );
    (plan.key_reason, plan.partitions) = ("derived: each file is a series of its own".to_owned(), 4);
}

fn key_score(planned: &Planned, plan: &Plan, table: &Table) -> u32 {
    let fits =
        is_identity(&planned.kind) && planned.name != plan.id && planned.name != plan.time && planned.origin.is_some();
    // A value within an object may be missing here and there; such events have a key of their own.
    let enough = |column: &Column| match planned.cells {
        Some(_) => column.gaps() * 2 <= column.cells.len(),
        None => !column.has_gaps(),
    };
    let Some(column) = planned.column(table).filter(|column| fits && enough(column)) else { return 0 };
    if has_word(&column.name, &names::LABELS) {
        return 0;
    }
    let count = distinct(column);
    let few = count * KEYS_SHARE <= table.rows || table.rows < 64;
    let is_text = planned.kind == Kind::Text;
    let ends_in_id = words(&column.name).last().is_some_and(|word| word == "id");
    let place = words(&column.name).iter().find_map(|word| THINGS.iter().position(|thing| thing == word));
    match place {
        Some(place) if few && (is_text || ends_in_id) => 100 - place as u32,
        _ if has_word(&column.name, &KINDS) && count * 16 <= table.rows && (is_text || ends_in_id) => 20,
        _ if ends_in_id && count * 16 <= table.rows => 15,
        _ if is_text && count > 1 && count <= 64 && count * 16 <= table.rows => 10,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        examples::{assigned, lines, plan_of, table},
        topic::Topic,
    };

    fn id(text: &str) -> String {
        plan_of(text).id
    }

    fn key(text: &str) -> String {
        plan_of(text).key
    }

    #[test]
    fn the_best_identity_is_the_most_certain_name() {
        // Each is a worse name than the one before, and `row_id` is made where none will do.
        let names = ["id", "candid", "event_id", "some_hash"];
        for (place, better) in names.iter().enumerate() {
            for worse in &names[place + 1..] {
                assert_eq!(id(&format!("{better},{worse},x\n1,5,1\n2,6,1\n")), *better);
                assert_eq!(id(&format!("{worse},{better},x\n1,5,1\n2,6,1\n")), *better);
            }
        }
        for name in ["ID", "uuid", "messageGuid", "diaSourceId", "dia_source_id", "trade key", "alertId", "odd_uid"] {
            assert_eq!(id(&format!("x,{name}\n1,a\n1,b\n")), name.replace(' ', "_"));
        }
        // The identity of a thing, no identity at all, one that comes twice or is missing once, a number with a fraction.
        for text in [
            "sensor_id,x\na,1\nb,1\n",
            "host id,x\na,1\nb,1\n",
            "name,x\na,1\nb,1\n",
            "id,x\na,1\na,1\n",
            "id,x\na,1\n,1\n",
            "id,x\n1.5,1\n2.5,1\n",
        ] {
            assert_eq!(id(text), "row_id", "{text}");
        }
        let reason = plan_of("id,x\n1,1\n2,1\n").id_reason;
        assert_eq!(reason, "named like an identity, and different in every row of the sample");
    }

    #[test]
    fn an_identity_within_an_object_is_taken_out_of_it() {
        let plan = plan_of("{\"m\": {\"uuid\": \"a\"}, \"x\": 1}\n{\"m\": {\"uuid\": \"b\"}, \"x\": 2}\n");
        assert_eq!(plan.id, "uuid");
        let column = plan.columns.iter().find(|column| column.name == "uuid").unwrap();
        let (sql, why) = column.derive.clone().unwrap();
        assert_eq!((sql.as_str(), why.as_str()), ("CAST(\"m\"['uuid'] AS VARCHAR)", "an identity within an object"));
        assert!(plan.id_reason.starts_with("within an object: "));
    }

    #[test]
    fn the_best_key_is_the_thing_named_first() {
        assert_eq!(key("station,host\na,b\na,b\n"), "host");
        assert_eq!(key("host,station\na,b\na,b\n"), "host");
        assert_eq!(key("target,object\na,b\na,b\n"), "object");
        let plan = plan_of("x,sensor_id\n1,a\n2,b\n2,a\n");
        assert_eq!((plan.key.as_str(), plan.partitions), ("sensor_id", 4));
        assert_eq!(plan.key_reason, "named like what events belong to; 2 different in the sample");
        // A number is a key where its name ends in id; a label, a column with gaps and a time never are.
        assert_eq!(key("user_id,x\n7,1.5\n8,2.5\n"), "user_id");
        for text in ["user,x\n7,1.5\n8,2.5\n", "host_label,x\na,1\nb,2\n", "host,x\na,1\n,2\n", "x\n1\n2\n"] {
            assert_eq!(key(text), "series", "{text}");
        }
        assert_eq!(plan_of("x\n1\n2\n").key_reason, "derived: each file is a series of its own");
    }

    #[test]
    fn a_key_has_few_values() {
        let things = |rows: usize, keys: usize| key(&lines("host,x", rows, |row| format!("h{},1.5", row % keys)));
        // Of few rows one cannot tell; of more, each key has two at least.
        assert_eq!(
            (things(63, 63).as_str(), things(64, 32).as_str(), things(64, 33).as_str()),
            ("host", "host", "series")
        );
        // Worse names need sixteen rows a key, and a plain text has 64 values at most and two at least.
        for (name, rows, keys, wanted) in [
            ("method", 32, 2, "method"),
            ("method", 31, 2, "series"),
            ("lot id", 32, 2, "lot_id"),
            ("lot id", 31, 2, "series"),
            ("note", 32, 2, "note"),
            ("note", 31, 2, "series"),
            ("note", 32, 1, "series"),
            ("note", 64 * 16, 64, "note"),
            ("note", 65 * 16, 65, "series"),
        ] {
            let text = lines(&format!("{name},x"), rows, |row| format!("h{},1.5", row % keys));
            assert_eq!(key(&text), wanted, "{name} {rows} {keys}");
        }
        // Of those the kind is better than the identity, which is better than the text.
        let text = lines("note,lot id,kind,x", 64, |row| format!("n{0},l{0},k{0},1.5", row % 2));
        assert_eq!(key(&text), "kind");
        let text = lines("note,lot id,x", 64, |row| format!("n{0},{0},1.5", row % 2));
        assert_eq!(key(&text), "lot_id");
        let text = lines("code type,x", 64, |row| format!("{},1.5", row % 2));
        assert_eq!(key(&text), "series", "a number that is not an identity");
    }

    #[test]
    fn a_key_within_an_object_may_be_missing_here_and_there() {
        let sql = |text: &str| {
            let plan = plan_of(text);
            let column = plan.columns.iter().find(|column| column.name == plan.key).cloned().unwrap();
            (plan.key, column.derive.map(|(sql, _)| sql).unwrap_or_default())
        };
        let found = sql("{\"m\": {\"host\": \"a\"}, \"x\": 1}\n{\"m\": {\"host\": \"b\"}, \"x\": 2}\n");
        assert_eq!(found, ("host".to_owned(), "CAST(\"m\"['host'] AS VARCHAR)".to_owned()));
        let found = sql("{\"m\": {\"host\": \"a\"}, \"x\": 1}\n{\"m\": {\"y\": 1}, \"x\": 2}\n");
        assert_eq!(found, ("host".to_owned(), "coalesce(CAST(\"m\"['host'] AS VARCHAR), 'none')".to_owned()));
        let rare = "{\"m\": {\"host\": \"a\"}}\n{\"m\": {\"y\": 1}}\n{\"m\": {\"y\": 1}}\n";
        assert_eq!(sql(rare), ("series".to_owned(), "_file".to_owned()));
        // The better of the two, and of equally good ones that of the row itself.
        assert_eq!(sql("{\"m\": {\"host\": \"a\"}, \"station\": \"s\"}\n").0, "host");
        assert_eq!(sql("{\"m\": {\"station\": \"a\"}, \"host\": \"s\"}\n").0, "host");
        assert_eq!(sql("{\"m\": {\"host\": \"a\"}, \"host\": \"s\"}\n").1, "");
        let plan = plan_of("{\"m\": {\"host\": \"a\"}}\n");
        assert_eq!(
            (plan.key_reason.as_str(), plan.partitions),
            ("a value within an object that is named like what events belong to", 4)
        );
    }

    #[test]
    fn a_topic_gives_what_its_messages_lack() {
        let of = |has_keys: bool, text: &str| {
            let topic = Topic { name: "t".into(), format: stream::MessageFormat::Json, schema: None, has_keys };
            let mut table = table(text);
            table.topic = Some(topic);
            assigned(table, false).unwrap().0
        };
        let plan = of(true, "{\"x\": 1.5}\n");
        assert_eq!(
            (plan.id.as_str(), plan.key.as_str(), plan.time.as_str()),
            ("message_id", "message_key", "message_time")
        );
        assert_eq!(plan.key_reason, "derived: the message's key");
        assert_eq!(
            plan.time_reason,
            "derived: no column has a time in every message: the time that its producer or broker gave it"
        );
        assert_eq!(plan.id_reason, "derived: no column named like an identity is different in every message");
        assert!(of(false, "{\"x\": 1.5}\n").key_reason.ends_with("and they have no keys: the topic"));
        let plan = of(true, "{\"id\": 1, \"host\": \"a\", \"time\": \"2025-01-01T00:00:00Z\"}\n");
        assert_eq!((plan.id.as_str(), plan.key.as_str(), plan.time.as_str()), ("id", "host", "time"));
    }

    #[test]
    fn what_has_a_role_is_required() {
        let plan = plan_of("id,time,host,x\n1,2025-01-01T00:00:00Z,a,5\n");
        let required: Vec<&str> =
            plan.columns.iter().filter(|column| column.required).map(|column| column.name.as_str()).collect();
        assert_eq!(required, ["id", "time", "host"]);
    }
}
