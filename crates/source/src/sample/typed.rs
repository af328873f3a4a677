//! Rows of formats that know their types: of a larger file some from its beginning, its middle and its end, where the format
//! lets one begin anywhere.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use arrow::{array::RecordBatch, compute, datatypes::SchemaRef};
use codec::{RowDecoder, Rows};
use memchr::memmem;
use stream::FileFormat;

use super::{Content, SAMPLE_ROWS_MAX, elsewhere};
use crate::{
    SourceError,
    files::{
        InputFile, arrow_ipc,
        avro_container::Container,
        damaged, fits_table,
        guarded::{Guarded, no_panic},
        input::Packing,
        orc_file, parquet,
    },
};

/// Rows of them that come from the middle of a larger file, and as many from its end.
const ELSEWHERE_ROWS: usize = 1_000;

/// Bytes of an Avro file in which a block must end for one to be found.
const SEARCHED_BYTES: u64 = 8 << 20;

/// The rows of a sample, and whether they are all there is.
pub(super) fn rows(file: &InputFile, notes: &mut Vec<String>) -> Result<(Content, bool), SourceError> {
    let (schema, batches, complete) = match file.format {
        FileFormat::Parquet => of_parquet(file)?,
        FileFormat::Orc => of_orc(file)?,
        FileFormat::Fits => of_fits(file, notes)?,
        FileFormat::Arrow => of_arrow(file)?,
        _ => of_avro(file, notes)?,
    };
    let all = compute::concat_batches(&schema, &batches)?;
    if all.num_rows() == 0 {
        return Err(SourceError::input(format!("{} has no rows; give a file with some", file.name())));
    }
    let rows = all.num_rows();
    match complete {
        Part::Whole => {}
        Part::First => notes.push(format!("only the first {rows} rows of the file were looked at")),
        Part::Three => notes
            .push(format!("only {rows} rows of the file were looked at, from its beginning, its middle and its end")),
    }
    Ok((Content::Rows(all), matches!(complete, Part::Whole)))
}

/// Which part of a file was looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Whole,
    First,
    Three,
}

type Found = (SchemaRef, Vec<RecordBatch>, Part);

/// Where to begin, and how many rows to take there, of so many.
fn parts(total: u64) -> (Vec<(u64, usize)>, Part) {
    if total <= SAMPLE_ROWS_MAX as u64 {
        return (vec![(0, SAMPLE_ROWS_MAX)], Part::Whole);
    }
    let first = SAMPLE_ROWS_MAX - 2 * ELSEWHERE_ROWS;
    let others = elsewhere(total, first as u64, ELSEWHERE_ROWS as u64).map(|place| (place, ELSEWHERE_ROWS));
    (std::iter::once((0, first)).chain(others).collect(), Part::Three)
}

/// As many of some rows as there is room for.
fn add(batch: RecordBatch, room: &mut usize, batches: &mut Vec<RecordBatch>) {
    let rows = batch.num_rows().min(*room);
    *room -= rows;
    batches.push(batch.slice(0, rows));
}

fn of_parquet(file: &InputFile) -> Result<Found, SourceError> {
    let damage = |error: arrow::error::ArrowError| damaged(&file.path, "", &error);
    let builder = parquet::builder(file)?;
    let schema = parquet::with_uuids(&builder);
    let (parts, part) = parts(builder.metadata().file_metadata().num_rows().max(0) as u64);
    let mut batches = Vec::new();
    for (start, mut room) in parts {
        let builder = parquet::builder(file)?;
        let reader = no_panic(|| builder.with_offset(start as usize).with_limit(room).build()).map_err(damage)?;
        for batch in Guarded(reader.map_err(|error| damage(error.into()))?) {
            let columns = batch.map_err(damage)?.columns().to_vec();
            add(RecordBatch::try_new(schema.clone(), columns)?, &mut room, &mut batches);
        }
    }
    Ok((schema, batches, part))
}

fn of_orc(file: &InputFile) -> Result<Found, SourceError> {
    let (schema, total) = orc_file::contents(file)?;
    let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let (parts, part) = parts(total);
    let mut batches = Vec::new();
    for (start, mut room) in parts {
        let mut rows = orc_file::OrcRows::open(file, names.clone(), start)?;
        while room > 0 {
            let Some(batch) = rows.next()? else { break };
            // Times further on may be in another unit than the first.
            let columns = batch.columns().iter().zip(schema.fields());
            let columns = columns.map(|(column, field)| compute::cast(column, field.data_type()));
            let columns = columns.collect::<Result<_, _>>()?;
            add(RecordBatch::try_new(schema.clone(), columns)?, &mut room, &mut batches);
        }
    }
    Ok((schema, batches, part))
}

fn of_fits(file: &InputFile, notes: &mut Vec<String>) -> Result<Found, SourceError> {
    let located = fits_table::locate(file, true)?;
    if !located.others.is_empty() {
        let others = located.others.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let name = located.table.name();
        notes.push(format!("the table `{name}` is read, which is the first; those behind it are not: {others}"));
    }
    let schema = located.table.schema().clone();
    // What is compressed is unpacked from its beginning on.
    let (parts, part) = match parts(located.table.rows()) {
        (parts, Part::Three) if file.packing != Packing::None => (parts[..1].to_vec(), Part::First),
        parts => parts,
    };
    let mut batches = Vec::new();
    for (start, mut room) in parts {
        let columns = (0..schema.fields().len()).collect();
        let mut table = fits_table::TableRows::open(file, fits_table::locate(file, false)?, columns, start)?;
        while room > 0 {
            let Some(batch) = table.next(file, room)? else { break };
            add(batch, &mut room, &mut batches);
        }
    }
    Ok((schema, batches, part))
}

