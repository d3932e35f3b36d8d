//! Which windows there are, and the panes that they are made of.
//!
//! A pane is as long as the greatest common divisor of size and slide, so that every window is a whole number
//! of panes, and a row lies in one. Panes and windows are numbered, the first from the epoch on being 0.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use highwater_core::Timestamp;

use crate::WindowError;

/// The most panes that a window may have.
const MOST_PANES: i64 = 10_000;
/// The longest window, in microseconds: so far from the ends of time nothing overflows.
const LONGEST: i64 = i64::MAX / 8;

/// Windows of one size, each so much later than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Panes {
    size: i64,
    slide: i64,
    /// Where the first window begins, less than a slide behind the epoch.
    offset: i64,
    /// How long a pane is, and how far behind the epoch the first one begins.
    pane: i64,
    base: i64,
    /// In panes: the size, the slide, and the offset.
    in_window: i64,
    in_slide: i64,
    shift: i64,
}

impl Panes {
    pub(crate) fn try_new(
        size: Duration,
        slide: Duration,
        offset: Duration,
    ) -> Result<Self, WindowError> {
        let (size_us, slide_us) = (span("a window", size)?, span("a slide", slide)?);
        let offset = match offset.is_zero() {
            true => 0,
            false => span("an offset", offset)?.rem_euclid(slide_us),
        };
        if slide_us > size_us {
            return Err(WindowError::Slide { size, slide });
        }
        let pane = divisor(size_us, slide_us);
        let panes = size_us / pane;
        if panes > MOST_PANES {
            return Err(WindowError::Panes { size, slide, panes, most: MOST_PANES });
        }
        let (in_slide, shift, base) = (slide_us / pane, offset / pane, offset % pane);
        let (size, slide, in_window) = (size_us, slide_us, panes);
        Ok(Self { size, slide, offset, pane, base, in_window, in_slide, shift })
    }

    /// How long a window is, in microseconds.
    pub(crate) fn size(&self) -> i64 {
        self.size
    }

    /// How far apart windows begin, in microseconds.
    pub(crate) fn slide(&self) -> i64 {
        self.slide
    }

    /// How long a pane is, in microseconds.
    pub(crate) fn pane(&self) -> i64 {
        self.pane
    }

    /// Whether every window is one pane.
    pub(crate) fn are_windows(&self) -> bool {
        self.in_window == 1
    }

    /// The pane of a time.
    pub(crate) fn of(&self, time: i64) -> i64 {
        let before = time.rem_euclid(self.pane) < self.base;
        time.div_euclid(self.pane).saturating_sub(i64::from(before))
    }

    /// The times of which all windows can be told. Others are of no use to anybody.
    pub(crate) fn times(&self) -> Range<i64> {
        let margin = self.size.saturating_mul(2);
        i64::MIN.saturating_add(margin)..i64::MAX.saturating_sub(margin)
    }

    /// Where a pane begins, which is no earlier than all of time.
    pub(crate) fn start(&self, pane: i64) -> i64 {
        pane.saturating_mul(self.pane).saturating_add(self.base)
    }

    /// Where a window begins.
    pub(crate) fn window_start(&self, window: i64) -> i64 {
        window.saturating_mul(self.slide).saturating_add(self.offset)
    }

    /// The panes of a window.
    pub(crate) fn panes(&self, window: i64) -> RangeInclusive<i64> {
        let first = self.first_pane(window);
        first..=first.saturating_add(self.in_window - 1)
    }

    /// The windows that have a pane.
    pub(crate) fn windows(&self, pane: i64) -> RangeInclusive<i64> {
        let place = pane.saturating_sub(self.shift);
        let before = place.saturating_sub(self.in_window).div_euclid(self.in_slide);
        before.saturating_add(1)..=place.div_euclid(self.in_slide)
    }

    /// The first window that ends behind a watermark.
    pub(crate) fn first_open(&self, watermark: Timestamp) -> i64 {
        match watermark {
            Timestamp::MIN => i64::MIN,
            Timestamp::MAX => i64::MAX,
            Timestamp(time) => {
                let before = i128::from(time) - i128::from(self.size) - i128::from(self.offset);
                let open = before.div_euclid(i128::from(self.slide)) + 1;
                i64::try_from(open).unwrap_or(if open < 0 { i64::MIN } else { i64::MAX })
            }
        }
    }

    /// The first pane that a window has which is not before this one.
    pub(crate) fn first_pane(&self, window: i64) -> i64 {
        match window {
            i64::MIN | i64::MAX => window,
            _ => window.saturating_mul(self.in_slide).saturating_add(self.shift),
        }
    }
}

/// A length of time in microseconds.
pub(crate) fn span(what: &'static str, given: Duration) -> Result<i64, WindowError> {
    let whole = !given.is_zero() && given.subsec_nanos().is_multiple_of(1_000);
    let micros = i64::try_from(given.as_micros()).ok().filter(|it| whole && *it <= LONGEST);
    micros.ok_or(WindowError::Span { what, given })
}

fn divisor(mut one: i64, mut other: i64) -> i64 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

#[cfg(test)]
mod tests;
