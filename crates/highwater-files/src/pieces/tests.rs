//! Files of any lengths, cut into ranges.

use super::*;
use crate::detail::Found;
use crate::error::Version;

fn file(path: &str, bytes: u64) -> Part {
    Part::new(&Found { path: path.to_owned(), version: Version { bytes, modified: 1 } }, b"")
}

fn names(ranges: &[Range]) -> Vec<Vec<String>> {
    let name = |part: &Part, stretch: Option<Stretch>| match stretch {
        Some(Stretch(begin, end)) => format!("{} {begin}..{end}", part.path()),
        None => part.path().to_owned(),
    };
    let of = |range: &Range| {
        let parts = Parts::of(range).unwrap();
        parts.files.iter().map(|part| name(part, parts.stretch)).collect()
    };
    ranges.iter().map(of).collect()
}

#[test]
fn files_are_put_together_and_large_ones_cut() {
    let files = [("a", 20), ("b", 20), ("c", 1), ("d", 100), ("e.gz", 100), ("f", 59), ("g", 0)];
    let files: Vec<Part> = files.iter().map(|(path, bytes)| file(path, *bytes)).collect();
    let (partition, all) = (Partition::new("/data", 0), files.iter().map(Part::span));
    let end = all.fold(7, i64::saturating_add);
    let found = ranges((&partition, 7), files.clone(), &Taken::default(), 30);
    let expected: [&[&str]; 8] = [
        &["a", "b"],
        &["c"],
        &["d 0..34"],
        &["d 34..68"],
        &["d 68..100"],
        &["e.gz"],
        &["f"],
        &["g"],
    ];
    assert_eq!(names(&found), expected);
    let mut next = 7;
    for (place, range) in found.iter().enumerate() {
        assert_eq!((range.id, range.from.next), (RangeId(u32::try_from(place).unwrap()), next));
        assert!(range.to.next > next);
        next = range.to.next;
    }
    assert_eq!(next, end, "the same offsets as in one range");
    let one = ranges((&partition, 7), files, &Taken::default(), 1 << 30);
    assert_eq!((one.len(), one[0].to.next), (1, end));
}

#[test]
fn nobody_goes_on_from_between_two_ranges() {
    let partition = Partition::new("/data", 0);
    let found = ranges((&partition, 0), vec![file("a", 100)], &Taken::default(), 50);
    let [first, last] = &found[..] else { panic!("{found:?}") };
    assert!(Taken::of(&partition, &first.to).is_err());
    assert_eq!(Taken::of(&partition, &last.to).unwrap(), Taken::default());
}

#[test]
fn ranges_are_few_however_much_there_is() {
    let partition = Partition::new("/data", 0);
    let files = |count: u64, bytes| (0..count).map(|n| file(&n.to_string(), bytes)).collect();
    for (count, bytes) in [(1, 1 << 40), (1_000, 1 << 30), (40, 16 << 20), (3, 1 << 60)] {
        let found = ranges((&partition, 0), files(count, bytes), &Taken::default(), 8 << 20);
        assert!((2..=2 * 32).contains(&found.len()), "{} of {count} files", found.len());
    }
    assert!(ranges((&partition, 0), Vec::new(), &Taken::default(), 1).is_empty());
}
