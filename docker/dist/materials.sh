#!/usr/bin/env bash
# Writes the bill of materials of the command line (CycloneDX 1.5, JSON) and checks it against CycloneDX's own schema.
#
#   docker/dist/materials.sh TARGET FILE
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=${TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/beamline/tools}
# It is written beside the manifest of each package of the workspace.
trap 'find crates services tests -name beamline-materials.json -delete' EXIT
cargo cyclonedx --format json --spec-version 1.5 --target "$1" --override-filename beamline-materials -q
# Without the folder of the machine that it was made on.
sed "s|file://$PWD/|file:///beamline/|g" services/beamline/beamline-materials.json >"$2"
[ -x "$tools/cyclonedx/bin/python" ] || {
    python3 -m venv "$tools/cyclonedx"
    "$tools/cyclonedx/bin/pip" install -q 'cyclonedx-python-lib[json-validation]==11.12.0'
}
"$tools/cyclonedx/bin/python" - "$2" <<'EOF'
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

text = open(sys.argv[1]).read()
if wrong := JsonStrictValidator(SchemaVersion.V1_5).validate_str(text):
    sys.exit(f"error: {sys.argv[1]} is not CycloneDX 1.5: {wrong}")
EOF
