//! Rows are listed while they are few.

use super::*;

fn touched(count: u32, rows: usize) -> Touched {
    let mut touched = Touched::default();
    (0..count).for_each(|slot| touched.add(slot, rows));
    assert_eq!(touched.len(), count as usize);
    touched
}

#[test]
fn few_are_listed_and_many_are_counted() {
    assert_eq!(touched(0, 0).slots(), Some(&[][..]));
    assert_eq!(touched(3, 3).slots(), Some(&[0, 1, 2][..]));
    assert!(touched(65_536, 65_536).slots().is_some());
    let many = touched(65_537, 65_537);
    assert!(many.slots().is_none());
    assert_eq!(many.held(), 0);
    assert!(touched(65_537, 16 * 65_536).slots().is_some(), "few of so many rows");
}

#[test]
fn they_are_listed_again_after_a_save() {
    let mut touched = touched(70_000, 70_000);
    touched.clear();
    assert_eq!((touched.len(), touched.slots()), (0, Some(&[][..])));
    touched.add(7, 70_000);
    assert_eq!(touched.slots(), Some(&[7][..]));
}
