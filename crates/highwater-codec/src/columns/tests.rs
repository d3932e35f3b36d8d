//! Mistakes in declared columns, and their description.

use highwater_core::ErrorKind;

use crate::{Column, Columns, Format, Json, Type};

fn refused(columns: Columns) -> String {
    let error = Json::try_new(columns).expect_err("a mistake");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(!error.next_step().is_empty());
    error.to_string()
}

#[test]
fn mistakes_name_the_column() {
    let inner = |columns| Columns::new().optional("s", Type::Struct(columns));
    assert_eq!(refused(Columns::new()), "codec: the record declares no columns");
    assert_eq!(refused(inner(Columns::new())), "codec: struct column s declares no columns");
    let twice = Columns::new().required("a", Type::Int).optional("a", Type::Text);
    assert_eq!(refused(inner(twice)), "codec: column s.a is declared twice");
    let empty = Columns::new().required("", Type::Int);
    assert_eq!(refused(empty), "codec: the record declares a column with an empty name");
    let shared = Columns::new().column(Column::optional("text", Type::Text).key("k")).column(
        Column::optional("object", Type::Struct(Columns::new().optional("a", Type::Int))).key("k"),
    );
    assert_eq!(
        refused(shared),
        "codec: key \"k\" feeds the struct column object and another column"
    );
    for (precision, scale) in [(0, 0), (39, 0), (5, 6)] {
        let text = refused(Columns::new().optional("d", Type::Decimal(precision, scale)));
        assert_eq!(
            text,
            format!("codec: column d is decimal({precision},{scale}), which does not exist")
        );
    }
}

#[test]
fn structs_lie_as_deep_as_records_may_be() {
    let nested = |depth: usize| {
        (1..depth).fold(Columns::new().optional("v", Type::Int), |columns, _| {
            Columns::new().optional("s", Type::Struct(columns))
        })
    };
    assert!(Json::try_new(nested(64)).is_ok());
    assert!(refused(nested(65)).ends_with("lies deeper than 64 objects"));
}

#[test]
fn the_description_tells_columns_apart() {
    let columns = [
        Columns::new().optional("a", Type::Int),
        Columns::new().required("a", Type::Int),
        Columns::new().optional("a", Type::Long),
        Columns::new().optional("b", Type::Int),
        Columns::new().column(Column::optional("a", Type::Int).key("b")),
        Columns::new().optional("a", Type::Decimal(18, 2)),
        Columns::new().optional("a", Type::Decimal(18, 3)),
        Columns::new().optional("a", Type::Struct(Columns::new().optional("a", Type::Int))),
        Columns::new().optional("a", Type::Struct(Columns::new().optional("a", Type::Long))),
        Columns::new().optional("a", Type::Int).optional("b", Type::Int),
        Columns::new().optional("b", Type::Int).optional("a", Type::Int),
        Columns::new().optional("a\" optional int from \"a\", \"b", Type::Int),
    ];
    let mut all: Vec<String> =
        columns.into_iter().map(|columns| Json::try_new(columns).unwrap().describe()).collect();
    let before = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), before, "{all:#?}");
}

#[test]
fn the_description_is_stable() {
    let inner = Columns::new().required("id", Type::Long);
    let columns = Columns::new()
        .column(Column::required("amount", Type::Decimal(18, 2)).key("a\"b"))
        .optional("s", Type::Struct(inner));
    assert_eq!(
        Json::try_new(columns).unwrap().describe(),
        r#"json strict 1 {"amount" required decimal(18,2) from "a\"b", "s" optional struct{"id" required long from "id"} from "s"}"#
    );
}