/// A file knows where its batches begin; a stream does not.
fn of_arrow(file: &InputFile) -> Result<Found, SourceError> {
    let (schema, _, total) = arrow_ipc::open(file, None, 0)?;
    let (mut batches, mut room) = (Vec::new(), SAMPLE_ROWS_MAX - 2 * ELSEWHERE_ROWS);
    let (mut next, is_whole) = of_batches(file, 0, &mut room, &mut batches)?;
    if is_whole {
        return Ok((schema, batches, Part::Whole));
    }
    let (total, mut part) = (total.unwrap_or(0), Part::First);
    for place in [total / 2, total.saturating_sub(1)] {
        let (place, mut room) = (place.max(next), ELSEWHERE_ROWS);
        if place < total {
            next = place + of_batches(file, place, &mut room, &mut batches)?.0;
            part = Part::Three;
        }
    }
    Ok((schema, batches, part))
}

/// Rows of a file's batches from one on; how many batches were read, and whether that is all of them.
fn of_batches(
    file: &InputFile,
    first: u64,
    room: &mut usize,
    batches: &mut Vec<RecordBatch>,
) -> Result<(u64, bool), SourceError> {
    let (_, found, _) = arrow_ipc::open(file, None, first)?;
    let mut read = 0;
    for batch in found {
        let batch = batch.map_err(|error| damaged(&file.path, &format!("in batch {}", first + read), &error))?;
        let is_cut = batch.num_rows() > *room;
        if *room == 0 {
            return Ok((read, false));
        }
        read += 1;
        add(batch, room, batches);
        if is_cut {
            return Ok((read, false));
        }
    }
    Ok((read, true))
}

/// A block of Avro is found anywhere behind the marker that ends the one before it.
fn of_avro(file: &InputFile, notes: &mut Vec<String>) -> Result<Found, SourceError> {
    let mut container = Container::open(file, 0)?;
    let schema = container.schema().clone();
    if !schema.left_out().is_empty() {
        notes.push(format!("these fields are left out, which no column can hold: {}", schema.left_out().join(", ")));
    }
    let unreadable = |error: codec::CodecError| SourceError::input(format!("{}: {error}", file.name()));
    let mut decoder = RowDecoder::new(&schema, schema.arrow()).map_err(unreadable)?;
    let (mut batches, mut room) = (Vec::new(), SAMPLE_ROWS_MAX - 2 * ELSEWHERE_ROWS);
    let is_whole = of_blocks(&mut container, &mut decoder, schema.arrow(), &mut room, &mut batches)
        .map_err(|reason| damaged(&file.path, "in its first rows", &reason))?;
    if is_whole {
        return Ok((schema.arrow().clone(), batches, Part::Whole));
    }
    let mut part = Part::First;
    let looked_at = container.next;
    let places = if file.packing == Packing::None {
        elsewhere(file.bytes, looked_at, SEARCHED_BYTES).collect()
    } else {
        Vec::new()
    };
    for place in places {
        let Some(place) = block_behind(file, &container, place)? else { continue };
        let mut room = ELSEWHERE_ROWS;
        let mut container = Container::open(file, place)?;
        // What is damaged further on is the replay's to say.
        if of_blocks(&mut container, &mut decoder, schema.arrow(), &mut room, &mut batches).is_ok() {
            part = Part::Three;
        }
    }
    Ok((schema.arrow().clone(), batches, part))
}

/// Rows of a container's next blocks; whether its end was reached.
fn of_blocks(
    container: &mut Container,
    decoder: &mut RowDecoder,
    schema: &SchemaRef,
    room: &mut usize,
    batches: &mut Vec<RecordBatch>,
) -> Result<bool, String> {
    while *room > 0 {
        let Some(block) = container.next(decoder)? else { return Ok(true) };
        let count = usize::try_from(block.rows).unwrap_or(usize::MAX).min(*room);
        let decoded = decoder.decode(&[Rows { bytes: &block.bytes, count }]).map_err(|error| error.to_string())?;
        // The metadata say what the columns are in Avro.
        let batch = RecordBatch::try_new(schema.clone(), decoded.rows.columns().to_vec());
        add(batch.map_err(|error| error.to_string())?, room, batches);
        if decoded.failure.is_some() || (count as u64) < block.rows {
            return Ok(false);
        }
    }
    Ok(false)
}

/// The first block that begins behind a place of the file.
fn block_behind(file: &InputFile, container: &Container, place: u64) -> Result<Option<u64>, SourceError> {
    let fail = |error| SourceError::io("read", &file.path, error);
    let mut on_disk = File::open(&file.path).map_err(fail)?;
    on_disk.seek(SeekFrom::Start(place)).map_err(fail)?;
    let mut bytes = Vec::new();
    on_disk.take(SEARCHED_BYTES).read_to_end(&mut bytes).map_err(fail)?;
    let marker = container.marker();
    Ok(memmem::find(&bytes, marker).map(|found| place + (found + marker.len()) as u64))
}
