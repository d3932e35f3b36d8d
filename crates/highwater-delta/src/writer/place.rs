//! The directories of partitions.
//!
//! Readers take values from the log, not from the name of a directory: names are for people, and
//! must do no harm.

use std::fmt::Write;

/// The most bytes of a name or of a value, as encoded; a file system takes 255 for both and the
/// sign between them.
const LONGEST: usize = 100;

/// What Hive calls a partition of nulls.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The directory of a partition: a part for each column and its value.
pub(crate) fn partition_directory<'a>(
    values: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
) -> String {
    let parts = values.into_iter().map(|(name, value)| directory(name, value.unwrap_or(NULL)));
    parts.collect::<Vec<_>>().join("/")
}

/// `name=value`, percent-encoded and cut to what every file system takes. It is one part of a path,
/// whatever the name and the value are, and neither `.` nor `..`.
fn directory(name: &str, value: &str) -> String {
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
mod tests {
    //! Values that would leave their directory, and others.

    use super::*;

    #[test]
    fn no_value_is_more_than_one_part_of_a_path() {
        let values = [
            ("../../x", "..%2F..%2Fx"),
            ("..", ".."),
            ("", ""),
            ("a/b\\c", "a%2Fb%5Cc"),
            ("nul\0", "nul%00"),
            ("10:30 +", "10%3A30%20%2B"),
            ("Zoë", "Zo%C3%AB"),
            ("x#1", "x%231"),
        ];
        for (value, expected) in values {
            assert_eq!(directory("c", value), format!("c={expected}"));
        }
        assert_eq!(directory("../c", "v"), "..%2Fc=v");
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        let long = directory(&"n".repeat(300), &"ë".repeat(150));
        assert_eq!(long, format!("{}={}", "n".repeat(100), "%C3%AB".repeat(16)));
    }
}
