//! Alerts of telescopes: the structure and the field names of ZTF's (schema 4.02) and Rubin's (11.1) alert packets, each
//! with values of its own, through `init`, a replay and a query.

use std::fs;

use serde_json::{Map, Value, json};

use crate::{avro::container, beamline, text};

const ALERTS: usize = 40;

/// Fields as `type: names`, a type with `?` being a union with null.
fn fields(lists: &[&str]) -> Value {
    let of = |kind: &str, name: &str| match kind.strip_suffix('?') {
        Some(kind) => json!({ "name": name, "type": ["null", kind], "default": null }),
        None => json!({ "name": name, "type": kind }),
    };
    let each = lists.iter().flat_map(|list| {
        let (kind, names) = list.split_once(": ").unwrap();
        names.split(' ').map(move |name| of(kind, name))
    });
    each.collect()
}

/// A value for each field: numbers that vary with the row, every tenth of the optional ones missing.
fn values(fields: &Value, row: usize) -> Map<String, Value> {
    let of = |place: usize, kind: &Value| {
        let optional = kind.is_array();
        match kind.as_str().or(kind[1].as_str()).unwrap() {
            _ if optional && (row + place).is_multiple_of(10) => Value::Null,
            "int" | "long" => json!(row * 7 + place),
            "float" | "double" => json!(((row * 31 + place * 17) % 101) as f64 / 8.0),
            "boolean" => json!(row.is_multiple_of(2)),
            _ => json!(format!("t{}", row % 3)),
        }
    };
    let fields = fields.as_array().unwrap().iter().enumerate();
    fields.map(|(place, field)| (field["name"].as_str().unwrap().to_owned(), of(place, &field["type"]))).collect()
}

const CANDIDATE: [&str; 8] = [
    "double: jd",
    "int: fid",
    "long: pid",
    "float?: diffmaglim",
    "string?: pdiffimfilename programpi",
    "long: candid",
    "string: isdiffpos",
    "double: ra dec",
];
const MEASURED: &str = "float: magpsf sigmapsf";
const FURTHER: [&str; 4] = [
    "float?: chipsf magap sigmagap distnr magnr sigmagnr chinr sharpnr sky magdiff fwhm classtar mindtoedge magfromlim \
     seeratio aimage bimage elong rb ssdistnr ssmagnr",
    "int?: nneg nbad",
    "string?: ssnamenr",
    "double?: jdstarthist jdendhist scorr",
];

fn ztf() -> (Value, Vec<Value>) {
    let candidate = fields(&[&CANDIDATE[..], &[MEASURED], &FURTHER].concat());
    let earlier = fields(&[&CANDIDATE[..], &["float?: magpsf sigmapsf"]].concat());
    let cutout = json!({ "type": "record", "name": "cutout", "namespace": "ztf.alert", "fields":
        [{ "name": "fileName", "type": "string" }, { "name": "stampData", "type": "bytes" }] });
    let schema = json!({ "type": "record", "name": "alert", "namespace": "ztf", "doc": "avro alert schema for ZTF", "fields": [
        { "name": "schemavsn", "type": "string" },
        { "name": "publisher", "type": "string" },
        { "name": "objectId", "type": "string" },
        { "name": "candid", "type": "long" },
        { "name": "candidate", "type": { "type": "record", "name": "candidate", "namespace": "ztf.alert", "fields": candidate } },
        { "name": "prv_candidates", "type": ["null", { "type": "array", "items":
            { "type": "record", "name": "prv_candidate", "namespace": "ztf.alert", "fields": earlier } }], "default": null },
        { "name": "cutoutScience", "type": ["null", cutout], "default": null },
        { "name": "cutoutTemplate", "type": ["null", "ztf.alert.cutout"], "default": null },
        { "name": "cutoutDifference", "type": ["null", "ztf.alert.cutout"], "default": null }] });
    let alert = |row: usize| {
        let mut candidate = values(&candidate, row);
        candidate.insert("jd".into(), json!(2_460_676.5 + row as f64 / 1440.0));
        candidate.insert("jdstarthist".into(), json!(2_458_000.5));
        let earlier: Vec<Value> = (0..row % 4).map(|n| Value::Object(values(&earlier, n))).collect();
        let stamp = json!({ "fileName": "x.fits.gz", "stampData": "x".repeat(4000) });
        json!({ "schemavsn": "4.02", "publisher": "ZTF", "objectId": format!("ZTF25{}", row % 5), "candid": 3_000_000_000_000_i64 + row as i64,
            "candidate": candidate, "prv_candidates": if row.is_multiple_of(4) { Value::Null } else { json!(earlier) },
            "cutoutScience": stamp, "cutoutTemplate": stamp, "cutoutDifference": if row == 3 { Value::Null } else { stamp.clone() } })
    };
    (schema, (0..ALERTS).map(alert).collect())
}

