//! Catalogs of tables, as `--catalog` and the options beside it take them.

use std::fmt;
use std::str::FromStr;

use clap::Args;

/// What keeps account of the tables.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Table")]
pub struct CatalogOptions {
    /// A directory with Iceberg tables, or sqlite:PATH, the database of an SQL catalog; Delta tables have none
    #[arg(long, value_name = "CATALOG", default_value = WAREHOUSE)]
    pub catalog: CatalogUri,
    /// The directory with the tables of an SQL catalog [default: data/warehouse]
    #[arg(long, value_name = "DIR")]
    pub warehouse: Option<String>,
    /// An option of an SQL catalog by the name that pyiceberg gives it: name=NAME
    #[arg(long, value_name = "KEY=VALUE")]
    pub catalog_option: Vec<CatalogOption>,
}

const WAREHOUSE: &str = "data/warehouse";

impl CatalogOptions {
    /// The warehouse of an SQL catalog.
    pub fn warehouse(&self) -> &str {
        self.warehouse.as_deref().unwrap_or(WAREHOUSE)
    }

    /// The name of an SQL catalog within its database, if one was given: the last one.
    pub fn name(&self) -> Option<&str> {
        self.catalog_option.last().map(|CatalogOption::Name(name)| name.as_str())
    }

    /// The option that only SQL catalogs have and that was given all the same, if any.
    pub fn only_for_sql(&self) -> Option<&'static str> {
        if self.warehouse.is_some() {
            Some("--warehouse")
        } else if self.catalog_option.is_empty() {
            None
        } else {
            Some("--catalog-option")
        }
    }
}

/// Where a catalog is.
///
/// # Example
/// ```
/// use highwater_cli::CatalogUri;
///
/// let database = CatalogUri::Sqlite("sqlite:data/catalog.db".to_owned());
/// assert_eq!("sqlite:data/catalog.db".parse(), Ok(database));
/// assert_eq!("data/lake".parse(), Ok(CatalogUri::Directory("data/lake".to_owned())));
///
/// let error = "postgresql://host/db".parse::<CatalogUri>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "postgresql://host/db is no catalog: write a directory, or sqlite:data/catalog.db"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogUri {
    /// A path, or a `file://` URL.
    Directory(String),
    /// `sqlite:PATH`, as a whole.
    Sqlite(String),
}

/// An option of an SQL catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CatalogOption {
    /// Which of the catalogs in the database.
    Name(String),
}

/// A text that is no catalog, or no option of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// An address of another kind.
    #[error("{uri} is no catalog: write a directory, or sqlite:data/catalog.db")]
    Kind {
        /// The text.
        uri: String,
    },
    /// An option that catalogs do not have.
    #[error("{text} is no option of a catalog: write name=NAME")]
    Option {
        /// The text.
        text: String,
    },
}

impl FromStr for CatalogUri {
    type Err = CatalogError;

    fn from_str(text: &str) -> Result<Self, CatalogError> {
        match scheme(text) {
            Some("sqlite") => Ok(Self::Sqlite(text.to_owned())),
            None | Some("file") => Ok(Self::Directory(text.to_owned())),
            Some(_) => Err(CatalogError::Kind { uri: text.to_owned() }),
        }
    }
}

/// What stands before the colon of an address. A directory with a colon in its name is written with
/// a slash before it: `./a:b`.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    (!scheme.is_empty() && scheme.bytes().all(letter)).then_some(scheme)
}

impl FromStr for CatalogOption {
    type Err = CatalogError;

    fn from_str(text: &str) -> Result<Self, CatalogError> {
        match text.split_once('=') {
            Some(("name", name)) if !name.is_empty() => Ok(Self::Name(name.to_owned())),
            _ => Err(CatalogError::Option { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for CatalogUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Directory(text) | Self::Sqlite(text)) = self;
        f.write_str(text)
    }
}

#[cfg(test)]
mod tests;
