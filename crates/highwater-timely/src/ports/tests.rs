//! When the last row of an epoch has come.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};

use super::*;

fn rows(number: i64) -> Rows {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![number]));
    Rows::Batch(RecordBatch::try_from_iter([("n", column)]).unwrap().into())
}

#[test]
fn an_epoch_is_over_when_every_worker_has_ended_every_port() {
    let mut arrivals = Arrivals::new(vec![false, false], 2);
    for (port, worker) in [(0, 0), (0, 1), (1, 0)] {
        arrivals.add(7, Port(port), Rows::End(worker));
        assert!(!arrivals.close(7));
    }
    arrivals.add(7, Port(1), Rows::End(1));
    assert!(arrivals.close(7));
    assert!(!arrivals.close(7), "it was closed before");
}

#[test]
fn batches_are_taken_before_their_epoch_is_over() {
    let mut arrivals = Arrivals::new(vec![false], 1);
    arrivals.add(7, Port(0), rows(1));
    arrivals.add(7, Port(0), Rows::End(0));
    assert!(!arrivals.close(7));
    assert!(arrivals.next(7).is_some());
    assert!(arrivals.next(7).is_none());
    assert!(arrivals.close(7));
}

#[test]
fn what_comes_early_waits_for_its_own_epoch() {
    let mut arrivals = Arrivals::new(vec![false], 1);
    arrivals.add(8, Port(0), rows(1));
    arrivals.add(8, Port(0), Rows::End(0));
    assert!(arrivals.next(7).is_none() && !arrivals.close(7));
    arrivals.add(7, Port(0), Rows::End(0));
    assert!(arrivals.close(7));
    assert!(arrivals.next(8).is_some() && arrivals.close(8));
}

#[test]
fn batches_wait_until_every_worker_has_ended_the_table() {
    let mut arrivals = Arrivals::new(vec![false, true], 2);
    arrivals.add(7, Port(0), rows(1));
    arrivals.add(7, Port(0), Rows::End(0));
    arrivals.add(7, Port(1), Rows::End(0));
    assert!(arrivals.next(7).is_none(), "the other worker may have rows of the table");
    arrivals.add(7, Port(1), rows(2));
    arrivals.add(7, Port(1), Rows::End(1));
    assert_eq!(arrivals.next(7).map(|(port, _)| port), Some(Port(1)));
    assert_eq!(arrivals.next(7).map(|(port, _)| port), Some(Port(0)));
    assert!(!arrivals.close(7));
    arrivals.add(7, Port(0), Rows::End(1));
    assert!(arrivals.close(7));
}
