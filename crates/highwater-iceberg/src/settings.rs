//! The properties of a table that this crate honours, under the names that other engines use.

use std::collections::HashMap;
use std::str::FromStr;
use std::time::Duration;

use highwater_core::Patience;

use crate::error::IcebergError;
use crate::format::ExpiryRule;
use crate::target::{Codec, Profile};

pub(crate) const CODEC: &str = "write.parquet.compression-codec";
const LEVEL: &str = "write.parquet.compression-level";
/// Not of Iceberg: its own writers choose encodings by the version of pages.
const PROFILE: &str = "write.parquet.profile";
const FILE_BYTES: &str = "write.target-file-size-bytes";
const ROW_GROUP_BYTES: &str = "write.parquet.row-group-size-bytes";
const RETRIES: &str = "commit.retry.num-retries";
const RETRY_FIRST: &str = "commit.retry.min-wait-ms";
const RETRY_LONGEST: &str = "commit.retry.max-wait-ms";
const RETRY_IN_ALL: &str = "commit.retry.total-timeout-ms";
const MERGE: &str = "commit.manifest-merge.enabled";
const MERGE_COUNT: &str = "commit.manifest.min-count-to-merge";
const MERGE_BYTES: &str = "commit.manifest.target-size-bytes";
pub(crate) const DELETE_METADATA: &str = "write.metadata.delete-after-commit.enabled";
const PREVIOUS_METADATA: &str = "write.metadata.previous-versions-max";
const METADATA_CODEC: &str = "write.metadata.compression-codec";
/// A commit also lets go of the snapshots that are too old by the properties of Iceberg that follow.
const EXPIRE: &str = "highwater.expire-after-commit.enabled";
const MAX_AGE: &str = "history.expire.max-snapshot-age-ms";
const MIN_KEPT: &str = "history.expire.min-snapshots-to-keep";
const ENCRYPTION: &str = "encryption.key-id";
/// Where data files go, when it is not `data` below the table.
pub(crate) const DATA_PATH: &str = "write.data.path";
const METADATA_PATH: &str = "write.metadata.path";

/// The settings of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) codec: Codec,
    pub(crate) profile: Profile,
    pub(crate) file_bytes: u64,
    pub(crate) row_group_bytes: Option<u64>,
    pub(crate) patience: Patience,
    /// When manifests are merged; never, if none.
    pub(crate) merge: Option<MergeRule>,
    /// Whether metadata that has left the log is deleted.
    pub(crate) deletes_metadata: bool,
    /// Which snapshots a commit leaves out; none, if none.
    pub(crate) expiry: Option<ExpiryRule>,
}

/// When manifests are merged into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MergeRule {
    /// At least so many manifests are merged.
    pub(crate) count: usize,
    /// Together they have at most so many bytes.
    pub(crate) bytes: u64,
}

impl Settings {
    /// The settings of `table` by its properties.
    ///
    /// # Errors
    /// A value that cannot be read or used, and a property that asks for what this crate cannot do.
    pub(crate) fn of(
        table: &str,
        properties: &HashMap<String, String>,
    ) -> Result<Self, IcebergError> {
        let properties = Properties { table, properties };
        properties.refuse_unknown_ways()?;
        properties.value::<u32>(PREVIOUS_METADATA)?;
        let merges = properties.value(MERGE)?.unwrap_or(true);
        let merge = MergeRule {
            count: properties.value(MERGE_COUNT)?.unwrap_or(100).max(2),
            bytes: properties.value(MERGE_BYTES)?.unwrap_or(8 << 20),
        };
        let expires = properties.value(EXPIRE)?.unwrap_or(false);
        // The defaults are those of Iceberg: five days, and the head.
        let expiry = ExpiryRule {
            max_age_ms: properties.value(MAX_AGE)?.unwrap_or(5 * 24 * 3_600_000),
            min_kept: properties.value(MIN_KEPT)?.unwrap_or(1).max(1),
        };
        Ok(Self {
            codec: properties.codec()?,
            profile: properties.profile()?,
            file_bytes: properties.value(FILE_BYTES)?.unwrap_or(512 << 20),
            row_group_bytes: properties.value(ROW_GROUP_BYTES)?,
            patience: properties.patience()?,
            merge: merges.then_some(merge),
            deletes_metadata: properties.value(DELETE_METADATA)?.unwrap_or(false),
            expiry: expires.then_some(expiry),
        })
    }
}

/// Whether a key is one of those that highwater keeps for itself, such as a marker.
pub(crate) fn is_ours(key: &str) -> bool {
    key.starts_with("highwater.") && key != EXPIRE
}

struct Properties<'a> {
    table: &'a str,
    properties: &'a HashMap<String, String>,
}

impl Properties<'_> {
    fn text(&self, key: &str) -> Option<&str> {
        self.properties.get(key).map(String::as_str)
    }

    fn value<T: FromStr>(&self, key: &str) -> Result<Option<T>, IcebergError> {
        self.text(key).map(|text| text.parse().or(Err(self.unusable(key, text)))).transpose()
    }

    fn unusable(&self, key: &str, value: &str) -> IcebergError {
        let (key, value) = (key.to_owned(), value.to_owned());
        IcebergError::Property { table: self.table.to_owned(), key, value }
    }

    /// What the table says of retries; what it does not say is highwater's own, which is shorter.
    fn patience(&self) -> Result<Patience, IcebergError> {
        let own = Patience::default();
        let millis = |key, own| -> Result<Duration, IcebergError> {
            Ok(self.value(key)?.map_or(own, Duration::from_millis))
        };
        let retries: Option<u32> = self.value(RETRIES)?;
        Ok(Patience {
            attempts: retries.map_or(own.attempts, |retries| retries.saturating_add(1)),
            first_pause: millis(RETRY_FIRST, own.first_pause)?,
            longest_pause: millis(RETRY_LONGEST, own.longest_pause)?,
            in_all: millis(RETRY_IN_ALL, own.in_all)?,
        })
    }

    fn codec(&self) -> Result<Codec, IcebergError> {
        let name = self.text(CODEC).unwrap_or("zstd");
        match name.to_ascii_lowercase().as_str() {
            "zstd" => {
                let level = self.value(LEVEL)?.unwrap_or(1);
                let known = (1..=22).contains(&level);
                if known {
                    Ok(Codec::Zstd(level))
                } else {
                    Err(self.unusable(LEVEL, &level.to_string()))
                }
            }
            "snappy" => Ok(Codec::Snappy),
            "uncompressed" | "none" => Ok(Codec::Uncompressed),
            _ => Err(self.unusable(CODEC, name)),
        }
    }

    fn profile(&self) -> Result<Profile, IcebergError> {
        let name = self.text(PROFILE).unwrap_or("compact");
        match name.to_ascii_lowercase().as_str() {
            "compact" => Ok(Profile::Compact),
            "compatible" => Ok(Profile::Compatible),
            _ => Err(self.unusable(PROFILE, name)),
        }
    }

    fn refuse_unknown_ways(&self) -> Result<(), IcebergError> {
        let feature = |feature: &str| {
            Err(IcebergError::Feature { table: self.table.to_owned(), feature: feature.to_owned() })
        };
        if self.text(METADATA_CODEC).is_some_and(|codec| !matches!(codec, "" | "none")) {
            return feature("compresses its metadata, which highwater does not");
        }
        if self.text(METADATA_PATH).is_some() {
            return feature(
                "keeps its metadata outside of its own directory, which highwater does not",
            );
        }
        if self.text(ENCRYPTION).is_some() {
            return feature("is encrypted, which highwater does not support");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
