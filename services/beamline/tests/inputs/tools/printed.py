"""Text as programs print it: numbers of C, Fortran and Windows, names that no schema could have, odd rows and times."""

import datetime
import math

import pandas as pd
from astropy.time import Time

from cases import START, readings, stamps


def write(cases):
    numbers(cases)
    headers(cases)
    rows(cases)
    times(cases)
    calendar(cases)


def text_case(cases, tool, file, text, columns, says=(), order="id", encoding="utf-8"):
    cases.path(file).write_bytes(text.encode(encoding))
    cases.add(tool, file, columns, says, order)


def lines(header, rows, separator=",", end="\n"):
    return end.join(separator.join(str(cell) for cell in row) for row in [header, *rows]) + end


def numbers(cases):
    """Numbers as programs print them."""
    at = [time.isoformat() + "Z" for time in stamps(6)]
    for name, cells, values in [
        (
            "c-printf",
            ["1.5", "-nan", "nan", "inf", "-inf", "1e+06"],
            [1.5, math.nan, math.nan, math.inf, -math.inf, 1e6],
        ),
        ("short", [".5", "5.", "+.5e-3", "-.5", "1E5", "-0"], [0.5, 5.0, 0.0005, -0.5, 1e5, -0.0]),
        ("blanks", [" 1.5", "2.5 ", " 3.5 ", "4.5", "  5.5", "6.5"], [1.5, 2.5, 3.5, 4.5, 5.5, 6.5]),
        ("msvc", ["1.5", "1.#QNAN", "1.#INF", "-1.#IND", "2.5", "3.5"], [1.5, None, math.inf, None, 2.5, 3.5]),
        (
            "precise",
            ["0.1", "0.30000000000000004", "1e-323", "1.7976931348623157e308", "2.5e-8", "9007199254740993.0"],
            [0.1, 0.30000000000000004, 1e-323, 1.7976931348623157e308, 2.5e-8, 9007199254740993.0],
        ),
    ]:
        text = lines(["id", "timestamp", "x"], zip(range(6), at, cells))
        text_case(cases, "C", f"odd-numbers-{name}.csv", text, {"id": range(6), "timestamp": stamps(6), "x": values})
    fortran = ["0.15D+01", "0.25D+01", "-0.35D+02", "0.45D-03", "0.0D+00", "0.1D+01"]
    text = lines(["id", "timestamp", "x"], zip(range(6), at, fortran))
    text_case(cases, "Fortran", "odd-fortran.csv", text, {"id": range(6), "timestamp": stamps(6), "x": fortran})
    thousands = [f'"{value:,.1f}"' for value in (1234.5, 999.5, 1234567.5, 2.5, 3.5, 4.5)]
    text = lines(["id", "timestamp", "x"], zip(range(6), at, thousands))
    text_case(
        cases,
        "Excel",
        "odd-thousands.csv",
        text,
        {"id": range(6), "timestamp": stamps(6), "x": [cell.strip('"') for cell in thousands]},
    )


def headers(cases):
    """Names that no schema could have."""
    at = [time.isoformat() + "Z" for time in stamps(3)]
    body = [[row + 1, at[row], row + 0.5, row * 2] for row in range(3)]
    expected = lambda third, fourth, first="id", second="timestamp": {
        first: [1, 2, 3],
        second: stamps(3),
        third: [0.5, 1.5, 2.5],
        fourth: [0, 2, 4],
    }
    for name, header, columns in [
        ("two-lines", ["id", "timestamp", '"flux\n(mJy)"', "n"], expected("flux_mJy", "n")),
        ("commas", ["id", "timestamp", '"flux, mean"', '"n ""all"""'], expected("flux_mean", "n_all")),
        ("blanks", [" id", " timestamp", " x ", "n "], expected("x", "n")),
        ("case", ["id", "timestamp", "Value", "value"], expected("Value", "value")),
        (
            "points",
            ["id", "timestamp", "candidate.magpsf", "candidate.fid"],
            expected("candidate_magpsf", "candidate_fid"),
        ),
        ("digits", ["id", "timestamp", "2mass", "3"], expected("_2mass", "_3")),
        ("japanese", ["id", "timestamp", "温度", "数"], None),
        ("message", ["id", "timestamp", "$key", "$offset"], expected("key", "offset")),
        ("own-words", ["id", "timestamp", "anomaly_score", "_beamline_position"], None),
        ("same-but-signs", ["id", "timestamp", "a-b", "a b"], None),
        ("sql", ["id", "timestamp", '"x;DROP TABLE"', "end"], expected("x_DROP_TABLE", "end")),
    ]:
        file = f"odd-header-{name}.csv"
        columns = columns or {"id": [1, 2, 3], "timestamp": stamps(3)}
        text_case(cases, "Excel", file, lines(header, body), columns)
    wide = pd.concat([readings(4), pd.DataFrame({f"c{number}": [float(number)] * 4 for number in range(1000)})], axis=1)
    wide.to_csv(cases.path("odd-wide.csv"), index=False)
    cases.add("pandas", "odd-wide.csv", {name: wide[name].tolist() for name in ("id", "value", "c0", "c999")})


