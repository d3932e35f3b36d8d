//! Catalogs, and texts that are none.

use super::*;
use clap::Parser;

#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    options: CatalogOptions,
}

fn parse(arguments: &[&str]) -> Result<CatalogOptions, String> {
    let parsed = Arguments::try_parse_from([&["t"], arguments].concat());
    parsed.map(|parsed| parsed.options).map_err(|error| error.to_string())
}

#[test]
fn a_catalog_is_a_directory_or_a_database() {
    let none = parse(&[]).unwrap();
    assert_eq!(none.catalog, CatalogUri::Directory("data/warehouse".to_owned()));
    assert_eq!((none.warehouse(), none.name()), ("data/warehouse", None));
    for path in ["lake", "/lake", "file:///lake", "./a:b", "C d:e", ""] {
        assert_eq!(path.parse(), Ok(CatalogUri::Directory(path.to_owned())), "{path:?}");
    }
    for uri in ["sqlite:catalog.db", "sqlite:////data/catalog.db"] {
        assert_eq!(uri.parse(), Ok(CatalogUri::Sqlite(uri.to_owned())));
    }
    for uri in ["ftp://host/x", "http://host", "https://host", "sqlite3:a.db", "postgresql:x"] {
        assert_eq!(uri.parse::<CatalogUri>(), Err(CatalogError::Kind { uri: uri.to_owned() }));
    }
}

#[test]
fn options_of_a_database_are_told_from_those_of_a_directory() {
    let given = parse(&[
        "--catalog=sqlite:a.db",
        "--warehouse=lake",
        "--catalog-option=name=a",
        "--catalog-option=name=b=c",
    ]);
    let given = given.unwrap();
    assert_eq!((given.warehouse(), given.name()), ("lake", Some("b=c")));
    assert_eq!(given.only_for_sql(), Some("--warehouse"));
    let named = parse(&["--catalog-option=name=a"]).unwrap();
    assert_eq!(named.only_for_sql(), Some("--catalog-option"));
    assert_eq!(parse(&[]).unwrap().only_for_sql(), None);
    for wrong in ["pool=5", "name", "name="] {
        let error = parse(&["--catalog-option", wrong]).unwrap_err();
        assert!(error.contains(&format!("{wrong} is no option of a catalog")), "{error}");
    }
}