const SOURCE: [&str; 10] = [
    "long: diaSourceId visit",
    "int: detector",
    "long?: diaObjectId ssObjectId parentDiaSourceId",
    "double: midpointMjdTai ra dec",
    "float?: exposureTime raErr decErr ra_dec_Cov",
    "float: x y",
    "float?: apFlux apFluxErr snr psfFlux psfFluxErr psfLnL psfChi2 scienceFlux scienceFluxErr templateFlux reliability",
    "int: psfNdata",
    "boolean?: centroid_flag isNegative shape_flag isDipole",
    "string?: band reliabilityVersion",
];

fn lsst() -> (Value, Vec<Value>) {
    let source = fields(&SOURCE);
    let object = fields(&[
        "long: diaObjectId",
        "double: validityStartMjdTai ra dec",
        "float?: u_psfFluxMean g_psfFluxMean",
        "int: nDiaSources",
    ]);
    let schema = json!({ "type": "record", "name": "lsst.v11_1.alert", "fields": [
        { "name": "diaSourceId", "type": "long" },
        { "name": "observation_reason", "type": ["null", "string"], "default": null },
        { "name": "diaSource", "type": { "type": "record", "name": "lsst.v11_1.diaSource", "fields": source } },
        { "name": "prvDiaSources", "type": ["null", { "type": "array", "items": "lsst.v11_1.diaSource" }], "default": null },
        { "name": "diaObject", "type": ["null", { "type": "record", "name": "lsst.v11_1.diaObject", "fields": object }], "default": null },
        { "name": "cutoutDifference", "type": ["null", "bytes"], "default": null }] });
    let alert = |row: usize| {
        let source_of = |row: usize| {
            let mut values = values(&source, row);
            values.insert("midpointMjdTai".into(), json!(60_676.0 + 37.0 / 86_400.0 + row as f64 / 1440.0));
            values.insert("diaObjectId".into(), if row % 10 == 9 { Value::Null } else { json!(row % 4 + 1) });
            values.insert("diaSourceId".into(), json!(9_000_000_000_000_i64 + row as i64));
            values
        };
        let mut object = values(&object, row);
        object.insert("validityStartMjdTai".into(), json!(60_000.0));
        json!({ "diaSourceId": 9_000_000_000_000_i64 + row as i64, "observation_reason": null, "diaSource": source_of(row),
            "prvDiaSources": (0..row % 3).map(source_of).collect::<Vec<_>>(),
            "diaObject": if row % 10 == 9 { Value::Null } else { json!(object) }, "cutoutDifference": "y".repeat(3000) })
    };
    (schema, (0..ALERTS).map(alert).collect())
}

