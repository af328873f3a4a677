//! Which columns become features, and in which form.

use super::*;
use crate::examples::{features_of, lines, plan_of};

fn measured(row: usize) -> f64 {
    (row as f64 * 0.7).sin() * 10.0
}

#[test]
fn what_varies_is_measured_and_codes_and_labels_are_not() {
    for (name, cells, wanted) in [
        ("x", "1.5 2.5 4", true),
        ("x", "1.5 2.5 1.5", false),
        ("x", "1.5", true),
        ("x", "1 2 3", false),
        ("x", "3 2 1", true),
        ("x", "1 2 4", true),
        ("x", "1 NaN 2 inf", false),
        ("label", "1.5 2.5 4", false),
        ("status", "200 404 500", false),
        ("lot id", "7.5 2.5 4.5", false),
        ("hour", "1 5 7", false),
        ("no_value", "1.5 2.5 4", true),
    ] {
        let text = format!("{name},host\n{}", cells.split(' ').map(|cell| format!("{cell},a\n")).collect::<String>());
        let sql = name.replace(' ', "_");
        assert_eq!(features_of(&text), if wanted { vec![sql] } else { vec![] }, "{text}");
    }
}

#[test]
fn a_long_tail_is_a_logarithm() {
    let numbers = |text: fn(usize) -> f64| (0..200).map(text).collect::<Vec<f64>>();
    let sql = |numbers: Vec<f64>| feature("x", numbers).0;
    let heavy = |row: usize| (row as f64 / 20.0).exp();
    assert_eq!(sql(numbers(heavy)), "ln(x)");
    let reason = "never negative in the sample, with a long tail: half are below 148.413159, 1 % above 18958.354802";
    assert_eq!(feature("x", numbers(heavy)).1, reason);
    // With zeros among them a constant keeps them finite: a power of ten below what is ordinary, and 1 at most.
    assert_eq!(sql(numbers(|row| if row < 20 { 0.0 } else { (row as f64 / 20.0).exp() })), "ln(x + 1)");
    let small = numbers(|row| if row == 0 { 0.0 } else { (row as f64 / 20.0).exp() / 1e4 });
    assert_eq!(sql(small), "ln(x + 1e-4)");
    let tiny = numbers(|row| if row == 0 { 0.0 } else { (row as f64 / 20.0).exp() / 1e20 });
    assert_eq!(sql(tiny), "ln(x + 1e-12)");
    let zeros = numbers(|row| if row < 190 { 0.0 } else { 5.0 });
    assert_eq!(sql(zeros), "ln(x + 1)");
    // A least value that is next to nothing beside the middle counts as zero.
    assert_eq!(sql(numbers(|row| if row == 0 { 1e-9 } else { (row as f64 / 20.0).exp() })), "ln(x + 1)");
    // Neither even ones, nor negative ones, nor a tail of the lower end, nor one far from zero.
    for plain in [
        numbers(|row| row as f64),
        numbers(|row| (row as f64 / 20.0).exp() - 5.0),
        numbers(|row| 30_000.0 - (row as f64 / 20.0).exp()),
        numbers(|row| 30_000.0 + (row as f64 / 20.0).exp()),
        numbers(|_| 0.0),
    ] {
        assert_eq!(feature("x", plain), ("x".to_owned(), "varies in the sample".to_owned()));
    }
    assert_eq!(feature("x", vec![f64::NAN, 1.0]).1, "a number; one row does not tell how it varies");
    assert_eq!(sql([numbers(heavy), vec![f64::NAN, f64::NEG_INFINITY]].concat()), "ln(x)");
}

#[test]
fn a_text_or_code_of_few_values_is_looked_at_by_frequency() {
    let found = |header: &str, rows: usize, values: usize| {
        features_of(&lines(&format!("host,{header}"), rows, |row| format!("h{},v{}", row % 3, row % values)))
    };
    assert_eq!(found("browser", 16, 2), ["frequency(browser)"]);
    assert_eq!(found("browser", 15, 2), Vec::<String>::new());
    assert_eq!(found("browser", 64, 1), Vec::<String>::new());
    assert_eq!(found("browser", 256 * 8, 256), ["frequency(browser)"]);
    assert_eq!(found("browser", 257 * 8, 257), Vec::<String>::new());
    assert_eq!(found("user hash", 64, 2), Vec::<String>::new(), "an identity");
    assert_eq!(found("true class", 64, 2), Vec::<String>::new(), "a label");
    assert_eq!(found("null", 64, 2), ["frequency(\"null\")"], "a word of SQL");
    assert_eq!(found("browser", 64, 3), Vec::<String>::new(), "each host has one value");
    let codes = lines("host,status,is ok", 64, |row| format!("h{},{},{}", row % 3, row % 2, row % 4 == 0));
    assert_eq!(features_of(&codes), ["frequency(status)", "frequency(is_ok)"]);
    let counts = lines("host,count", 64, |row| format!("h{},{}", row % 3, row % 2));
    assert_eq!(features_of(&counts), Vec::<String>::new(), "a count is not a code");
    let key = lines("size key,x", 64, |row| format!("{},{}", row * 7919 % 101, measured(row)));
    assert_eq!(features_of(&key), ["x"], "what identifies is not measured");
    let numbers = lines("host,amount", 64, |row| format!("h{},{}", row % 3, row % 2));
    assert_eq!(features_of(&numbers), Vec::<String>::new(), "a number of two values is neither");
    let reason = &plan_of(&lines("host,a", 64, |row| format!("h{},v{}", row % 3, row % 2))).features[0].1;
    assert_eq!(reason, "2 values in the sample; alarms where one is rare for its key");
}

