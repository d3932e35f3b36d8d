//! What is shown of a text.

use super::*;

fn span(from: (u64, u64), to: (u64, u64)) -> Span {
    Span::new(Location::new(from.0, from.1), Location::new(to.0, to.1))
}

#[test]
fn carets_stand_below_the_part() {
    let shown = Excerpt::new("upper(tipe) AS type", span((1, 7), (1, 11)));
    assert_eq!(shown.text(), "tipe");
    assert_eq!(shown.to_string(), "\n    upper(tipe) AS type\n          ^^^^");
}

#[test]
fn a_part_of_several_lines_is_shown_by_its_first() {
    let shown = Excerpt::new("a +\n\tbé + (c\n- d)", span((2, 7), (3, 5)));
    assert_eq!(shown.to_string(), "\n    \tbé + (c\n    \t     ^^");
}

#[test]
fn what_has_no_place_is_all_of_it() {
    assert_eq!(Excerpt::new("a b", Span::empty()).text(), "a b");
}

#[test]
fn a_place_behind_the_end_is_one_caret() {
    assert_eq!(Excerpt::new("a +", span((1, 9), (1, 9))).to_string(), "\n    a +\n       ^");
    assert_eq!(Excerpt::new("", Span::empty()).to_string(), "\n    \n    ^");
}
