//! The files, and what is expected of each.

/// A file and what is expected of it.
pub(crate) struct Case {
    pub file: &'static str,
    /// Whether `init` writes the definition; otherwise one stands beside the file.
    pub init: bool,
    pub expected: Expected,
}

/// What becomes of a file.
#[derive(Clone, Copy)]
pub(crate) enum Expected {
    /// What a query gives, and lines of the definition.
    Values { sql: &'static str, csv: &'static str, says: &'static [&'static str] },
    /// What the refusal says.
    #[allow(dead_code)]
    Refused(&'static [&'static str]),
}

const fn init(file: &'static str, sql: &'static str, csv: &'static str, says: &'static [&'static str]) -> Case {
    Case { file, init: true, expected: Expected::Values { sql, csv, says } }
}

const fn replay(file: &'static str, sql: &'static str, csv: &'static str) -> Case {
    Case { file, init: false, expected: Expected::Values { sql, csv, says: &[] } }
}

const VALUES: &str = "SELECT id, timestamp, value FROM processed_data ORDER BY id";
const JSON: &str = "SELECT id, timestamp, sensor_id, v FROM processed_data ORDER BY id";
const FOUR: &str = "id,timestamp,sensor_id,v\n1,2025-01-01T00:00:01Z,s,1.5\n2,2025-01-01T00:00:02Z,s,2.5\n\
                    3,2025-01-01T00:00:03Z,s,3.5\n4,2025-01-01T00:00:04Z,s,4.5";
const TWO: &str = "id,timestamp,value\n1,2025-01-01T00:00:00Z,1.5\n2,2025-01-01T00:00:01Z,2.5";
const FLUX: &str = "SELECT id, flux FROM processed_data ORDER BY id";
const LETTERS: &str =
    "SELECT (SELECT count(*) FROM processed_data) AS rows, (SELECT count(*) FROM dead_letters) AS dead";

/// Every file, in the order of its kind.
pub(crate) const CASES: &[Case] = &[
    init("line-ends-cr.csv", VALUES, TWO, &["line_end: cr"]),
    init("tab.tsv", VALUES, "id,timestamp,value\n1,2025-01-01T00:00:00Z,1.5", &["separator: \"\\t\""]),
    init(
        "semicolon-decimal-comma.csv",
        "SELECT id, timestamp, flux FROM processed_data ORDER BY id",
        "id,timestamp,flux\n1,2025-01-01T00:00:00Z,1.5\n2,2025-01-01T00:00:01Z,2.5",
        &["separator: \";\"", "decimal_comma: true"],
    ),
    init("trailing-comma.csv", VALUES, TWO, &["trailing_separator: true"]),
    init("sep-line.csv", VALUES, TWO, &["skip_lines: 1"]),
    init("comment-lines.csv", VALUES, TWO, &["skip_lines: 2"]),
    init(
        "utf16.csv",
        "SELECT id, timestamp, name FROM processed_data ORDER BY id",
        "id,timestamp,name\n1,2025-01-01T00:00:00Z,Müller\n2,2025-01-01T00:00:01Z,plain",
        &["UTF-16"],
    ),
    init(
        "missing-spellings.csv",
        "SELECT count(*) AS n, count(flux) AS there, sum(n) AS total, min(flux) AS low FROM processed_data WHERE flux IS NULL OR NOT isnan(flux)",
        "n,there,total,low\n15,2,125,-999.0",
        &["missing: ["],
    ),
    init(
        "column-row.csv",
        "SELECT id, value, row FROM processed_data ORDER BY id",
        "id,value,row\n1,1.5,0.25\n2,2.5,0.75\n3,3.5,0.5",
        &[],
    ),
    init(
        "rows.csv.zst",
        "SELECT count(*) AS n, min(value) AS low, max(timestamp) AS last FROM processed_data",
        "n,low,last\n100,1.5,2025-01-01T00:00:59Z",
        &["zstd"],
    ),
    init(
        "date-and-time-columns.csv",
        "SELECT id, event_time FROM processed_data ORDER BY id",
        "id,event_time\n1,2025-01-01T10:00:00Z\n2,2025-01-02T11:30:15.250Z",
        &["parse_timestamp(concat(", "the date in `date` and the time of day in `time`"],
    ),
    init(
        "time-comma-millis.csv",
        VALUES,
        "id,timestamp,value\n1,2025-01-01T00:00:00.123Z,1.5\n2,2025-01-01T00:00:01.456Z,2.5",
        &[],
    ),
    init(
        "time-offsets.csv",
        "SELECT id, timestamp FROM processed_data ORDER BY id",
        "id,timestamp\n1,2025-01-01T00:00:00Z\n2,2024-12-31T18:30:00Z\n3,2025-01-01T08:00:00Z\n4,2024-12-31T18:30:00Z\n\
         5,2024-12-31T19:00:00Z\n6,2024-12-31T10:00:00Z\n7,2024-02-29T12:00:00Z\n8,2025-01-01T00:00:00Z",
        &[],
    ),
    init("time-gmt.csv", VALUES, TWO, &[]),
    init("time-minutes.csv", VALUES, "id,timestamp,value\n1,2025-01-01T00:00:00Z,1.5\n2,2025-01-01T00:01:00Z,2.5", &[]),
    init(
        "time-leap-second.csv",
        VALUES,
        "id,timestamp,value\n1,2016-12-31T23:59:58Z,1.5\n2,2016-12-31T23:59:59Z,2.5\n3,2017-01-01T00:00:00Z,3.5\n\
         4,2017-01-01T00:00:00Z,4.5",
        &[],
    ),
    init(
        "time-epoch-2000.csv",
        VALUES,
        "id,timestamp,value\n1,2000-01-01T00:00:00Z,1.5\n2,2000-01-01T00:00:01Z,2.5",
        &[],
    ),
    init(
        "time-epoch-string.jsonl",
        "SELECT id, timestamp, x FROM processed_data ORDER BY id",
        "id,timestamp,x\n1,2025-01-01T00:00:00Z,1.5\n2,2025-01-01T00:00:01Z,2.5",
        &[],
    ),
    init(
        "time-mjd.csv",
        "SELECT id, event_time, mjd, value FROM processed_data ORDER BY id",
        "id,event_time,mjd,value\n1,2025-01-01T00:00:00Z,60676.0,1.5\n2,2025-01-01T06:00:00Z,60676.25,2.5\n\
         3,2025-01-02T12:00:00Z,60677.5,3.5",
        &["mjd_to_timestamp(\\\"mjd\\\", 'utc')", "taken as UTC"],
    ),
    init("array.json", JSON, FOUR, &["format: json"]),
    init("array-pretty.json", JSON, FOUR, &["format: json"]),
    init("objects-concatenated.json", JSON, FOUR, &["format: json"]),
    init("nan-literals.jsonl", FLUX, "id,flux\n1,1.5\n2,NaN\n3,inf\n4,-inf\n5,", &["nan: true"]),
    init("nan-strings.jsonl", FLUX, "id,flux\n1,1.5\n2,NaN\n3,inf\n4,2.5", &[]),
    init(
        "u64.jsonl",
        "SELECT id, checksum FROM processed_data ORDER BY id",
        "id,checksum\n1,1\n2,18446744073709551615\n3,9223372036854775808",
        &["as_written: true"],
    ),
    init("floats-out-of-range.jsonl", LETTERS, "rows,dead\n7,2", &[]),
    init(
        "mixed-types.jsonl",
        "SELECT count(*) AS n FROM processed_data",
        "n\n9",
        &["`x` (its values have no type in common"],
    ),
    init(
        "plain.avro",
        "SELECT count(*) AS n, sum(v) AS v, max(ts) AS last FROM processed_data",
        "n,v,last\n200,20000.0,2025-01-01T00:00:59Z",
        &[],
    ),
    init(
        "bzip2.avro",
        "SELECT count(*) AS n, sum(v) AS v, max(ts) AS last FROM processed_data",
        "n,v,last\n200,20000.0,2025-01-01T00:00:59Z",
        &[],
    ),
    init("dotted-ns.avro", "SELECT id, a['x'] AS a, b['x'] AS b FROM processed_data", "id,a,b\n1,1.5,2.5", &[]),
    replay("dotted-ns.avro", "SELECT id FROM processed_data", "id\n1"),
    init("rec-in-rec.avro", "SELECT id, a['b']['c'] AS c FROM processed_data", "id,c\n1,7", &[]),
    replay("rec-in-rec.avro", "SELECT id, a['b']['c'] AS c FROM processed_data", "id,c\n1,7"),
    init("enum-in-arr.avro", "SELECT id, a[1] AS a, a[2] AS b FROM processed_data", "id,a,b\n1,X,Y", &[]),
    replay("enum-in-arr.avro", "SELECT id, a[1] AS a, a[2] AS b FROM processed_data", "id,a,b\n1,X,Y"),
    init("uuid-id.avro", "SELECT id FROM processed_data", "id\n00000000-0000-0000-0000-000000000005", &[]),
    replay("uuid-id.avro", "SELECT id FROM processed_data", "id\n00000000-0000-0000-0000-000000000005"),
    init("union-derive.avro", "SELECT id, x FROM processed_data ORDER BY id", "id,x\n1,5.0\n2,2.25\n3,", &[]),
    replay("union-derive.avro", "SELECT id, x FROM processed_data ORDER BY id", "id,x\n1,5.0\n2,2.25\n3,"),
    replay("default.avro", "SELECT id, v, w FROM processed_data", "id,v,w\n1,1.5,9.5"),
    replay("alias.avro", "SELECT id, v FROM processed_data", "id,v\n1,1.5"),
    init(
        "rec-unread.avro",
        "SELECT id, v FROM processed_data",
        "id,v\n1,1.5",
        &["`x.next` (record `Node` within itself)"],
    ),
    replay("rec-unread.avro", "SELECT id, v FROM processed_data", "id,v\n1,1.5"),
    init(
        "list-pyarrow.parquet",
        "SELECT id, l[1] AS first, l[2] AS second FROM processed_data ORDER BY id",
        "id,first,second\na,1.5,\nb,2.5,3.5",
        &[],
    ),
    init(
        "list-duckdb.parquet",
        "SELECT id, l[1] AS first, l[2] AS second, s['x'] AS x, price FROM processed_data",
        "id,first,second,x,price\na,1,2,1,1.1",
        &[],
    ),
    init(
        "nested.parquet",
        "SELECT id, s['a'] AS a, s['b'] AS b, l[2] AS l, ls[1]['q'] AS q, f[2] AS f FROM processed_data ORDER BY id",
        "id,a,b,l,q,f\ne0,1,x,2,1.5,2.0\ne1,2,,,,4.0\ne2,,,,,6.0",
        &[],
    ),
    init(
        "null-column.parquet",
        "SELECT id, ts, v FROM processed_data ORDER BY id",
        "id,ts,v\ne0,2025-01-01T00:00:00Z,1.5\ne1,2025-01-01T00:00:01Z,2.5\ne2,2025-01-01T00:00:02Z,3.5",
        &["it is always null"],
    ),
    init(
        "future-row.csv",
        "SELECT count(*) AS n, count(DISTINCT sensor) AS sensors FROM processed_data",
        "n,sensors\n240,2",
        &[],
    ),
];
