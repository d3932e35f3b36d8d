//! Values that are used and never shown.

use std::fmt;

/// A password, a token or a key. Formatting it shows that there is one, and nothing of it, so that
/// whatever holds it can derive `Debug` and be logged.
///
/// # Example
/// ```
/// use highwater_core::Secret;
///
/// let password = Secret::new("open sesame".to_owned());
/// assert_eq!(format!("{password} {password:?}"), "(secret) (secret)");
/// assert_eq!(password.expose(), "open sesame");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides `value`.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for whoever uses it. It must not get into a message, a log or a file from there.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}
