//! By whose rules records are read.

use std::fmt;

/// By whose rules records are read.
///
/// # Example
/// ```
/// use highwater_codec::{Columns, Format, Json, Semantics, Type};
///
/// let json = Json::try_new(Columns::new().required("id", Type::Long))?;
/// let json = json.semantics(Semantics::Spark);
/// assert_eq!(json.describe(), r#"json spark 1 {"id" required long from "id"}"#);
/// assert!(json.schema().field(0).is_nullable());
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Semantics {
    /// A value that does not fit its column exactly rejects its record.
    #[default]
    Strict,
    /// Each record becomes the row that Spark 4.1 makes of it: null is what cannot be read.
    Spark,
}

impl fmt::Display for Semantics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Strict => "strict",
            Self::Spark => "spark",
        })
    }
}
