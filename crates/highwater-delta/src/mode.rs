//! What a commit does to the rows that are there.

use crate::key::KeyColumns;

/// How the rows of an epoch come to stand in the table.
#[derive(Clone, Debug)]
pub(crate) enum Mode {
    /// Beside those that are there.
    Append,
    /// In place of all of them.
    Complete,
    /// Each in place of the row of its key.
    Update(KeyColumns),
}

impl Mode {
    /// Its name among the parameters of a commit.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Append => "Append",
            Self::Complete => "Complete",
            Self::Update(_) => "Update",
        }
    }

    /// Whether nothing is ever taken out.
    pub(crate) fn appends(&self) -> bool {
        matches!(self, Self::Append)
    }
}
