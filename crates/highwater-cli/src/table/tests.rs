//! Which table an address stands for, and how it is read.

use clap::Parser;

use super::*;
use crate::Fields;

#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    table: TableOptions,
}

fn options(more: &[&str]) -> TableOptions {
    Arguments::parse_from([&["t", "--table=x"], more].concat()).table
}

fn describe(table: &str) -> String {
    use highwater_core::Sink as _;
    options(&[]).append(table).unwrap().describe()
}

#[test]
fn a_path_or_url_is_a_delta_table_and_all_else_a_name() {
    for place in ["/lake/orders", "/lake/orders/", "file:///lake/orders"] {
        assert_eq!(describe(place), "delta /lake/orders");
    }
    assert!(describe("./orders").ends_with("/orders"));
    for name in ["demo.orders", "orders", "a.b.c"] {
        assert!(describe(name).starts_with(&format!("iceberg {name} in ")), "{name}");
    }
    let error = options(&[]).append("gopher://host/orders").unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("gopher://host/orders"), "{error}");
}

#[test]
fn what_is_for_a_catalog_does_not_go_with_a_path() {
    for option in ["--warehouse=lake", "--catalog-option=name=a"] {
        let error = options(&[option]).append("./orders").unwrap_err();
        let (name, _) = option.split_once('=').unwrap();
        let wanted = format!("{name} is for a catalog; a Delta table is found by its path alone");
        assert_eq!((error.to_string(), error.exit_code()), (wanted, 2));
    }
}

#[test]
fn partitions_of_a_delta_table_are_columns() {
    let fields = |text: &str| Fields(vec![text.to_owned()]);
    let sink = || options(&[]).append("./orders").unwrap();
    for plain in ["currency", "identity(currency)"] {
        assert!(
            format!("{:?}", sink().partition_by(Some(&fields(plain))).unwrap())
                .contains("[\"currency\"]")
        );
    }
    let error = sink().partition_by(Some(&fields("day(at)"))).unwrap_err();
    assert!(error.to_string().contains("has no transforms"), "{error}");
    let error = options(&[]).append("demo.orders").unwrap();
    let error = error.partition_by(Some(&fields("days(at)"))).unwrap_err();
    assert!(error.to_string().contains("is no partition field"), "{error}");
}

#[test]
fn rows_of_a_delta_table_are_replaced_and_those_of_a_catalog_are_not() {
    let options = options(&["--create=a=b"]);
    let sinks = |name| [options.update(name, &["id"]), options.complete(name)];
    for (sink, mode) in sinks("./orders").into_iter().zip(["Update([\"id\"])", "Complete"]) {
        let sink = format!("{:?}", sink.unwrap());
        for part in [mode, "{\"a\": \"b\"}", "maintenance: Some"] {
            assert!(sink.contains(part), "{part} is not in {sink}");
        }
    }
    for sink in sinks("demo.orders") {
        let error = sink.unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().starts_with("--mode must be append for an Iceberg table"));
    }
}

#[test]
fn files_of_a_delta_table_are_compacted_and_those_of_a_catalog_are_not() {
    let options = options(&["--compact=8"]);
    for sink in [options.append("./orders"), options.update("./orders", &["id"])] {
        let sink = format!("{:?}", sink.unwrap());
        assert!(sink.contains("compact: Some(8)") && !sink.contains("orphans: None"), "{sink}");
    }
    let error = options.append("demo.orders").unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().starts_with("--compact is for a Delta table"), "{error}");
}

#[test]
fn each_table_is_read_by_a_command() {
    let command = |more: &[&str], table| reading(&options(more).catalog, table).unwrap();
    assert_eq!(
        command(&[], "/lake/orders/"),
        "duckdb -c \"INSTALL delta; LOAD delta; SELECT * FROM delta_scan('/lake/orders') LIMIT 5\""
    );
    assert_eq!(
        command(&["--catalog=/lake"], "demo.orders"),
        "duckdb -c \"INSTALL iceberg; LOAD iceberg; SELECT * FROM iceberg_scan('/lake/demo/orders') LIMIT 5\""
    );
    let named = command(&["--catalog=sqlite:////a.db", "--catalog-option=name=n"], "demo.orders");
    assert!(
        named.contains("SqlCatalog('n', uri='sqlite:////a.db').load_table('demo.orders')"),
        "{named}"
    );
}
