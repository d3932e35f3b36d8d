//! Panes and windows against their definition.

use proptest::prelude::*;

use super::*;

fn panes(size: i64, slide: i64, offset: i64) -> Panes {
    let micros = |micros: i64| Duration::from_micros(micros.unsigned_abs());
    Panes::try_new(micros(size), micros(slide), micros(offset)).unwrap()
}

proptest! {
    #[test]
    fn a_time_lies_in_the_windows_of_its_pane_and_in_no_others(
        size in 1_i64..40, slide in 1_i64..40, offset in 0_i64..90, time in -200_i64..200,
    ) {
        let slide = slide.min(size);
        let panes = panes(size, slide, offset);
        let pane = panes.of(time);
        prop_assert!((panes.start(pane)..panes.start(pane + 1)).contains(&time));
        let all = -500..500;
        let holds = |window: &i64| {
            let start = window * slide + offset % slide;
            prop_assert_eq!(panes.window_start(*window), start);
            Ok((start..start + size).contains(&time))
        };
        for window in all {
            let holds = holds(&window)?;
            prop_assert_eq!(panes.windows(pane).contains(&window), holds);
            prop_assert_eq!(panes.panes(window).contains(&pane), holds);
        }
    }

    #[test]
    fn the_first_open_window_is_the_first_that_ends_behind_the_watermark(
        size in 1_i64..40, slide in 1_i64..40, offset in 0_i64..90, watermark in -200_i64..200,
    ) {
        let panes = panes(size, slide.min(size), offset);
        let open = panes.first_open(Timestamp(watermark));
        prop_assert!(panes.window_start(open) + panes.size() > watermark);
        prop_assert!(panes.window_start(open - 1) + panes.size() <= watermark);
    }
}

#[test]
fn nothing_overflows_at_the_ends_of_time() {
    for panes in [panes(1, 1, 0), panes(60, 7, 5), panes(1 << 59, 1 << 50, 3)] {
        for time in [panes.times().start, panes.times().end - 1] {
            let windows = panes.windows(panes.of(time));
            assert!(panes.window_start(*windows.start()) > i64::MIN);
            assert!(panes.window_start(*windows.end()).checked_add(panes.size()).is_some());
        }
        assert_eq!(panes.first_pane(panes.first_open(Timestamp::MAX)), i64::MAX);
        assert_eq!(panes.first_pane(panes.first_open(Timestamp::MIN)), i64::MIN);
        assert!(
            panes.first_open(Timestamp(i64::MIN + 1)) < panes.first_open(Timestamp(i64::MAX - 1))
        );
    }
}
