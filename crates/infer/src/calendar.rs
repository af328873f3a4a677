//! Times in several columns (a year, a month, a day, an hour, minutes), or in one that goes no further than the month.

use std::ops::RangeInclusive;

use crate::{
    guess::Kind,
    names::{has_word, shown, words},
    planned::{Plan, Planned},
    table::{Column, Table},
};

/// Parts of a time, the largest first: what their columns are called, and what they may be.
const PARTS: [(&[&str], RangeInclusive<i64>); 5] = [
    (&["year", "yr", "yyyy"], 1_000..=2_999),
    (&["month", "mon", "mo"], 1..=12),
    (&["day", "dy"], 1..=31),
    (&["hour", "hr"], 0..=23),
    (&["minute", "min"], 0..=59),
];

/// Words of columns that may go no further than the month.
const MONTHS: [&str; 6] = ["month", "date", "period", "time", "yearmonth", "ym"];

/// Whether a column is called like a part of a time, so that it is nothing that was measured.
pub(crate) fn is_part(name: &str) -> bool {
    let name = words(name).concat();
    PARTS.iter().any(|(names, _)| names.contains(&name.as_str()))
}

/// SQL for the time that columns make together, and why; `None` where there is no year among them.
pub(crate) fn of_parts(plan: &Plan, table: &Table) -> Option<(String, String)> {
    of_month(plan, table).or_else(|| {
        let found: Vec<&Planned> = PARTS.iter().map_while(|part| part_of(plan, table, part)).collect();
        let (year, rest) = found.split_first()?;
        let number = |column: &Planned| format!("CAST(CAST({} AS INT) AS VARCHAR)", column.sql);
        let mut text = number(year);
        for (place, before) in ["'-'", "'-'", "' '", "':'"].into_iter().enumerate() {
            match (rest.get(place), place) {
                (Some(column), _) => text += &format!(", {before}, lpad({}, 2, '0')", number(column)),
                (None, 0 | 1) => text += ", '-01'",
                // A day without an hour is its midnight; an hour without minutes is a whole one.
                (None, 3) if rest.len() == 3 => text += ", ':00'",
                (None, _) => {}
            }
        }
        let names: Vec<String> = found.iter().map(|column| shown(&column.name)).collect();
        Some((format!("parse_timestamp(concat({text}))"), format!("the beginning of what {} say", names.join(", "))))
    })
}

/// The column that is a part of every row's time.
fn part_of<'p>(plan: &'p Plan, table: &Table, (names, range): &(&[&str], RangeInclusive<i64>)) -> Option<&'p Planned> {
    let is_within = |text: &str| text.trim().parse().is_ok_and(|number| range.contains(&number));
    plan.columns.iter().find(|planned| {
        let kind = matches!(planned.kind, Kind::Long | Kind::Double | Kind::Text);
        let name = words(planned.doc.as_ref().unwrap_or(&planned.name)).concat();
        kind && names.contains(&name.as_str()) && whole(planned, table, is_within)
    })
}

/// A column of months as `2025-03`.
fn of_month(plan: &Plan, table: &Table) -> Option<(String, String)> {
    let is_month = |text: &str| {
        let text = text.trim();
        text.len() == "2025-03".len() && times::parse_date(format!("{text}-01").as_bytes()).is_some()
    };
    let column = plan.columns.iter().find(|planned| {
        planned.kind == Kind::Text && has_word(&planned.name, &MONTHS) && whole(planned, table, is_month)
    })?;
    let sql = format!("parse_timestamp(concat(trim({}), '-01'))", column.sql);
    Some((sql, format!("the first day of the month in {}", shown(&column.name))))
}

/// Whether a column has a value of this form in every row.
fn whole(planned: &Planned, table: &Table, is: impl Fn(&str) -> bool) -> bool {
    let fits = |column: &Column| !column.has_gaps() && column.texts().next().is_some() && column.texts().all(is);
    planned.column(table).is_some_and(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::{features_of, lines, moments, plan_of};

    #[test]
    fn the_parts_of_a_time_make_the_beginning_of_what_they_say() {
        for (header, row, moment, names) in [
            ("year", "2024", "2024-01-01T00:00:00Z", "`year`"),
            ("yr,mo", "2024,3", "2024-03-01T00:00:00Z", "`yr`, `mo`"),
            ("YYYY,Month,DY", "2024,3,5", "2024-03-05T00:00:00Z", "`YYYY`, `Month`, `DY`"),
            ("year,month,day,hr", "2024,3,5,7", "2024-03-05T07:00:00Z", "`year`, `month`, `day`, `hr`"),
            (
                "min,hour,day,month,year",
                "9,7,5,3,2024",
                "2024-03-05T07:09:00Z",
                "`year`, `month`, `day`, `hour`, `min`",
            ),
            // A part without the larger ones says nothing, and so does one of other values than it may have.
            ("year,day,hour", "2024,5,7", "2024-01-01T00:00:00Z", "`year`"),
            ("year,month", "2024,13", "2024-01-01T00:00:00Z", "`year`"),
            ("year,month", "2024,x3", "2024-01-01T00:00:00Z", "`year`"),
            // What only looks like a year is not one.
            ("x,year", "2001,2024", "2024-01-01T00:00:00Z", "`year`"),
        ] {
            let text = format!("{header}\n{row}\n");
            assert_eq!(moments(&text), [moment], "{text}");
            assert_eq!(plan_of(&text).time_reason, format!("derived: the beginning of what {names} say"), "{text}");
        }
    }

    #[test]
    fn a_year_is_a_time_only_where_every_row_has_one_that_can_be() {
        for text in ["x,y\n2024,1\n", "year,x\n999,1\n", "year,x\n3000,1\n", "year,x\n2024,1\n,2\n", "year,x\n,1\n"] {
            assert_eq!(plan_of(text).time, "row_time", "{text}");
        }
        assert_eq!(moments("year,x\n1000,1\n2999,2\n"), ["1000-01-01T00:00:00Z", "2999-01-01T00:00:00Z"]);
    }

    #[test]
    fn a_month_is_its_first_day() {
        for text in ["note,month\n2025-04,2025-03\n", "month,year\n2025-03,2024\n", "period\n 2025-03 \n"] {
            assert_eq!(moments(text), ["2025-03-01T00:00:00Z"], "{text}");
        }
        assert_eq!(plan_of("x,ym\na,2025-03\n").time_reason, "derived: the first day of the month in `ym`");
        for text in ["period,x\nquarter,1\n", "period,x\n2025-13,1\n", "x,note\n1,2025-03\n", "period,x\n2025-3,1\n"] {
            assert_eq!(plan_of(text).time, "row_time", "{text}");
        }
    }

    #[test]
    fn a_part_of_a_time_is_not_measured() {
        let text = lines("Hour,x", 100, |row| format!("{},{}", row * 7 % 24, row * row % 89));
        assert_eq!(features_of(&text), ["x"]);
        assert!(["year", "Year", "MINUTE", "hr"].into_iter().all(is_part) && !is_part("yearly") && !is_part("x"));
    }
}
