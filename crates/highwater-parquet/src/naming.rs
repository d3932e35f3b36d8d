//! How data files of tables are named, and what a name tells.
//!
//! Names are for people, and for those who look for files that nothing names any more. No reader takes a
//! value from the name of a directory.

use std::fmt::{Display, Write};

use highwater_core::{Epoch, Marker, Name};

/// The most bytes of a name or of a value in a directory, as encoded; a file system takes 255 for both
/// and the sign between them.
const LONGEST: usize = 100;

/// The name of the file with this number that a worker writes for an epoch of a sink. `run` is what no
/// other run has.
///
/// # Example
/// ```
/// use highwater_core::Epoch;
/// use highwater_parquet::data_file;
///
/// let name = data_file(&"orders".parse()?, Epoch(7), "0190ab", 0, 12);
/// assert_eq!(name, "orders-7-0190ab-0-12.parquet");
/// # Ok::<(), highwater_core::NameError>(())
/// ```
pub fn data_file(
    sink: &Name,
    epoch: Epoch,
    run: impl Display,
    worker: usize,
    number: u32,
) -> String {
    format!("{sink}-{epoch}-{run}-{worker}-{number}.parquet")
}

/// Whether `file` is the name of a [`data_file`] of an epoch that its sink has committed, as the markers of
/// a table have it.
pub fn is_committed(file: &str, markers: &[Marker]) -> bool {
    let committed = |marker: &Marker| {
        let epoch = epoch_in(file, marker.sink.as_str())?;
        Some(epoch <= marker.id.epoch)
    };
    // A name may be read as that of two sinks, `a` and `a-1`: then both must agree.
    let mut readings = markers.iter().filter_map(committed).peekable();
    readings.peek().is_some() && readings.all(|committed| committed)
}

/// The epoch in the name of a data file of `sink`.
fn epoch_in(file: &str, sink: &str) -> Option<Epoch> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let rest = file.strip_suffix(".parquet")?.strip_prefix(sink)?.strip_prefix('-')?;
    let (epoch, rest) = rest.split_once('-')?;
    let mut parts = rest.rsplitn(3, '-');
    let numbers = [parts.next()?, parts.next()?];
    let run = parts.next()?;
    let whole = digits(epoch) && numbers.into_iter().all(digits) && !run.is_empty();
    whole.then(|| epoch.parse().ok().map(Epoch)).flatten()
}

/// The directory of a partition: `name=value`, percent-encoded and cut to what every file system takes. It
/// is one part of a path, whatever the name and the value are, and neither `.` nor `..`.
///
/// # Example
/// ```
/// assert_eq!(highwater_parquet::partition_directory("day", "../x"), "day=..%2Fx");
/// ```
pub fn partition_directory(name: &str, value: &str) -> String {
    format!("{}={}", encoded(name), encoded(value))
}

fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for char in text.chars() {
        let before = encoded.len();
        if char.is_ascii_alphanumeric() || matches!(char, '_' | '-' | '.') {
            encoded.push(char);
        } else {
            for byte in char.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a String cannot fail.
                let _infallible = write!(encoded, "%{byte:02X}");
            }
        }
        if encoded.len() > LONGEST {
            encoded.truncate(before);
            break;
        }
    }
    encoded
}

#[cfg(test)]
mod tests;
