//! Properties of a table that an append goes by.

use std::collections::BTreeMap;

use crate::error::DeltaError;
use crate::features::DELETION_VECTORS;
use crate::intervals::Intervals;

const INDEXED: &str = "delta.dataSkippingNumIndexedCols";
const FILE_BYTES: &str = "delta.targetFileSize";

/// What a table has statistics of, unless it says otherwise.
const INDEXED_COLUMNS: usize = 32;
/// How long files are, unless the table says otherwise.
const DEFAULT_FILE_BYTES: u64 = 256 << 20;

/// Properties that a new table may be given, besides those that are not Delta's own: what they need
/// it is made with.
const ALLOWED: &[&str] = &[
    INDEXED,
    FILE_BYTES,
    "delta.appendOnly",
    "delta.checkpointInterval",
    "delta.deletedFileRetentionDuration",
    DELETION_VECTORS,
    "delta.enableExpiredLogCleanup",
    "delta.logRetentionDuration",
];

/// What the properties of a table ask of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Of how many leaf columns there are statistics; all of them, if none.
    pub(crate) indexed: Option<usize>,
    /// Files are closed at about this length.
    pub(crate) file_bytes: u64,
}

impl Settings {
    /// Reads the properties of `table`.
    ///
    /// # Errors
    /// [`DeltaError::Property`].
    pub(crate) fn of(
        table: &str,
        properties: &BTreeMap<String, String>,
    ) -> Result<Self, DeltaError> {
        let wrong = |key, value| DeltaError::property(table, key, value);
        let indexed = match properties.get(INDEXED).map(|value| (value, value.parse::<i64>())) {
            None => Some(INDEXED_COLUMNS),
            Some((_, Ok(-1))) => None,
            Some((value, Ok(count))) => {
                Some(usize::try_from(count).map_err(|_negative| wrong(INDEXED, value))?)
            }
            Some((value, Err(_))) => return Err(wrong(INDEXED, value)),
        };
        let file_bytes = match properties.get(FILE_BYTES) {
            None => DEFAULT_FILE_BYTES,
            Some(value) => bytes(value).ok_or_else(|| wrong(FILE_BYTES, value))?,
        };
        Ok(Self { indexed, file_bytes })
    }
}

/// A length such as `104857600`, `100mb` or `1g`.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|char: char| !char.is_ascii_digit());
    let unit = match text.get(digits.len()..)?.trim() {
        "" | "b" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => 1 << 20,
        "g" | "gb" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit).filter(|bytes| *bytes > 0)
}

/// Checks that a new table can be given these properties by the protocol that it will have.
///
/// # Errors
/// [`DeltaError::Property`].
pub(crate) fn check_new(
    table: &str,
    properties: &BTreeMap<String, String>,
) -> Result<(), DeltaError> {
    let foreign = |key: &str| key.starts_with("delta.") && !ALLOWED.contains(&key);
    match properties.iter().find(|(key, _)| foreign(key)) {
        None => {
            Settings::of(table, properties)?;
            Intervals::of(table, properties).map(drop)
        }
        Some((key, value)) => Err(DeltaError::property(table, key, value)),
    }
}

#[cfg(test)]
mod tests {
    //! Values of properties.

    use super::*;

    fn of(key: &str, value: &str) -> Option<Settings> {
        Settings::of("t", &BTreeMap::from([(key.to_owned(), value.to_owned())])).ok()
    }

    #[test]
    fn values_are_read_as_they_are_meant() {
        let indexed = |value| of(INDEXED, value).map(|settings| settings.indexed);
        assert_eq!(indexed("-1"), Some(None));
        assert_eq!(indexed("0"), Some(Some(0)));
        assert_eq!(indexed("many"), None);
        assert_eq!(indexed("-2"), None);
        let length = |value| of(FILE_BYTES, value).map(|settings| settings.file_bytes);
        assert_eq!(length("100mb"), Some(100 << 20));
        assert_eq!(length("1G"), Some(1 << 30));
        assert_eq!(length("4096"), Some(4096));
        assert_eq!(length("0"), None);
        assert_eq!(length("1 light year"), None);
    }

    #[test]
    fn new_tables_take_no_property_that_needs_a_feature_they_do_not_get() {
        let new =
            |key: &str| check_new("t", &BTreeMap::from([(key.to_owned(), "true".to_owned())]));
        assert!(new("delta.appendOnly").is_ok());
        assert!(new("owner").is_ok());
        assert!(new("delta.enableDeletionVectors").is_ok());
        assert!(new("delta.enableChangeDataFeed").is_err());
        assert!(new("delta.setTransactionRetentionDuration").is_err());
    }
}
