"""Tables that astropy writes: FITS with every type of column, and its forms of text."""

import gzip

import numpy as np
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from cases import readings


def write(cases):
    tables(cases)
    columns(cases)
    forms(cases)
    texts(cases)


def base(rows=7):
    """A table with identities and times as text."""
    frame = readings(rows)
    table = Table.from_pandas(frame.drop(columns="timestamp"))
    table.add_column([time.isoformat() for time in frame["timestamp"]], name="timestamp", index=1)
    return table


def read(path, hdu=1):
    """What astropy reads, missing values as None."""
    table = Table.read(path, hdu=hdu)
    table.convert_bytestring_to_unicode()
    found = {}
    for name in table.colnames:
        column = table[name]
        mask = np.ma.getmaskarray(np.ma.asarray(column))
        found[name] = [value(item, hidden) for item, hidden in zip(np.asarray(column), mask)]
    return found


def value(item, hidden):
    """A cell: None where it is masked, in an array each element by itself."""
    if isinstance(item, np.ndarray):
        hidden = np.broadcast_to(hidden, item.shape) if item.dtype != object else [False] * len(item)
        return [value(inner, mask) for inner, mask in zip(item, hidden)]
    if hidden is True or hidden is np.True_ or (isinstance(item, (float, np.floating)) and np.isnan(item)):
        return None
    if isinstance(item, (complex, np.complexfloating)):
        return {"re": float(item.real), "im": float(item.imag)}
    return item.item() if isinstance(item, np.generic) else item


def case(cases, name, table, ending="fits", **options):
    file = f"astropy-{name}.{ending}"
    table.write(cases.path(file), format="fits", **options)
    cases.add("astropy", file, read(cases.path(file)))


def tables(cases):
    case(cases, "plain", base())
    case(cases, "long", base(5000))
    case(cases, "one-row", base(1))
    case(cases, "gzip", base(), "fits.gz")
    masked = Table(base(), masked=True)
    masked["value"].mask = [row % 2 == 0 for row in range(7)]
    masked["sensor"].mask = [row % 3 == 0 for row in range(7)]
    masked["count"] = MaskedColumn(np.arange(7), mask=[True] + [False] * 6, fill_value=-99)
    case(cases, "masked", masked)
    named = base()
    named.rename_column("value", "select")
    named["value"] = np.arange(7) * 1.5
    named["value"].unit = "mJy"
    named.meta["EXTNAME"] = "PHOTOMETRY"
    case(cases, "units-and-names", named)


def columns(cases):
    """Every type that the standard has."""
    numbers = np.array([0, 1, 2, 3, 4, 5, 100])
    for name, values in [
        ("logical", numbers % 2 == 0),
        ("u8", numbers.astype("u1")),
        ("i8", (numbers - 50).astype("i1")),
        ("i16", (numbers - 300).astype("i2")),
        ("u16", (numbers + 65000).astype("u2")),
        ("i32", (numbers - 2**31).astype("i4")),
        ("u32", (numbers + 2**31).astype("u4")),
        ("i64", (numbers - 2**62).astype("i8")),
        ("u64", (numbers + 2**62).astype("u8")),
        ("f32", (numbers / 3).astype("f4")),
        ("f64", numbers / 3),
        ("nan", np.where(numbers == 3, np.nan, numbers / 3)),
        ("complex64", (numbers / 2 + 1j).astype("c8")),
        ("complex128", numbers / 2 - 2j),
        ("text", np.array(["a", "bb", "ccc", "d d", "e", "f", "ggggggg"])),
        ("vector", np.arange(21).reshape(7, 3)),
        ("matrix", np.arange(42.0).reshape(7, 2, 3)),
        ("logicals", np.arange(28).reshape(7, 4) % 3 == 0),
        ("texts", np.array([["a", "bc"]] * 7)),
    ]:
        table = base()
        table["x"] = values
        case(cases, f"type-{name}", table)


def hdu(cases, name, column, further=(), cards=None):
    """A file with a column that is described by hand. `cards` scale it: astropy would scale what is in memory."""
    ids = fits.Column("id", "J", array=np.arange(1, 8))
    times = fits.Column("timestamp", "19A", array=np.array([str(time) for time in base()["timestamp"]]))
    table = fits.BinTableHDU.from_columns([ids, times, column])
    table.header.update({f"X{keyword}": number for keyword, number in (cards or {}).items()})
    file = f"astropy-{name}.fits"
    fits.HDUList([fits.PrimaryHDU(), table, *further]).writeto(cases.path(file))
    bytes_ = cases.path(file).read_bytes()
    for keyword in cards or {}:
        bytes_ = bytes_.replace(f"X{keyword}".encode(), f"T{keyword}".encode())
    cases.path(file).write_bytes(bytes_)
    cases.add("astropy", file, read(cases.path(file)))