def rows(cases):
    """Rows that are not like the others."""
    at = [time.isoformat() + "Z" for time in stamps(4)]
    plain = [[row + 1, at[row], row + 0.5] for row in range(4)]
    columns = {"id": [1, 2, 3, 4], "timestamp": stamps(4), "x": [0.5, 1.5, 2.5, 3.5]}
    header = ["id", "timestamp", "x"]
    text = lines(header, plain)
    text_case(cases, "Excel", "odd-blank-rows.csv", text.replace("\n", "\n\n"), columns)
    text_case(cases, "editor", "odd-white-rows.csv", text + "   \n\t\n", columns)
    text_case(cases, "editor", "odd-no-last-line-end.csv", text.rstrip("\n"), columns)
    text_case(cases, "editor", "odd-mixed-line-ends.csv", text.replace("\n", "\r\n", 2), columns)
    text_case(cases, "DOS", "odd-end-of-file.csv", text.replace("\n", "\r\n") + "\x1a", columns)
    text_case(cases, "editor", "odd-blank-after-comma.csv", lines(header, plain, ", "), columns)
    texts = ['"a, b"', '"say ""hi"""', '"two\r\nlines"', '""']
    quoted = lines([*header, "note"], [[*row, note] for row, note in zip(plain, texts)])
    text_case(cases, "Excel", "odd-quotes.csv", quoted, {**columns, "note": ["a, b", 'say "hi"', "two\r\nlines", None]})
    long = lines([*header, "note"], [[*row, str(row[0]) * 200_000] for row in plain])
    text_case(cases, "editor", "odd-long-cells.csv", long, columns)
    yes = lines(
        [*header, "ok", "flag"], [[*row, word, row[0] % 2] for row, word in zip(plain, ["yes", "no", "yes", "no"])]
    )
    text_case(cases, "editor", "odd-yes.csv", yes, {**columns, "ok": ["yes", "no", "yes", "no"], "flag": [1, 0, 1, 0]})
    late = [
        [row, (START + datetime.timedelta(seconds=row)).isoformat(), row if row < 5000 else row + 0.5]
        for row in range(6000)
    ]
    text_case(
        cases,
        "editor",
        "odd-fraction-late.csv",
        lines(header, late),
        {"id": range(6000), "x": [float(row[2]) for row in late]},
    )


