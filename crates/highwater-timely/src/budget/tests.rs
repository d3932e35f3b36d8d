//! Room that is taken, waited for and given back.

use std::task::Wake;

use super::*;

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn budget(limit: usize) -> (Arc<Budget>, Arc<Woken>) {
    let woken = Arc::new(Woken::default());
    (Budget::new(limit, Waker::from(Arc::clone(&woken))), woken)
}

#[test]
fn a_reader_waits_for_room_and_is_woken_by_it() {
    let (budget, woken) = budget(10);
    let (six, four) = (budget.take(6).unwrap(), budget.take(4).unwrap());
    assert!(budget.take(1).is_none());
    let piece = six.clone();
    drop(six);
    assert_eq!(woken.0.load(SeqCst), 0, "a piece of it is still on its way");
    drop(piece);
    assert_eq!(woken.0.load(SeqCst), 1);
    assert!(budget.take(7).is_none());
    drop(four);
    assert!(budget.take(10).is_some());
}

#[test]
fn nobody_is_woken_who_does_not_wait() {
    let (budget, woken) = budget(10);
    drop(budget.take(6));
    assert_eq!(woken.0.load(SeqCst), 0);
}

#[test]
fn a_payload_above_the_limit_travels_alone() {
    let (budget, _) = budget(10);
    let large = budget.take(1_000).unwrap();
    assert!(budget.take(1).is_none());
    drop(large);
    assert!(budget.take(0).is_some());
}
