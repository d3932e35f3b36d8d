//! What no table can hold.

use arrow::datatypes::{DataType, Field};
use highwater_core::{Error, ErrorKind};

use crate::{Table, TableSpec};

fn refused(spec: TableSpec) -> String {
    let error = Error::from(Table::try_new(spec).unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Invalid);
    error.to_string()
}

fn spec(key: &[&str], value: DataType) -> TableSpec {
    let key = key.iter().map(|name| Field::new(*name, DataType::Utf8, false)).collect();
    TableSpec::new("t".parse().unwrap(), key, vec![Field::new("v", value, false)])
}

#[test]
fn what_cannot_be_held_is_named() {
    assert!(refused(spec(&[], DataType::Int64)).contains("at least one column"));
    assert!(refused(spec(&["v"], DataType::Int64)).contains("another column v"));
    assert!(refused(spec(&["__hash"], DataType::Int64)).contains("another column __hash"));
    assert!(refused(spec(&["k"], DataType::Null)).contains("column v of type Null"));
    assert!(
        refused(spec(&["k"], DataType::Utf8).with_time("v", 1)).contains("a value v of integers")
    );
    assert!(refused(spec(&["k"], DataType::Int64).with_time("v", 0)).contains("width 0"));
    assert!(refused(spec(&["k"], DataType::Int64).with_time("w", 1)).contains("a value w"));
    assert!(
        refused(spec(&["k"], DataType::Int64).with_groups_by(0)).contains("at least one column")
    );
}
