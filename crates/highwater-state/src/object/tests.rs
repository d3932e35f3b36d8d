//! An object reads back as it was written, and damage to its footer never goes unseen.

use std::sync::Arc;

use super::*;

#[derive(Debug)]
struct Memory(Bytes);

impl ReadAt for Memory {
    fn read_at(&self, range: Range<u64>) -> Result<Bytes> {
        assert!(range.end <= to_u64(self.0.len()), "{range:?} is not in the object");
        Ok(self.0.slice(places(range)))
    }

    fn location(&self) -> String {
        "state/7-0-run.hws".to_owned()
    }
}

fn read(bytes: impl Into<Bytes>) -> Result<ObjectFooter> {
    let bytes = bytes.into();
    let length = to_u64(bytes.len());
    ObjectFooter::read(&Memory(bytes), length)
}

fn places(range: Range<u64>) -> Range<usize> {
    range.start.try_into().unwrap()..range.end.try_into().unwrap()
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn saves() -> Vec<StepSave> {
    let section = |table: &str, bucket, bytes: &'static [u8]| Section {
        table: name(table),
        bucket,
        rows: 3,
        bytes: bytes.into(),
    };
    let note = TableNote { version: 1, columns: "k Int64".to_owned(), ..TableNote::default() };
    let sections = vec![section("left", -2, b"some rows"), section("right", 7, b"")];
    let notes = BTreeMap::from([(name("left"), note)]);
    let join = StepSave { step: name("join"), sections, notes };
    let sections = vec![section("seen", 0, b"others")];
    vec![join, StepSave { step: name("dedupe"), sections, notes: BTreeMap::new() }]
}

#[test]
fn sections_are_found_where_they_were_put() {
    let bytes = encode_object(&saves()).unwrap().whole().unwrap();
    let footer = read(bytes.clone()).unwrap();
    let found: Vec<_> = footer
        .sections
        .iter()
        .map(|it| {
            assert_eq!(it.range.start % 64, 0);
            let bytes = bytes.slice(places(it.range.clone()));
            (it.step.as_str(), it.table.as_str(), it.bucket, it.rows, bytes)
        })
        .collect();
    let all = |bytes: &'static [u8]| Bytes::from_static(bytes);
    assert_eq!(
        found,
        [
            ("join", "left", -2, 3, all(b"some rows")),
            ("join", "right", 7, 3, all(b"")),
            ("dedupe", "seen", 0, 3, all(b"others")),
        ]
    );
    assert_eq!(footer.notes[&name("join")], saves()[0].notes);
    assert!(footer.notes[&name("dedupe")].is_empty());
}

#[test]
fn sections_in_files_make_the_same_object() {
    let held = encode_object(&saves()).unwrap();
    let mut saves = saves();
    let sections = saves.iter_mut().flat_map(|save| &mut save.sections);
    sections.for_each(|section| {
        let (length, whole) = (section.bytes.length(), section.bytes.whole().unwrap());
        section.bytes = SectionBytes::InFile { file: Arc::new(Memory(whole)), length };
    });
    let in_files = encode_object(&saves).unwrap();
    assert_eq!(in_files.length(), held.length());
    assert_eq!(in_files.whole().unwrap(), held.whole().unwrap());
    let pieces = saves[0].sections[0].bytes.pieces(4).map(Result::unwrap);
    assert_eq!(pieces.collect::<Vec<_>>(), ["some", " row", "s"]);
}

#[test]
fn every_flipped_bit_of_the_footer_and_every_cut_is_seen() {
    let bytes = encode_object(&saves()).unwrap().whole().unwrap();
    let whole = read(bytes.clone()).unwrap();
    let sections_end = whole.sections.iter().map(|section| section.range.end).max().unwrap();
    for place in 0..bytes.len() {
        let cut = read(bytes.slice(..place)).unwrap_err();
        assert_eq!(cut.kind(), ErrorKind::Corrupt, "cut at {place}: {cut}");
        for bit in 0..8 {
            let mut damaged = bytes.to_vec();
            damaged[place] ^= 1 << bit;
            let read = read(damaged);
            if to_u64(place) < sections_end {
                assert_eq!(read.unwrap(), whole, "sections check themselves");
                continue;
            }
            let error = read.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "bit {bit} of {place}: {error}");
            assert!(error.to_string().contains("state/7-0-run.hws"), "{error}");
            assert!(error.next_step().starts_with("restore the checkpoint"), "{error:?}");
        }
    }
}

/// An object whose footer is well sealed and says what it likes.
fn sealed(footer: &str) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(footer.as_bytes());
    bytes.extend_from_slice(&XxHash3_64::oneshot(footer.as_bytes()).to_le_bytes());
    bytes.extend_from_slice(&to_u64(footer.len()).to_le_bytes());
    bytes.extend_from_slice(MAGIC);
    bytes
}

#[test]
fn a_later_version_is_refused_whatever_else_it_holds() {
    let error = read(sealed(r#"{"version":9,"blocks":[]}"#)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("version 9"), "{error}");
    assert_eq!(error.next_step(), "start with the newer binary");
}

#[test]
fn a_section_outside_of_the_object_is_damage() {
    let at = |start: u64, end: u64| {
        let range = format!(r#"{{"start":{start},"end":{end}}}"#);
        let section = format!(r#"{{"step":"a","table":"t","bucket":0,"rows":1,"range":{range}}}"#);
        read(sealed(&format!(r#"{{"version":1,"sections":[{section}],"notes":{{}}}}"#)))
    };
    assert!(at(8, 8).is_ok());
    for (start, end) in [(0, 8), (8, 9), (9, 8), (8, u64::MAX)] {
        assert_eq!(at(start, end).unwrap_err().kind(), ErrorKind::Corrupt, "{start}..{end}");
    }
    assert_eq!(read(sealed("[]")).unwrap_err().kind(), ErrorKind::Corrupt);
}
