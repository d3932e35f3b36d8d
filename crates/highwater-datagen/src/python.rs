//! Text as Python writes it.

/// Appends the time so many microseconds after 2025-01-16 00:00:00, as `datetime.isoformat()` has it: no
/// fraction when it is zero.
pub(crate) fn isoformat(micros: u64, out: &mut Vec<u8>) {
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    for (number, width, before) in [
        (year, 4, None),
        (month, 2, Some(b'-')),
        (day, 2, Some(b'-')),
        (second / 3_600, 2, Some(b'T')),
        (second / 60 % 60, 2, Some(b':')),
        (second % 60, 2, Some(b':')),
    ] {
        out.extend(before);
        digits(number, width, out);
    }
    if micros > 0 {
        out.push(b'.');
        digits(micros, 6, out);
    }
}

/// Appends `number` with at least `width` digits.
pub(crate) fn digits(mut number: u64, width: usize, out: &mut Vec<u8>) {
    let mut text = [b'0'; 20];
    let mut used = 0;
    for place in text.iter_mut().rev() {
        if number == 0 && used >= width {
            break;
        }
        *place += u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        used += 1;
    }
    out.extend_from_slice(text.get(text.len() - used..).unwrap_or_default());
}

/// Days from 0000-03-01 to 2025-01-16.
const FIRST_DAY: u64 = 739_572;

/// The date `days` after 2025-01-16.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + FIRST_DAY;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_based = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_based + 2) / 5 + 1;
    let month = if march_based < 10 { march_based + 3 } else { march_based - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests;
