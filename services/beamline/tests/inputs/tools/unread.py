"""Writes a table in each format that is not read, with the tool of that format.

unread.py FOLDER
"""

import os
import sys

import h5py
import numpy as np
import pandas as pd
import pyarrow.feather
import uproot
from astropy.io import fits
from astropy.table import Table
from google.protobuf import proto

FRAME = pd.DataFrame({"id": np.arange(1, 6), "x": np.arange(1, 6) / 2})

# What protoc makes of a definition is a module; this one makes the same of a definition that it builds by itself.
MODULE = """
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
file = descriptor_pb2.FileDescriptorProto(name="events.proto", package="events", syntax="proto3")
event = file.message_type.add(name="Event")
event.field.add(name="id", number=1, type=3, label=1)
event.field.add(name="x", number=2, type=1, label=1)
pool = descriptor_pool.DescriptorPool()
pool.Add(file)
Event = message_factory.GetMessageClass(pool.FindMessageTypeByName("events.Event"))
"""


def main() -> None:
    os.chdir(sys.argv[1])
    with uproot.recreate("events.root") as file:
        file["events"] = {name: FRAME[name].to_numpy() for name in FRAME}
    with h5py.File("events.h5", "w") as file:
        file["events"] = FRAME.to_records(index=False)
    table = Table.from_pandas(FRAME)
    table.write("events.vot", format="votable")
    FRAME.to_excel("events.xlsx", index=False)
    np.save("events.npy", FRAME.to_records(index=False))
    pyarrow.feather.write_feather(FRAME, "events.feather", version=1)
    columns = [
        fits.Column(name, "I5" if name == "id" else "F5.2", array=FRAME[name].to_numpy(), ascii=True) for name in FRAME
    ]
    fits.HDUList([fits.PrimaryHDU(), fits.TableHDU.from_columns(columns)]).writeto("ascii.fits")
    with open("events_pb2.py", "w") as module:
        module.write(MODULE)
    found = {}
    exec(MODULE, found)
    with open("events.pb", "wb") as out:
        for row in FRAME.itertuples():
            proto.serialize_length_prefixed(found["Event"](id=row.id, x=row.x), out)


main()