#[test]
fn eight_are_looked_at_measurements_first_and_at_most_four_texts() {
    let header = |numbers: usize, texts: usize| {
        let numbers = (0..numbers).map(|n| format!("m{n}")).chain((0..texts).map(|n| format!("t{n}")));
        format!("host,{}", numbers.collect::<Vec<_>>().join(","))
    };
    let text = |numbers: usize, texts: usize| {
        lines(&header(numbers, texts), 64, |row| {
            let numbers = (0..numbers).map(|n| format!("{}", measured(row + n)));
            let texts = (0..texts).map(|_| format!("v{}", row % 2));
            format!("h{},{}", row % 3, numbers.chain(texts).collect::<Vec<_>>().join(","))
        })
    };
    let count = |numbers: usize, texts: usize| {
        let found = features_of(&text(numbers, texts));
        (found.iter().filter(|sql| !sql.starts_with("frequency")).count(), found.len())
    };
    assert_eq!([count(2, 6), count(6, 6), count(8, 1), count(9, 1)], [(2, 6), (6, 8), (8, 8), (8, 8)]);
    assert_eq!(plan_of(&text(8, 0)).notes.len(), plan_of(&text(9, 0)).notes.len() - 1);
    let plan = plan_of(&text(10, 0));
    assert!(plan.notes.contains(&"the detector looks at 8 measurements; not at m8, m9".to_owned()), "{:?}", plan.notes);
    // What is named like a measurement comes before what is not.
    let preferred = lines("host,a,b,c,d,e,f,g,h,mag1,flux,temp", 64, |row| {
        let numbers = (0..11).map(|n| format!("{}", measured(row + n)));
        format!("h{},{}", row % 3, numbers.collect::<Vec<_>>().join(","))
    });
    assert_eq!(features_of(&preferred), ["mag1", "flux", "temp", "a", "b", "c", "d", "e"]);
    let eight = lines("host,a,b,c,d,e,f,g,flux", 64, |row| {
        let numbers = (0..8).map(|n| format!("{}", measured(row + n)));
        format!("h{},{}", row % 3, numbers.collect::<Vec<_>>().join(","))
    });
    assert_eq!(features_of(&eight), ["a", "b", "c", "d", "e", "f", "g", "flux"], "there is room for all of them");
    assert!(["magPSF", "snr", "apparent_magnitude", "pressure"].into_iter().all(is_preferred) && !is_preferred("imag"));
}

#[test]
fn what_is_within_objects_is_measured_too() {
    let object =
        |row: usize| format!("{{\"host\": \"a\", \"o\": {{\"x\": {}, \"n\": 1, \"s\": \"{row}\"}}}}", measured(row));
    assert_eq!(features_of(&lines("", 20, object)), ["\"o\"['x']"]);
    // Where the object's own name cannot stand in the stream, nothing of it is there to be measured.
    let object = |row: usize| format!("{{\"host\": \"a\", \"@o\": {{\"x\": {}}}}}", measured(row));
    assert_eq!(features_of(&lines("", 20, object)), Vec::<String>::new());
}

#[test]
fn bounds_of_nature_are_rules_where_every_row_keeps_them() {
    let rules = |name: &str, cells: &str| {
        let text = format!("{name},host\n{}", cells.split(' ').map(|cell| format!("{cell},a\n")).collect::<String>());
        plan_of(&text).quality
    };
    let rule =
        |name: &str, check: &str| vec![(format!("possible_{name}"), format!("{name} IS NULL OR {name} {check}"))];
    assert_eq!(rules("lat", "-90 90"), rule("lat", "BETWEEN -90 AND 90"));
    assert_eq!(
        rules("Longitude", "-180 360"),
        vec![("possible_longitude".to_owned(), "Longitude IS NULL OR Longitude BETWEEN -180 AND 360".to_owned())]
    );
    assert_eq!(rules("humidity", "0 100"), rule("humidity", "BETWEEN 0 AND 100"));
    for (name, cells) in
        [("lat", "-90.5 1"), ("lon", "361 1"), ("humidity", "101 1"), ("latency", "1 2"), ("lat", "x y")]
    {
        assert_eq!(rules(name, cells), vec![], "{name} {cells}");
    }
}

#[test]
fn a_name_of_sql_is_quoted() {
    assert_eq!(["x", "null", "value", "true", "Time"].map(name_in_sql), ["x", "\"null\"", "value", "\"true\"", "Time"]);
}
