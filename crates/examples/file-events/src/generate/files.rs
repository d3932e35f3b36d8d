//! Files that appear whole.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use highwater_cli::Failure;
use highwater_datagen::{Events, Generator};

/// Files `batch_0.json` and so on in a directory. A file that is there is not touched.
pub(super) struct Files<'a> {
    pub(super) directory: &'a Path,
}

impl Files<'_> {
    /// Makes the directory.
    pub(super) fn make(&self) -> Result<(), Failure> {
        fs::create_dir_all(self.directory).map_err(|source| failed(self.directory, source))
    }

    /// Writes the events at `rows` to a file of this number: under a name that readers leave out, then under
    /// its own.
    pub(super) fn write(
        &self,
        number: u64,
        events: &Generator<Events>,
        rows: Range<u64>,
    ) -> Result<PathBuf, Failure> {
        let path = self.directory.join(format!("batch_{number}.json"));
        let hidden = self.directory.join(format!(".batch_{number}.json"));
        let mut lines = Vec::new();
        for row in rows {
            events.write(row, &mut lines);
            lines.push(b'\n');
        }
        let written = || {
            if path.try_exists()? {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            fs::write(&hidden, &lines)?;
            fs::rename(&hidden, &path)
        };
        written().map_err(|source| failed(&path, source))?;
        Ok(path)
    }
}

fn failed(path: &Path, source: io::Error) -> Failure {
    Failure::Io { action: format!("write {}", path.display()), source }
}