/// Gives a file to `init`, replays its definition unedited, and gives the definition and the answers to some queries.
fn through(name: &str, file: &[u8], queries: &[&str]) -> (String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join(format!("{name}.avro")), file).unwrap();
    for arguments in [&["init", &format!("{name}.avro")][..], &["replay", &format!("{name}.yaml"), "--out", "out"]] {
        let done = beamline(folder, arguments);
        assert!(done.status.success(), "{arguments:?}: {}{}", text(&done.stdout), text(&done.stderr));
    }
    let definition = fs::read_to_string(folder.join(format!("{name}.yaml"))).unwrap();
    let answer = |sql: &&str| {
        let done = beamline(folder, &["query", "--results", "out", "--format", "csv", sql]);
        assert!(done.status.success(), "{sql}: {}\n{definition}", text(&done.stderr));
        text(&done.stdout).trim().to_owned()
    };
    let answers = queries.iter().map(answer).collect();
    (definition, answers)
}

#[test]
fn alerts_of_ztf_run_as_init_proposes() {
    let (schema, alerts) = ztf();
    let file = container(&schema, &alerts, 7);
    let (definition, answers) = through(
        "ztf",
        &file,
        &[
            "SELECT count(*) AS n, count(DISTINCT candid) AS ids, count(DISTINCT \"objectId\") AS keys FROM processed_data",
            "SELECT min(event_time) AS first, max(event_time) AS last FROM processed_data",
            "SELECT sum(cardinality(prv_candidates)) AS earlier, sum(prv_candidates[1]['ra']) AS ra FROM processed_data",
            "SELECT sum(candidate['magpsf']) AS magpsf, count(candidate['rb']) AS rb FROM processed_data",
            "SELECT count(*) AS dead FROM dead_letters",
        ],
    );
    let sum = |of: &dyn Fn(&Value) -> f64| alerts.iter().map(of).sum::<f64>();
    let ra = sum(&|alert| alert["prv_candidates"][0]["ra"].as_f64().unwrap_or_default());
    let magpsf = sum(&|alert| alert["candidate"]["magpsf"].as_f64().unwrap());
    let rb = alerts.iter().filter(|alert| !alert["candidate"]["rb"].is_null()).count();
    assert_eq!(answers[0], "n,ids,keys\n40,40,5");
    // A double holds a Julian date to 40 microseconds.
    assert_eq!(answers[1], "first,last\n2025-01-01T00:00:00Z,2025-01-01T00:38:59.999981Z", "{definition}");
    assert_eq!(answers[2], format!("earlier,ra\n60,{ra:?}"));
    assert_eq!(answers[3], format!("magpsf,rb\n{magpsf:?},{rb}"));
    assert_eq!(answers[4], "dead\n0");
    for line in [
        "  id: candid",
        "  key: objectId",
        "jd_to_timestamp(\\\"candidate\\\"['jd'], 'utc')",
        "\\\"candidate\\\"['magpsf']",
        "cutoutScience",
    ] {
        assert!(definition.contains(line), "{line}\n{definition}");
    }
}

#[test]
fn alerts_of_rubin_run_as_init_proposes() {
    let (schema, alerts) = lsst();
    let file = container(&schema, &alerts, 1);
    let (definition, answers) = through(
        "lsst",
        &file,
        &[
            "SELECT count(*) AS n, count(DISTINCT \"diaSourceId\") AS ids, count(DISTINCT \"diaObjectId\") AS keys FROM processed_data",
            "SELECT min(event_time) AS first, max(event_time) AS last FROM processed_data",
            "SELECT sum(cardinality(\"prvDiaSources\")) AS earlier FROM processed_data",
            "SELECT count(*) AS dead FROM dead_letters",
        ],
    );
    assert_eq!(answers[0], "n,ids,keys\n40,40,5");
    assert_eq!(answers[1], "first,last\n2025-01-01T00:00:00Z,2025-01-01T00:39:00Z", "{definition}");
    assert_eq!(answers[2], "earlier\n39");
    assert_eq!(answers[3], "dead\n0");
    let time = "mjd_to_timestamp(\\\"diaSource\\\"['midpointMjdTai'], 'tai')";
    for line in ["  id: diaSourceId", "  key: diaObjectId", time, "cutoutDifference", "['psfFlux']"] {
        assert!(definition.contains(line), "{line}\n{definition}");
    }
}
