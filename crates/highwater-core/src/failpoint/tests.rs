//! Failpoints are told apart by name, and do nothing unless armed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[derive(Debug, Default)]
struct Counting(AtomicUsize);

impl FailpointHook for Counting {
    fn hit(&self, _point: Failpoint) -> Result<()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn names_are_unique_and_begin_with_their_phase() {
    let names: BTreeSet<_> = Failpoint::ALL.iter().map(|point| point.name()).collect();
    assert_eq!(names.len(), Failpoint::ALL.len());
    for point in Failpoint::ALL {
        let phase = format!("{:?}.", point.phase()).to_lowercase();
        assert!(point.name().starts_with(&phase), "{} is in {phase}", point.name());
    }
}

#[test]
fn only_armed_failpoints_call_anybody() {
    assert!(Failpoints::default().hit(Failpoint::BeforeSwap).is_ok());
    let hook = Arc::new(Counting::default());
    let armed = Failpoints::armed(Arc::clone(&hook) as Arc<dyn FailpointHook>);
    armed.hit(Failpoint::BeforeSwap).unwrap();
    armed.clone().hit(Failpoint::AfterSwap).unwrap();
    assert_eq!(hook.0.load(Ordering::Relaxed), 2);
}
