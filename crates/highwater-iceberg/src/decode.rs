//! Decoders of other crates, some of which panic on some broken files.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Cause, IcebergError};

/// What `decode` makes of the file at `location`.
///
/// # Errors
/// [`IcebergError::Unreadable`] when it fails, and when it panics: what it holds then must not be
/// used again.
pub(crate) fn decode<T, E: Into<Cause>>(
    location: &str,
    decode: impl FnOnce() -> Result<T, E>,
) -> Result<T, IcebergError> {
    let decoded = match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(decoded) => decoded.map_err(Into::into),
        Err(_) => Err("its decoder panicked".into()),
    };
    decoded.map_err(|source| IcebergError::Unreadable { location: location.to_owned(), source })
}

#[cfg(test)]
mod tests;