def times(cases):
    """Times as programs write them."""

    def case(name, cells, values, column="timestamp", derived=False, says=()):
        text = lines(["id", column, "x"], [[place, cell, place + 0.5] for place, cell in enumerate(cells)])
        name_of = "event_time" if derived else column
        text_case(
            cases,
            "logger",
            f"odd-time-{name}.csv",
            text,
            {"id": range(len(cells)), name_of: values, "x": [place + 0.5 for place in range(len(cells))]},
            says,
        )

    second = datetime.timedelta(seconds=1)
    base = datetime.datetime(2025, 3, 1, 10)
    case(
        "mixed-fractions",
        ["2025-03-01 10:00:00", "2025-03-01 10:00:01.5", "2025-03-01 10:00:02.250000"],
        [base, base + 1.5 * second, base + 2.25 * second],
    )
    case(
        "summer",
        ["2025-03-30 01:59:59+01:00", "2025-03-30 03:00:00+02:00", "2025-03-30 03:00:01+02:00"],
        [
            datetime.datetime(2025, 3, 30, 0, 59, 59),
            datetime.datetime(2025, 3, 30, 1),
            datetime.datetime(2025, 3, 30, 1, 0, 1),
        ],
    )
    case(
        "before-1970",
        ["1969-12-31T23:59:58.5Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z"],
        [
            datetime.datetime(1969, 12, 31, 23, 59, 58, 500_000),
            datetime.datetime(1969, 12, 31, 23, 59, 59),
            datetime.datetime(1970, 1, 1),
        ],
    )
    case(
        "old",
        ["1900-01-01T00:00:00Z", "1899-12-31T00:00:00Z", "1583-01-01T00:00:00Z"],
        [datetime.datetime(1900, 1, 1), datetime.datetime(1899, 12, 31), datetime.datetime(1583, 1, 1)],
    )
    case(
        "nanoseconds",
        ["2025-03-01T10:00:00.123456789Z", "2025-03-01T10:00:01.999999999Z", "2025-03-01T10:00:02.000000001Z"],
        [
            base + datetime.timedelta(microseconds=123456),
            base + datetime.timedelta(seconds=1, microseconds=999999),
            base + 2 * second,
        ],
    )
    case(
        "exponent",
        ["1.7408232000e+09", "1.7408232010e+09", "1.7408232025e+09"],
        [base, base + second, base + 2.5 * second],
    )
    case(
        "fits-name",
        ["2025-03-01T10:00:00.000", "2025-03-01T10:00:01.000", "2025-03-01T10:00:02.000"],
        [base, base + second, base + 2 * second],
        "DATE-OBS",
    )
    cases.found[-1]["columns"]["DATE_OBS"] = cases.found[-1]["columns"].pop("DATE-OBS")
    case(
        "mjd-obs",
        ["60735.5", "60735.75", "60736.0"],
        [datetime.datetime(2025, 3, 1, 12), datetime.datetime(2025, 3, 1, 18), datetime.datetime(2025, 3, 2)],
        "MJD-OBS",
        True,
    )
    case(
        "tai",
        ["60735.5", "60735.75", "60736.0"],
        [Time(day, format="mjd", scale="tai").utc.to_datetime() for day in (60735.5, 60735.75, 60736.0)],
        "expMidptMJDTAI",
        True,
        ["'tai'"],
    )
    case(
        "hjd",
        ["2460736.0", "2460736.25", "2460736.5"],
        [datetime.datetime(2025, 3, 1, 12), datetime.datetime(2025, 3, 1, 18), datetime.datetime(2025, 3, 2)],
        "jd",
        True,
    )
    case(
        "python-logging",
        ['"2025-03-01 10:00:00,250"', '"2025-03-01 10:00:01,250"', '"2025-03-01 10:00:02,250"'],
        [base + 0.25 * second, base + 1.25 * second, base + 2.25 * second],
    )
    case(
        "rfc3339-offset",
        ["2025-03-01T10:00:00.5-08:00", "2025-03-01T10:00:01.5-08:00", "2025-03-01T10:00:02.5-08:00"],
        [base + datetime.timedelta(hours=8) + (place + 0.5) * second for place in range(3)],
    )
    case(
        "postgres",
        ["2025-03-01 10:00:00.123+00", "2025-03-01 10:00:01.5+00", "2025-03-01 10:00:02+00"],
        [base + 0.123 * second, base + 1.5 * second, base + 2 * second],
    )
    case(
        "go",
        ["2025-03-01 10:00:00.5 +0000 UTC", "2025-03-01 10:00:01.5 +0000 UTC", "2025-03-01 10:00:02.5 +0000 UTC"],
        [base + (place + 0.5) * second for place in range(3)],
    )
    case(
        "java",
        ["2025-03-01T10:00Z", "2025-03-01T10:00:01Z", "2025-03-01T10:00:02.5Z"],
        [base, base + second, base + 2.5 * second],
    )


def calendar(cases):
    """Times in parts, or no finer than a month."""
    rows = [(1999 + row // 4, 1 + row % 12, 28 - row, row % 24) for row in range(12)]
    values = [row * row / 4 for row in range(12)]

    def case(name, header, cells, times):
        text = lines(["id", *header, "x"], [[place, *cell, values[place]] for place, cell in enumerate(cells)])
        columns = {"id": range(12), "event_time": times, "x": values}
        text_case(cases, "logger", f"odd-calendar-{name}.csv", text, columns, ["the beginning of what `year`"])

    case("years", ["year"], [row[:1] for row in rows], [datetime.datetime(row[0], 1, 1) for row in rows])
    case("days", ["Year", "Month", "Day"], [row[:3] for row in rows], [datetime.datetime(*row[:3]) for row in rows])
    cases.found[-1]["says"] = ["the beginning of what `Year`, `Month`, `Day` say"]
    padded = [(row[0], f"{row[1]:02}", f"{row[2]:02}", f"{row[3]:02}") for row in rows]
    case("hours", ["year", "month", "day", "hour"], padded, [datetime.datetime(*row) for row in rows])
    months = [datetime.datetime(row[0], row[1], 1) for row in rows]
    case("months", ["month"], [(time.strftime("%Y-%m"),) for time in months], months)
    cases.found[-1]["says"] = ["the first day of the month in `month`"]
