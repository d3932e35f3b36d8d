//! How often the quick way is tried.

use super::Attempts;

#[test]
fn attempts_become_rare_only_while_they_are_in_vain() {
    let mut attempts = Attempts::new();
    let mut tried = 0;
    for _ in 0..164 {
        if attempts.due() {
            attempts.failed();
            tried += 1;
        }
    }
    assert_eq!(tried, 14);
    while !attempts.due() {}
    attempts.succeeded();
    assert!((0..3).all(|_| {
        attempts.failed();
        attempts.due()
    }));
    attempts.failed();
    assert!(!attempts.due());
}
