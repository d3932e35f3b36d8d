//! What people read.

use std::collections::BTreeMap;

use super::*;
use highwater_core::{Epoch, Partition, Position, Positions};

#[test]
fn the_start_says_where_it_stands_and_from_where_it_knows() {
    let anew = Began { after: None, known_from: String::new(), positions: BTreeMap::new() };
    assert!(standing(&anew).starts_with("begins anew"));
    let places =
        [(Partition::new("tx", 0), Position::at(7)), (Partition::new("tx", 1), Position::at(9))];
    let positions = Positions::from_iter(places);
    let resumed = Began {
        after: Some(Epoch(3)),
        known_from: "the checkpoint /c".to_owned(),
        positions: BTreeMap::from([("transactions".parse().unwrap(), positions)]),
    };
    let expected = "resumes after epoch 3 (tx/0 at 7, tx/1 at 9), known from the checkpoint /c";
    assert_eq!(standing(&resumed), expected);
}

#[test]
fn the_templates_of_line_and_bar_are_templates() {
    for template in [LINE, BAR] {
        assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
    }
}
