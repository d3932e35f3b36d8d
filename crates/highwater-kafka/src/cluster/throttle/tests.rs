//! Pauses hold for a broker, not for a connection, and for no other broker.

use super::*;

#[tokio::test]
async fn a_pause_holds_for_a_broker_until_the_last_one_is_over() {
    let (throttle, begun) = (Throttle::default(), Instant::now());
    throttle.asked("one:1", 300);
    throttle.asked("one:1", 20);
    throttle.asked("two:2", -5);
    throttle.asked("two:2", i32::MAX);
    // Whoever asks next waits, and all who do.
    tokio::join!(throttle.over("one:1"), throttle.over("one:1"));
    assert!(begun.elapsed() >= Duration::from_millis(300));
    throttle.over("one:1").await;
    throttle.over("three:3").await;
    assert!(begun.elapsed() < LONGEST, "it waited for another broker");
    assert_eq!(throttle.take(), 320 + 2_147_483_647);
    assert_eq!(throttle.take(), 0);
}