def forms(cases):
    numbers = np.array([0, 1, 2, 3, 4, 5, 100])
    hdu(cases, "scaled", fits.Column("x", "I", array=numbers), cards={"SCAL3": 0.25, "ZERO3": 10.0})
    hdu(cases, "scaled-long", fits.Column("x", "J", array=numbers), cards={"SCAL3": 0.001})
    hdu(cases, "scaled-float", fits.Column("x", "E", array=numbers / 8), cards={"SCAL3": 2.0, "ZERO3": -1.0})
    hdu(cases, "null-integer", fits.Column("x", "J", null=100, array=numbers))
    hdu(cases, "bits", fits.Column("x", "11X", array=(np.arange(77).reshape(7, 11) % 3 == 0)))
    lengths = [np.arange(length) for length in (0, 1, 2, 3, 0, 5, 6)]
    ragged = np.empty(7, dtype=object)
    ragged[:] = [length.astype("i4") for length in lengths]
    hdu(cases, "variable-integers", fits.Column("x", "PJ()", array=ragged))
    floats = np.empty(7, dtype=object)
    floats[:] = [length / 4 for length in lengths]
    hdu(cases, "variable-doubles", fits.Column("x", "QD()", array=floats))
    other = fits.BinTableHDU.from_columns([fits.Column("start", "D", array=np.arange(3.0))], name="GTI")
    hdu(cases, "two-tables", fits.Column("x", "D", array=numbers / 3), [other])
    cases.found[-1]["says"].append("those behind it are not: `GTI`")
    image = fits.PrimaryHDU(np.arange(10000.0).reshape(100, 100))
    table = fits.BinTableHDU.from_columns(
        [fits.Column("id", "J", array=numbers), fits.Column("TIME", "D", unit="s", array=8e8 + numbers / 8)],
        name="EVENTS",
    )
    table.header.update({"MJDREF": 50814.0, "TIMESYS": "UTC", "TIMEUNIT": "s"})
    fits.HDUList([image, table]).writeto(cases.path("astropy-mission-time.fits"))
    # 800,000,000 s after 1998-01-01.
    times = [np.datetime64("1998-01-01") + np.timedelta64(int((8e8 + number / 8) * 1000), "ms") for number in numbers]
    times = [time.astype(object) for time in times]
    cases.add("astropy", "astropy-mission-time.fits", {"id": numbers, "event_time": times}, ["MJD 50814 in UTC"])
    with open(cases.path("astropy-plain.fits"), "rb") as whole, gzip.open(
        cases.path("astropy-by-hand.fits.gz"), "wb"
    ) as out:
        out.write(whole.read())
    cases.add("astropy", "astropy-by-hand.fits.gz", read(cases.path("astropy-plain.fits")))


def texts(cases):
    """The forms of text that astropy and NumPy write."""
    table = base()
    for name, ending, options in [
        ("csv", "csv", {"format": "ascii.csv"}),
        ("ecsv", "ecsv", {"format": "ascii.ecsv"}),
        ("ecsv-comma", "csv", {"format": "ascii.ecsv", "delimiter": ","}),
        ("tab", "txt", {"format": "ascii.tab"}),
        ("basic", "txt", {"format": "ascii.basic"}),
    ]:
        file = f"astropy-{name}.{ending}"
        table.write(cases.path(file), **options)
        back = Table.read(cases.path(file), format=options["format"])
        columns = {name: back[name].tolist() for name in back.colnames}
        columns["ok"] = [str(item) == "True" for item in columns["ok"]]
        cases.add("astropy", file, columns)
    rows = np.column_stack([table["id"], table["value"], table["pressure"], 60676.5 + table["id"] / 4])
    np.savetxt(cases.path("numpy-savetxt.csv"), rows, delimiter=",", header="id,value,pressure,mjd", comments="")
    np.savetxt(cases.path("numpy-savetxt-blank.csv"), rows, header="id value pressure mjd", comments="")
    np.savetxt(cases.path("numpy-savetxt-comment.csv"), rows, delimiter=",", header="id,value,pressure,mjd")
    for file, separator in [("savetxt", ","), ("savetxt-blank", None), ("savetxt-comment", ",")]:
        back = np.genfromtxt(cases.path(f"numpy-{file}.csv"), delimiter=separator, names=True)
        cases.add("NumPy", f"numpy-{file}.csv", {name: back[name].tolist() for name in back.dtype.names})
