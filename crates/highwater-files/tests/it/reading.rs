//! A directory with files of chosen times, read epoch by epoch.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use futures::TryStreamExt as _;
use highwater_codec::{Columns, Format, Json, Type};
use highwater_core::{Decoded, Error, Limits, Planned, Positions, Range, Source as _};
use highwater_files::FileSource;
use tempfile::TempDir;

/// A directory.
pub(crate) struct Files {
    directory: TempDir,
}

impl Files {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file as if it had been written so many seconds after 1970.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>, second: u64) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    pub(crate) fn undecoded(&self) -> FileSource {
        FileSource::new(self.directory.path())
    }

    pub(crate) fn source(&self) -> FileSource<Arc<dyn Format>> {
        self.undecoded().decode(json()).source_columns()
    }
}

pub(crate) fn json() -> Json {
    Json::try_new(Columns::new().required("id", Type::Long)).unwrap()
}

/// What was read.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Read {
    pub(crate) ids: Vec<i64>,
    /// Name of the file, byte in it, first raw bytes, and reason.
    pub(crate) rejected: Vec<(String, i64, Vec<u8>, String)>,
}

pub(crate) async fn plan(
    source: &FileSource<Arc<dyn Format>>,
    from: &Positions,
) -> Result<Planned, Error> {
    source.plan(from, None, &Limits::default()).await
}

pub(crate) async fn read(
    source: &FileSource<Arc<dyn Format>>,
    ranges: &[Range],
) -> Result<Read, Error> {
    let payloads: Vec<_> = source.read(ranges.to_vec()).try_collect().await?;
    let mut decoded = Decoded::default();
    for range in ranges {
        let mut decoder = source.decoder(range)?;
        for (_, payload) in payloads.iter().filter(|(id, _)| *id == range.id).cloned() {
            decoder.decode(payload, &mut decoded)?;
        }
        decoder.finish(&mut decoded)?;
    }
    let mut read = Read::default();
    for rows in &decoded.rows {
        read.ids.extend(rows["id"].as_primitive::<Int64Type>().values());
    }
    for rows in &decoded.rejected {
        let (files, at) =
            (rows["topic"].as_string::<i32>(), rows["offset"].as_primitive::<Int64Type>());
        let (raw, reasons) = (rows["raw"].as_binary::<i32>(), rows["reason"].as_string::<i32>());
        for row in 0..rows.num_rows() {
            let file = files.value(row).rsplit('/').next().unwrap().to_owned();
            let raw = raw.value(row).to_vec();
            read.rejected.push((file, at.value(row), raw, reasons.value(row).to_owned()));
        }
    }
    Ok(read)
}

/// Plans and reads one epoch.
pub(crate) async fn epoch(
    source: &FileSource<Arc<dyn Format>>,
    from: &Positions,
) -> Result<(Read, Positions), Error> {
    let planned = plan(source, from).await?;
    Ok((read(source, &planned.ranges).await?, from.after(&planned.ranges)))
}
