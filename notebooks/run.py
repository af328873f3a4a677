"""Runs a notebook from beginning to end and says what it printed: `python run.py NOTEBOOK`. Used by the tests."""

import sys

import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
# The kernel of this interpreter, whatever else is installed.
client = NotebookClient(notebook, timeout=300, kernel_name="python3")
client.execute()
for cell in notebook.cells:
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            print(output.text, end="")
        elif output.output_type == "display_data" and "image/png" in output.data:
            print("plot")
