//! Merging small files: a commit a second would otherwise leave thousands of them.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use arrow::datatypes::Schema;
use parquet::arrow::{
    ArrowWriter,
    arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder},
};

use crate::{
    FileEntry, Results, StoreError, Table,
    durable::sync_folder,
    results::STAGING,
    writer::{OrcFile, RowFile, inherited_properties, orc_layout},
};

/// Merges files of one [`family`](FileEntry::family) into one, staged, with the rows in the order of their positions.
/// The caller commits the swap: the merged file in, these out, and says which columns the table has (for ORC, whose files do
/// not say it all) and which paths are `taken` by other files, deleted or not. Rows are streamed, a row group at a time.
///
/// # Errors
/// `Rows` where there are no files or they are not of one table, partition, folder and format; `Missing` or `Damaged`
/// where one cannot be read.
pub fn compact(
    results: &Results,
    files: &[FileEntry],
    schema: Option<&Schema>,
    taken: impl Fn(&str) -> bool,
) -> Result<FileEntry, StoreError> {
    let mut files: Vec<&FileEntry> = files.iter().collect();
    files.sort_by(|a, b| {
        (a.first_position, a.last_position, &a.path).cmp(&(b.first_position, b.last_position, &b.path))
    });
    let mut merged = entry(results, &files, taken)?;
    let staged = results.root().join(&merged.staged);
    let paths: Vec<PathBuf> = files.iter().map(|file| results.path(file)).collect();
    let file = File::create(&staged).map_err(|error| StoreError::file("create", &staged, error))?;
    let file = match merged.ending() {
        "parquet" => merge_parquet(&paths, file, &staged)?,
        "orc" => merge_orc(&paths, file, &staged, schema)?,
        ending => merge_text(&paths, file, &staged, ending == "csv")?,
    };
    file.sync_all().map_err(|error| StoreError::file("write", &staged, error))?;
    merged.bytes = fs::metadata(&staged).map_err(|error| StoreError::file("read", &staged, error))?.len();
    sync_folder(&results.root().join(STAGING))?;
    Ok(merged)
}

/// The merged file's entry: named after the first and the last commit in it, as no other file is.
fn entry(results: &Results, files: &[&FileEntry], taken: impl Fn(&str) -> bool) -> Result<FileEntry, StoreError> {
    let rejected = |message: &str| StoreError::Rows { path: results.root().to_owned(), message: message.to_owned() };
    let (Some(first), Some(last)) = (files.first(), files.last()) else {
        return Err(rejected("there is nothing to merge"));
    };
    if files.iter().any(|file| file.family() != first.family()) {
        return Err(rejected("only files of one table, partition, folder and format can be merged"));
    }
    let last_position = files.iter().map(|file| file.last_position).max().unwrap_or(last.last_position);
    let partition = if first.table == Table::Reports { format!("{:05}-", first.partition) } else { String::new() };
    let name = format!("{}{partition}{:012}-{last_position:012}", first.stem(), first.first_position);
    // Parts of one commit share their positions; a number tells what is made of them from a file of the same span.
    let taken = |path: &String| taken(path) || files.iter().any(|file| file.path == *path);
    let path = (0..)
        .map(|number: u32| match number {
            0 => format!("{}/{name}.{}", first.folder(), first.ending()),
            number => format!("{}/{name}.{number}.{}", first.folder(), first.ending()),
        })
        .find(|path| !taken(path))
        .ok_or_else(|| rejected("there is no name left"))?;
    Ok(FileEntry {
        table: first.table,
        staged: format!("{STAGING}/{}", path.replace('/', ".")),
        path,
        rows: files.iter().map(|file| file.rows).sum(),
        bytes: 0,
        partition: first.partition,
        first_position: first.first_position,
        last_position,
        time_min: files.iter().filter_map(|file| file.time_min).min(),
        time_max: files.iter().filter_map(|file| file.time_max).max(),
        written: files.iter().filter_map(|file| file.written).max(),
    })
}

fn merge_parquet(paths: &[PathBuf], file: File, staged: &Path) -> Result<File, StoreError> {
    let failed = |error: &(dyn std::error::Error + 'static)| StoreError::writing(staged, error);
    let mut out = Some(file.try_clone().map_err(|error| failed(&error))?);
    let mut writer: Option<ArrowWriter<File>> = None;
    for path in paths {
        let input = File::open(path).map_err(|error| StoreError::reading(path, &error))?;
        let metadata =
            ArrowReaderMetadata::load(&input, Default::default()).map_err(|error| StoreError::reading(path, &error))?;
        if let Some(file) = out.take() {
            let said = metadata.metadata().file_metadata().key_value_metadata();
            let properties = inherited_properties(metadata.schema(), said).map_err(|error| failed(error.as_ref()))?;
            let made = ArrowWriter::try_new(file, metadata.schema().clone(), Some(properties));
            writer = Some(made.map_err(|error| failed(&error))?);
        }
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(input, metadata)
            .with_batch_size(8192)
            .build()
            .map_err(|error| StoreError::reading(path, &error))?;
        for rows in reader {
            let rows = rows.map_err(|error| StoreError::reading(path, &error))?;
            if let Some(writer) = &mut writer {
                writer.write(&rows).map_err(|error| failed(&error))?;
            }
        }
    }
    if let Some(writer) = writer {
        writer.close().map_err(|error| failed(&error))?;
    }
    Ok(file)
}

/// In the columns of the table: an ORC file does not say in which units its times were.
fn merge_orc(paths: &[PathBuf], file: File, staged: &Path, schema: Option<&Schema>) -> Result<File, StoreError> {
    let failed = |error: &(dyn std::error::Error + 'static)| StoreError::writing(staged, error);
    let unknown = || StoreError::Rows { path: staged.to_owned(), message: "its columns are not known".to_owned() };
    let schema = schema.ok_or_else(unknown)?;
    let table = orc_layout(schema).map_err(|error| failed(&error))?.table().clone();
    let mut writer = OrcFile::new(file, schema).map_err(|error| failed(error.as_ref()))?;
    for path in paths {
        let input = File::open(path).map_err(|error| StoreError::reading(path, &error))?;
        let input = orc::File::open(input, false).map_err(|error| StoreError::reading(path, &error))?;
        for rows in input.read_as(table.clone()) {
            let rows = rows.map_err(|error| StoreError::reading(path, &error))?;
            writer.write(&rows).map_err(|error| failed(error.as_ref()))?;
        }
    }
    Box::new(writer).finish().map_err(|error| failed(error.as_ref()))
}

/// Lines one after the other; of CSV the header line once.
fn merge_text(paths: &[PathBuf], file: File, staged: &Path, header: bool) -> Result<File, StoreError> {
    let mut out = BufWriter::new(file);
    for (index, path) in paths.iter().enumerate() {
        let input = File::open(path).map_err(|error| StoreError::reading(path, &error))?;
        let mut input = BufReader::new(input);
        if header && index > 0 {
            // Column names are words: a header never spans lines.
            input.skip_until(b'\n').map_err(|error| StoreError::reading(path, &error))?;
        }
        io::copy(&mut input, &mut out).map_err(|error| StoreError::file("write", staged, error))?;
    }
    out.flush().map_err(|error| StoreError::file("write", staged, error))?;
    out.into_inner().map_err(|error| StoreError::file("write", staged, error.into_error()))
}
