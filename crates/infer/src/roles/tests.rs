//! Which columns are taken for the id and the key.

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
    assert_eq!((things(63, 63).as_str(), things(64, 32).as_str(), things(64, 33).as_str()), ("host", "host", "series"));
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
