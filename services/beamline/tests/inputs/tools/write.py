"""Writes files with the tools that people use, and what those tools read in them.

    write.py FOLDER     the files, and FOLDER/expected.json

Each entry of expected.json has the file's name, the tool, and the columns as lists of values in the order of `id`.
What JSON cannot say stands as text: NaN and infinities, times (in UTC, with Z), dates, bytes in hexadecimal digits.
"""

import json
import sys
from pathlib import Path

import alerts
import astronomy
import avro
import columnar
import delimited
import exports
import objects
import printed
import rare
import saved
import ztf
from cases import Cases


def main() -> None:
    folder = Path(sys.argv[1])
    cases = Cases(folder)
    for module in (delimited, saved, objects, avro, columnar, astronomy, alerts, ztf, printed, exports, rare):
        module.write(cases)
    (folder / "expected.json").write_text(json.dumps(cases.found))
    print(len(cases.found), "files")


main()
