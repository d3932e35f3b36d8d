//! JSON lines in the files of a directory.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Files `part-00000.jsonl` and so on, each with so many lines. A file that is there is not touched.
pub(super) struct Files {
    directory: PathBuf,
    per_file: u64,
    made: u64,
    file: Option<(BufWriter<File>, u64)>,
}

impl Files {
    pub(super) fn new(directory: &Path, per_file: u64) -> Self {
        Self { directory: directory.to_owned(), per_file, made: 0, file: None }
    }

    /// The file that is written, for messages.
    pub(super) fn place(&self) -> String {
        self.path(self.made.saturating_sub(1)).display().to_string()
    }

    fn path(&self, number: u64) -> PathBuf {
        self.directory.join(format!("part-{number:05}.jsonl"))
    }

    fn next(&mut self) -> io::Result<(BufWriter<File>, u64)> {
        let path = self.path(self.made);
        self.made += 1;
        std::fs::create_dir_all(&self.directory)?;
        Ok((BufWriter::new(File::create_new(path)?), 0))
    }
}

impl Write for Files {
    /// Takes one line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let (mut file, lines) = match self.file.take() {
            Some(open) => open,
            None => self.next()?,
        };
        file.write_all(line)?;
        if lines + 1 < self.per_file {
            self.file = Some((file, lines + 1));
        } else {
            file.flush()?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.file {
            Some((file, _)) => file.flush(),
            None => Ok(()),
        }
    }
}
