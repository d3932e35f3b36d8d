//! Which functions there are, and that they may be.

use std::collections::BTreeSet;

use datafusion_expr::Volatility;

use super::*;

const PAGE: &str = include_str!("../../../../docs/semantics/select.md");

#[test]
fn what_is_passed_on_gives_the_same_each_time() {
    for (name, make) in PASSED {
        let volatility = make().signature().volatility;
        let of_the_plan = ["current_date", "current_timestamp", "now"].contains(name);
        let expected = if of_the_plan { Volatility::Stable } else { Volatility::Immutable };
        assert_eq!(volatility, expected, "{name}");
    }
}

#[test]
fn the_page_lists_all_functions_and_no_others() {
    let list = PAGE.split("<!-- functions -->").nth(1).unwrap();
    let listed: BTreeSet<_> = list.split('`').skip(1).step_by(2).collect();
    assert_eq!(listed, all().collect());
}

#[test]
fn no_name_is_listed_twice() {
    let names: BTreeSet<_> = all().collect();
    assert_eq!(names.len(), PASSED.len() + WRITTEN.len());
    assert!(CHANGING.iter().chain(AGGREGATES).all(|name| !names.contains(name)));
    assert!(AMBIGUOUS.iter().all(|(name, _)| !names.contains(name)));
}

#[test]
fn names_are_found_in_any_case() {
    assert!(matches!(find("UPPER"), Named::Passed(_)));
    assert!(matches!(find("Random"), Named::Changing));
    let Named::Unknown(near) = find("uper") else { panic!() };
    assert_eq!(near.first().map(String::as_str), Some("upper"));
}
