//! The files of a log, and which of them have had their time.
//!
//! Source: <https://github.com/delta-io/delta/blob/master/PROTOCOL.md#metadata-cleanup>

use highwater_core::Result;
use highwater_storage::Object;

use crate::log::{LOG, Log};

/// The files of a log that belong to versions, in the order of these.
#[derive(Debug, Default)]
pub(crate) struct LogFiles(Vec<LogFile>);

#[derive(Debug)]
struct LogFile {
    version: u64,
    kind: Kind,
    path: String,
    modified_ms: i64,
}

/// What a file of a log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Commit,
    /// A checkpoint that is there as a whole as soon as this file is.
    Checkpoint,
    /// A part of a checkpoint, a checksum, or commits put together up to this version.
    Other,
}

impl LogFiles {
    /// Those that are there.
    ///
    /// # Errors
    /// As of [`Storage`](highwater_storage::Storage).
    pub(crate) async fn list(log: &Log) -> Result<Self> {
        Ok(Self::of(log.table().list(LOG).await?))
    }

    fn of(objects: Vec<Object>) -> Self {
        let file = |object: Object| {
            let name = object.path.strip_prefix(LOG)?.strip_prefix('/')?;
            let (version, kind) = read_name(name)?;
            let Object { path, modified_ms, .. } = object;
            Some(LogFile { version, kind, path, modified_ms })
        };
        let mut files: Vec<_> = objects.into_iter().filter_map(file).collect();
        files.sort_by(|a, b| (a.version, &a.path).cmp(&(b.version, &b.path)));
        Self(files)
    }

    fn versions(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &LogFile> {
        self.0.iter().filter(move |file| file.kind == kind)
    }

    /// The version of the newest checkpoint.
    pub(crate) fn newest_checkpoint(&self) -> Option<u64> {
        self.versions(Kind::Checkpoint).next_back().map(|file| file.version)
    }

    /// The paths of the commits, in the order of their versions.
    pub(crate) fn commits(&self) -> impl Iterator<Item = &str> {
        self.versions(Kind::Commit).map(|file| file.path.as_str())
    }

    /// What nobody needs who replays no version that was written after `before_ms` or is `marked` or a
    /// later one: the version of the checkpoint that the log is to begin with, and the paths of all before
    /// it, the oldest first.
    pub(crate) fn expired(&self, before_ms: i64, marked: u64) -> Option<(u64, Vec<&str>)> {
        // A version counts as no older than those before it.
        let kept = self.versions(Kind::Commit).find(|file| file.modified_ms > before_ms);
        let newest = self.versions(Kind::Commit).next_back()?.version;
        let first_kept = kept.map_or(newest, |file| file.version).min(marked);
        let checkpoints = self.versions(Kind::Checkpoint).map(|file| file.version);
        let first = checkpoints.take_while(|version| *version <= first_kept).last()?;
        let before = self.0.iter().take_while(|file| file.version < first);
        let paths: Vec<_> = before.map(|file| file.path.as_str()).collect();
        (!paths.is_empty()).then_some((first, paths))
    }
}

/// The version in the name of a file of a log, and what it is.
fn read_name(name: &str) -> Option<(u64, Kind)> {
    let (version, rest) = name.split_once('.')?;
    let number = |text: &str| {
        let digits = text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten()
    };
    let version = number(version)?;
    let kind = match rest {
        "json" => Kind::Commit,
        "crc" => Kind::Other,
        "checkpoint.parquet" => Kind::Checkpoint,
        _ => {
            if let Some(last) = rest.strip_suffix(".compacted.json") {
                return Some((number(last)?, Kind::Other));
            }
            let name = rest.strip_prefix("checkpoint.")?;
            let (name, ending) = name.rsplit_once('.')?;
            match ending {
                "json" | "parquet" if uuid::Uuid::try_parse(name).is_ok() => Kind::Checkpoint,
                "parquet" => Kind::Other,
                _ => return None,
            }
        }
    };
    Some((version, kind))
}

#[cfg(test)]
mod tests;
