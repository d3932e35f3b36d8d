//! What is read of a text, and where it cannot be.

use super::*;

fn tree(text: &str) -> Expr {
    match item(text) {
        Ok(Item::One(expr, _)) => *expr,
        other => panic!("{other:?}"),
    }
}

fn one(text: &str) -> (String, Option<String>) {
    match item(text) {
        Ok(Item::One(expr, name)) => (expr.to_string(), name.map(|name| name.value)),
        other => panic!("{other:?}"),
    }
}

fn wrong(text: &str) -> String {
    item(text).unwrap_err().to_string()
}

#[test]
fn an_expression_has_the_name_that_follows_it() {
    assert_eq!(one("a + 1 AS b"), ("a + 1".to_owned(), Some("b".to_owned())));
    assert_eq!(one("`a b`"), ("`a b`".to_owned(), None));
    assert_eq!(one("grün AS type").1.as_deref(), Some("type"));
}

#[test]
fn a_star_may_leave_columns_out() {
    let Ok(Item::All(names)) = item("* EXCEPT (a, `b c`)") else { panic!() };
    assert_eq!(names.iter().map(|name| name.value.as_str()).collect::<Vec<_>>(), ["a", "b c"]);
    assert!(matches!(item("*"), Ok(Item::All(names)) if names.is_empty()));
    assert!(wrong("* REPLACE (1 AS a)").starts_with("expected the end of the expression"));
}

/// The dialect of the parser for Spark takes all that follows `div` for the divisor.
#[test]
fn div_binds_as_other_divisions_do() {
    let Expr::BinaryOp { op, .. } = tree("a div 2 + 1") else { panic!() };
    assert_eq!(op, BinaryOperator::Plus);
    let Expr::BinaryOp { left, .. } = tree("8 div 4 div 2") else { panic!() };
    assert_eq!(left.to_string(), "8 DIV 4");
}

#[test]
fn a_backslash_escapes() {
    let Expr::Value(value) = tree(r"'it\'s \\d'") else { panic!() };
    assert_eq!(value.value, sqlparser::ast::Value::SingleQuotedString(r"it's \d".to_owned()));
}

#[test]
fn what_cannot_be_read_is_shown_where_it_stands() {
    assert_eq!(wrong("a + ) AS b"), "expected an expression, found )\n    a + ) AS b\n        ^");
    assert_eq!(wrong("upper(a"), "expected ), found the end\n    upper(a\n           ^");
    assert_eq!(
        wrong("a AS b c"),
        "expected the end of the expression, found c\n    a AS b c\n           ^"
    );
    assert_eq!(wrong("a = 'b"), "Unterminated string literal\n    a = 'b\n        ^");
    assert_eq!(
        wrong("1.5D AS d"),
        "no letters follow a number, L for a long excepted\n    1.5D AS d\n       ^"
    );
    assert!(wrong("").starts_with("expected an expression, found the end"));
}

#[test]
fn a_condition_has_no_name() {
    assert!(condition("a > 1").is_ok());
    assert!(condition("a > 1 AS b").is_err());
}

#[test]
fn deep_trees_are_an_error_and_no_overflow() {
    let nested = |deep| format!("{}a{}", "(".repeat(deep), ")".repeat(deep));
    let row = |long| vec!["a"; long].join(" + ");
    for deep in [nested(65), nested(100_000), row(66), row(100_000), "NOT ".repeat(70) + "a"] {
        let said = wrong(&deep);
        assert!(said.starts_with("expressions are nested too deep"), "{}", said.len());
    }
    assert!(item(&nested(20)).is_ok());
    assert!(item(&row(65)).is_ok());
    let beside = vec!["WHEN a = 1 AND b = 2 THEN c + 1"; 500].join(" ");
    assert!(item(&format!("CASE {beside} ELSE d END AS e")).is_ok());
    assert!(item(&format!("a IN ({})", vec!["1"; 5_000].join(", "))).is_ok());
}
