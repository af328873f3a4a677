"""Alerts as ZTF sends them: the names and types of all fields of its packets, of an old version and of the newest.

The old one puts null last in its unions and still gives null as their default, which the specification does not allow;
files of that time are in everybody's archives.
"""

import fastavro

import alerts

ALERTS = 24

# Fields by their types, in the order in which they stand; those with `?` may be null.
CANDIDATE = """
double jd, int fid, long pid, float? diffmaglim, string? pdiffimfilename programpi, int programid, long candid,
string isdiffpos, long? tblid, int? nid rcid field, float? xpos ypos, double ra dec, float magpsf sigmapsf,
float? chipsf magap sigmagap distnr magnr sigmagnr chinr sharpnr sky magdiff fwhm classtar mindtoedge magfromlim seeratio
 aimage bimage aimagerat bimagerat elong,
int? nneg nbad, float? rb ssdistnr ssmagnr, string? ssnamenr, float? sumrat magapbig sigmagapbig, double ranr decnr,
float? sgmag1 srmag1 simag1 szmag1 sgscore1 distpsnr1, int ndethist ncovhist, double? jdstarthist jdendhist scorr,
int? tooflag, long? objectidps1 objectidps2, float? sgmag2 srmag2 simag2 szmag2 sgscore2 distpsnr2, long? objectidps3,
float? sgmag3 srmag3 simag3 szmag3 sgscore3 distpsnr3, int nmtchps, long rfid, double jdstartref jdendref,
int nframesref, string rbversion, float? dsnrms ssnrms dsdiff magzpsci magzpsciunc magzpscirms, int nmatches,
float? clrcoeff clrcounc zpclrcov zpmed clrmed clrrms neargaia neargaiabright maggaia maggaiabright exptime
"""
SINCE_3_3 = "float? drb, string drbversion"
EARLIER = """
double jd, int fid, long pid, float? diffmaglim, string? pdiffimfilename programpi, int programid, long? candid,
string? isdiffpos, long? tblid, int? nid rcid field, float? xpos ypos, double? ra dec,
float? magpsf sigmapsf chipsf magap sigmagap distnr magnr sigmagnr chinr sharpnr sky magdiff fwhm classtar mindtoedge
 magfromlim seeratio aimage bimage aimagerat bimagerat elong,
int? nneg nbad, float? rb ssdistnr ssmagnr, string? ssnamenr, float? sumrat magapbig sigmagapbig, double? ranr decnr scorr,
float? magzpsci magzpsciunc magzpscirms clrcoeff clrcounc, string rbversion
"""
FORCED = """
int? field rcid, int fid, long pid rfid,
float? sciinpseeing scibckgnd scisigpix magzpsci magzpsciunc magzpscirms clrcoeff clrcounc exptime adpctdif1 adpctdif2
 diffmaglim,
int programid, double jd, float? forcediffimflux forcediffimfluxunc, string? procstatus, float? distnr,
double ranr decnr, float? magnr sigmagnr chinr sharpnr
"""
# Times that are not the alert's own.
OTHER_TIMES = {"jdstarthist": 2_458_194.5, "jdendhist": 2_460_676.5, "jdstartref": 2_458_100.5, "jdendref": 2_458_300.5}


def write(cases):
    of_ztf(cases, "3.2", ALERTS)
    of_ztf(cases, "4.02", ALERTS)
    # As they come: a file for each alert.
    of_ztf(cases, "4.02", 1)


def of_ztf(cases, version, count):
    schema = schema_of(version)
    packets = [packet(schema, number) for number in range(count)]
    file = f"ztf-{version.replace('.', '-')}-{count}.avro"
    with open(cases.path(file), "wb") as out:
        fastavro.writer(out, schema, packets)
    with open(cases.path(file), "rb") as back:
        read = list(fastavro.reader(back))
    keep = ["candid", "objectId", "schemavsn", "candidate", "prv_candidates", "fp_hists"]
    columns = {name: [alert[name] for alert in read] for name in keep if name in read[0]}
    says = ["  id: candid", "  key: objectId", "jd_to_timestamp(\\\"candidate\\\"['jd'], 'utc')", "['magpsf']"]
    cases.add("fastavro", file, columns, [*says, "cutoutTemplate"], order="candid")


def schema_of(version):
    null_first = version.startswith("4")

    def optional(kind):
        return ["null", kind] if null_first else [kind, "null"]

    def field(name, kind):
        if kind.endswith("?"):
            return {"name": name, "type": optional(kind[:-1]), "default": None}
        return {"name": name, "type": kind}

    def record(name, namespace, fields):
        return {"namespace": namespace, "type": "record", "name": name, "version": version, "fields": fields}

    def listed(text):
        groups = [group.split() for group in text.split(",")]
        return [field(name, kind) for kind, *names in groups for name in names]

    def array(name, text):
        return optional({"type": "array", "items": record(name, "ztf.alert", listed(text))})

    texts = [{"name": name, "type": "string"} for name in ("schemavsn", "publisher", "objectId")]
    candidate = record("candidate", "ztf.alert", listed(CANDIDATE + (f", {SINCE_3_3}" if null_first else "")))
    stamp = [{"name": "fileName", "type": "string"}, {"name": "stampData", "type": "bytes", "doc": "fits.gz"}]
    fields = [*texts, {"name": "candid", "type": "long"}, {"name": "candidate", "type": candidate}]
    fields.append({"name": "prv_candidates", "type": array("prv_candidate", EARLIER), "default": None})
    if null_first:
        fields.append({"name": "fp_hists", "type": array("fp_hist", FORCED), "default": None})
    kinds = [record("cutout", "ztf.alert", stamp), "ztf.alert.cutout", "ztf.alert.cutout"]
    for name, kind in zip(("cutoutScience", "cutoutTemplate", "cutoutDifference"), kinds):
        fields.append({"name": name, "type": optional(kind), "default": None})
    return fastavro.parse_schema(record("alert", "ztf", fields), _ignore_default_error=True)


def packet(schema, number):
    first_stamp = next(field for field in schema["fields"] if field["name"] == "cutoutScience")
    stamp = next(kind for kind in first_stamp["type"] if kind != "null")
    alert = alerts.record(schema, number, {stamp["name"]: stamp})
    alert.update(
        objectId=f"ZTF18abc{number % 4}", candid=3_000_000_000_015_000 + number, schemavsn="4.02", publisher="ZTF"
    )
    alert["candidate"] = measured(alert["candidate"], number, 0)
    for name in ("prv_candidates", "fp_hists"):
        if alert.get(name):
            alert[name] = [measured(earlier, number, 1 + ago) for ago, earlier in enumerate(alert[name])]
    for name in ("cutoutScience", "cutoutTemplate", "cutoutDifference"):
        if alert[name]:
            alert[name] = {"fileName": f"candid{number}_{name}.fits.gz", "stampData": bytes([31, 139, number]) * 6000}
    return alert


def measured(values, number, ago):
    """The values of a detection some nights ago."""
    for name, day in OTHER_TIMES.items():
        if values.get(name) is not None:
            values[name] = day
    own = {"jd": 2_460_676.5 + number / 1024 - ago, "isdiffpos": "t", "candid": 3_000_000_000_015_000 + number - ago}
    return {**values, **{name: value for name, value in own.items() if name in values}}
