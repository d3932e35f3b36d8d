//! How a file is packed, by the end of its name, and how much may come out of it.

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

impl Packing {
    /// How the file of this name is packed.
    pub(crate) fn of(path: &str) -> Self {
        match path.rsplit_once('.') {
            Some((_, "gz")) => Self::Gzip,
            Some((_, "zst")) => Self::Zstd,
            _ => Self::Plain,
        }
    }

    /// The most bytes that one stored byte can become.
    ///
    /// Source: RFC 1951, two bits for 258 bytes; RFC 8878, four bytes for a block of 128 KiB.
    fn expansion(self) -> u64 {
        match self {
            Self::Plain => 1,
            Self::Gzip => 1_032,
            Self::Zstd => 32_768,
        }
    }
}

/// How many offsets a file takes: one for each byte that may come out of it, and one for its end, so
/// that an empty file takes one as well.
pub(crate) fn span(path: &str, bytes: u64) -> i64 {
    let most = bytes.saturating_mul(Packing::of(path).expansion()).saturating_add(1);
    i64::try_from(most).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_name_says_how_a_file_is_packed() {
        let of = |path| (Packing::of(path), span(path, 10));
        assert_eq!(of("a.jsonl"), (Packing::Plain, 11));
        assert_eq!(of("2025.gz/a"), (Packing::Plain, 11));
        assert_eq!(of("a.json.gz"), (Packing::Gzip, 10_321));
        assert_eq!(of("a.zst"), (Packing::Zstd, 327_681));
        assert_eq!(span("a.zst", u64::MAX), i64::MAX);
        assert_eq!(span("empty", 0), 1);
    }
}
