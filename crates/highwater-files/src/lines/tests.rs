//! Files cut into payloads of all sizes, against a loop over their lines.

use std::fs;
use std::io::Write as _;
use std::sync::LazyLock;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use flate2::Compression;
use flate2::write::GzEncoder;
use highwater_codec::{Columns, Format, Json, Type};
use highwater_core::{Decoded, Decoder as _, Partition, Range, SourceColumns};
use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use super::*;
use crate::decoder::FilesDecoder;
use crate::detail::{Found, Part, Parts, Taken};
use crate::error::Version;
use crate::pieces;
use crate::place::Place;

/// A row, or what was rejected: the file, the byte in it, the offset of a row; the id of a row or the raw
/// bytes.
#[derive(Clone, Debug, PartialEq)]
enum Record {
    Row(String, i64, i64, i64),
    Rejected(String, i64, Vec<u8>, String),
}

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().build().unwrap());

fn json() -> Json {
    Json::try_new(Columns::new().required("id", Type::Long)).unwrap()
}

/// Writes files, and plans ranges of so many bytes that read them in this order.
fn ranges(
    directory: &std::path::Path,
    files: &[(String, Vec<u8>)],
    piece: u64,
) -> (Place, Vec<Range>) {
    let mut parts = Vec::new();
    for (path, bytes) in files {
        fs::write(directory.join(path), bytes).unwrap();
        let metadata = fs::metadata(directory.join(path)).unwrap();
        let modified = crate::clock::micros(metadata.modified().unwrap());
        let version = Version { bytes: metadata.len(), modified };
        parts.push(Part::new(&Found { path: path.clone(), version }, bytes));
    }
    let partition = Partition::new(directory.to_str().unwrap(), 0);
    let ranges = pieces::ranges((&partition, 0), parts, &Taken::default(), piece);
    (Place::Directory(directory.to_owned()), ranges)
}

/// Files of these bytes.
fn named(files: Vec<Vec<u8>>) -> Vec<(String, Vec<u8>)> {
    files.into_iter().enumerate().map(|(n, bytes)| (format!("{n}.json"), bytes)).collect()
}

/// Writes files, and plans a range that reads all of them.
fn range(directory: &std::path::Path, files: &[(String, Vec<u8>)]) -> (Place, Range) {
    let (place, mut ranges) = ranges(directory, files, u64::MAX);
    (place, ranges.pop().unwrap())
}

fn read_and_decode(place: &Place, range: &Range, sizes: Sizes) -> Vec<Record> {
    let (sender, mut receiver) = mpsc::channel(1);
    let (reading, parts) = (place.clone(), Parts::of(range).unwrap());
    let handle = RUNTIME.handle().clone();
    let reader = std::thread::spawn(move || {
        let mut block = Block::new(RangeId(3), sizes, &sender);
        for (file, part) in parts.files.iter().enumerate() {
            let content = Content::open(&reading, (part, parts.stretch), &handle).unwrap();
            read(&mut block, u32::try_from(file).unwrap(), content).unwrap();
        }
        block.send().unwrap();
    });
    let columns = Some(SourceColumns::behind(&json().schema()));
    let decoder = FilesDecoder::new(range, place.clone(), json().decoder(), columns).unwrap();
    let mut decoder = decoder.with_longest(sizes.longest);
    let mut decoded = Decoded::default();
    while let Some(item) = receiver.blocking_recv() {
        decoder.decode(item.unwrap().1, &mut decoded).unwrap();
    }
    decoder.finish(&mut decoded).unwrap();
    reader.join().unwrap();
    records(&decoded)
}

fn records(decoded: &Decoded) -> Vec<Record> {
    let mut records = Vec::new();
    for (rows, offsets) in decoded.rows.iter().zip(&decoded.offsets) {
        let ids = rows["id"].as_primitive::<Int64Type>();
        let (files, at) =
            (rows["_topic"].as_string::<i32>(), rows["_offset"].as_primitive::<Int64Type>());
        for row in 0..rows.num_rows() {
            let (id, at) = (ids.value(row), at.value(row));
            records.push(Record::Row(
                files.value(row).to_owned(),
                at,
                offsets.at(row).unwrap(),
                id,
            ));
        }
    }
    for rejected in &decoded.rejected {
        let (files, at) =
            (rejected["topic"].as_string::<i32>(), rejected["offset"].as_primitive::<Int64Type>());
        let (raw, reasons) =
            (rejected["raw"].as_binary::<i32>(), rejected["reason"].as_string::<i32>());
        for row in 0..rejected.num_rows() {
            let (raw, reason) = (raw.value(row).to_vec(), reasons.value(row).to_owned());
            records.push(Record::Rejected(files.value(row).to_owned(), at.value(row), raw, reason));
        }
    }
    assert_eq!(decoded.records, u64::try_from(records.len()).unwrap());
    records
}

/// The same by a loop: rows, then what is rejected; of those the reasons are not told.
fn expected(
    directory: &std::path::Path,
    files: &[(String, Vec<u8>)],
    longest: usize,
) -> Vec<Record> {
    let (mut rows, mut rejected) = (Vec::new(), Vec::new());
    let mut base = 0;
    for (path, bytes) in files {
        let file = directory.join(path).to_str().unwrap().to_owned();
        let mut at = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let mut text = line;
            let mut begin = at;
            if at == 0 && text.starts_with(b"\xef\xbb\xbf") {
                (text, begin) = (&text[3..], 3);
            }
            text = text.strip_suffix(b"\n").unwrap_or(text);
            text = text.strip_suffix(b"\r").unwrap_or(text);
            let place = i64::try_from(begin).unwrap();
            let id = std::str::from_utf8(text).ok().and_then(|text| {
                text.trim().strip_prefix("{\"id\":")?.strip_suffix('}')?.parse::<i64>().ok()
            });
            at += line.len();
            match id {
                _ if text.iter().all(u8::is_ascii_whitespace) && text.len() <= longest => {}
                Some(id) if text.len() <= longest => {
                    rows.push(Record::Row(file.clone(), place, base + place, id))
                }
                _ => rejected.push(Record::Rejected(
                    file.clone(),
                    place,
                    text.to_vec(),
                    String::new(),
                )),
            }
        }
        base += i64::try_from(bytes.len()).unwrap() + 1;
    }
    rows.extend(rejected);
    rows
}

fn without_reasons(records: Vec<Record>) -> Vec<Record> {
    let without = |record| match record {
        Record::Rejected(file, at, raw, _) => Record::Rejected(file, at, raw, String::new()),
        row @ Record::Row(..) => row,
    };
    records.into_iter().map(without).collect()
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => (0..1_000_i64).prop_map(|id| format!("{{\"id\":{id}}}").into_bytes()),
        1 => Just(Vec::new()),
        1 => Just(b" \t".to_vec()),
        1 => Just(b"{\"id\":7} \r".to_vec()),
        1 => Just(b"oops".to_vec()),
        1 => Just(b"\xff\xfe".to_vec()),
        1 => prop::collection::vec(b'x'..b'z', 30..90),
    ]
}

fn file() -> impl Strategy<Value = Vec<u8>> {
    let lines = prop::collection::vec(line(), 0..12);
    (lines, any::<bool>(), prop::bool::weighted(0.2)).prop_map(|(lines, ended, marked)| {
        let mut bytes = if marked { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
        bytes.extend(lines.join(&b'\n'));
        bytes.extend(if ended { Vec::from(*b"\n") } else { Vec::new() });
        bytes
    })
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_cut_gives_the_lines_and_their_offsets(
        files in prop::collection::vec(file(), 1..5),
        block in 1..200_usize,
        least in 1..50_usize,
        longest in 40..60_usize,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let files = named(files);
        let (place, range) = range(directory.path(), &files);
        let read = read_and_decode(&place, &range, Sizes { block, least, longest });
        prop_assert_eq!(without_reasons(read.clone()), expected(directory.path(), &files, longest));
        let whole = read_and_decode(&place, &range, Sizes { longest, ..Sizes::default() });
        prop_assert_eq!(read, whole, "and the same reasons");
    }

    /// What can be read of a file that was cut or damaged anywhere comes out, and one rejected record says
    /// where it ends; however it is read.
    #[test]
    fn damage_takes_the_rest_of_its_file_and_nothing_else(
        lines in 1..400_i64,
        cut in 0.0..1.0_f64,
        flip in any::<Option<u8>>(),
        block in 1..5_000_usize,
    ) {
        let text: String = (0..lines).map(|id| format!("{{\"id\":{id}}}\n")).collect();
        let whole = packed(text.as_bytes());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in some bytes")]
        let place = (whole.len() as f64 * cut) as usize;
        let mut bytes = whole.clone();
        match flip {
            Some(flip) => bytes[place] ^= flip,
            None => bytes.truncate(place),
        }
        let files = [
            ("a.json.gz".to_owned(), bytes),
            ("b.json".to_owned(), b"{\"id\":-1}".to_vec()),
        ];
        let directory = tempfile::tempdir().unwrap();
        let (at, range) = range(directory.path(), &files);
        let read = read_and_decode(&at, &range, Sizes { block, least: 1, ..Sizes::default() });
        let again = read_and_decode(&at, &range, Sizes::default());
        prop_assert_eq!(&read, &again);
        let ids: Vec<i64> = read.iter().filter_map(|record| match record {
            Record::Row(_, _, _, id) => Some(*id),
            Record::Rejected(..) => None,
        }).collect();
        let rejected: Vec<_> = read.iter().filter(|record| matches!(record, Record::Rejected(..))).collect();
        prop_assert_eq!(ids.last(), Some(&-1), "the other file is whole");
        if flip.is_none() {
            let kept: Vec<i64> = (0..lines).chain([-1]).collect();
            let good = ids.len() - 1;
            prop_assert_eq!(&ids[..good], &kept[..good]);
            prop_assert_eq!(rejected.len(), usize::from(place > 0), "{:?}", rejected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Also where a line is longer than several ranges, and where a file ends without an end of a line.
    #[test]
    fn any_ranges_give_the_same_records(
        files in prop::collection::vec(file(), 1..4),
        piece in 1..150_u64,
        block in 1..200_usize,
        least in 1..50_usize,
        longest in 40..60_usize,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let files = named(files);
        let (place, whole) = range(directory.path(), &files);
        let whole = read_and_decode(&place, &whole, Sizes { longest, ..Sizes::default() });
        let (place, ranges) = ranges(directory.path(), &files, piece);
        let sizes = Sizes { block, least, longest };
        let read = ranges.iter().flat_map(|range| read_and_decode(&place, range, sizes));
        let (mut rows, rejected): (Vec<_>, Vec<_>) =
            read.partition(|record| matches!(record, Record::Row(..)));
        rows.extend(rejected);
        prop_assert_eq!(rows, whole);
    }
}

/// However the file is read, and with any end of the line.
#[test]
fn a_mark_before_a_line_is_not_part_of_its_length() {
    for (line, end) in
        [40, 41].into_iter().flat_map(|line| ["", "\r", "\n", "\r\n"].map(|end| (line, end)))
    {
        let text = format!("\u{feff}{}{end}", "x".repeat(line));
        let files = named(vec![text.into_bytes()]);
        let directory = tempfile::tempdir().unwrap();
        let (place, range) = range(directory.path(), &files);
        let sizes = Sizes { block: 1, least: 1, longest: 40 };
        let read = read_and_decode(&place, &range, sizes);
        let Record::Rejected(_, 3, raw, reason) = &read[0] else { panic!("{read:?}") };
        assert_eq!(raw.len(), line);
        assert_eq!(reason.contains("more than 40"), line > 40, "{end:?}: {reason}");
        let whole = read_and_decode(&place, &range, Sizes { longest: 40, ..Sizes::default() });
        assert_eq!(read, whole);
    }
}

#[test]
fn what_follows_a_member_is_read_or_rejected() {
    let mut bytes = packed(b"{\"id\":1}\n");
    bytes.extend(packed(b"{\"id\":2}\n{\"id\":"));
    bytes.extend(packed(b"3}\n"));
    bytes.extend(b"rubbish");
    let frames = [
        zstd::encode_all(&b"{\"id\":4}\n"[..], 1).unwrap(),
        zstd::encode_all(&b"{\"id\":5}"[..], 1).unwrap(),
    ];
    let mut cut = zstd::encode_all(&b"{\"id\":6}\n"[..], 1).unwrap();
    cut.pop();
    let files = [
        ("a.gz".to_owned(), bytes),
        ("b.zst".to_owned(), frames.concat()),
        ("c.zst".to_owned(), cut),
    ];
    let directory = tempfile::tempdir().unwrap();
    let (place, range) = range(directory.path(), &files);
    let read = read_and_decode(&place, &range, Sizes::default());
    let ids = read.iter().filter_map(|record| match record {
        Record::Row(_, _, _, id) => Some(*id),
        Record::Rejected(..) => None,
    });
    assert_eq!(ids.take(5).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let rejected: Vec<_> = read
        .iter()
        .filter_map(|record| match record {
            Record::Rejected(file, at, _, reason) => {
                Some((file.rsplit('/').next()?, *at, reason.as_str()))
            }
            Record::Row(..) => None,
        })
        .collect();
    assert_eq!(rejected.len(), 2, "{rejected:?}");
    assert_eq!((rejected[0].0, rejected[0].1), ("a.gz", 27));
    assert!(rejected[0].2.starts_with("the file is damaged or cut short here: "), "{rejected:?}");
    assert_eq!(rejected[1].0, "c.zst");
}

#[test]
fn a_line_without_an_end_is_passed_in_bounded_memory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("long.json");
    let mut long = fs::File::create(&path).unwrap();
    long.write_all(b"{\"id\":1}\n").unwrap();
    long.set_len(100 << 20).unwrap();
    std::io::Seek::seek(&mut long, std::io::SeekFrom::End(0)).unwrap();
    long.write_all(b"\n{\"id\":2}\n").unwrap();
    let version = Version {
        bytes: fs::metadata(&path).unwrap().len(),
        modified: crate::clock::micros(fs::metadata(&path).unwrap().modified().unwrap()),
    };
    let mut head = vec![0; crate::detail::HEAD];
    head[..9].copy_from_slice(b"{\"id\":1}\n");
    let part = Part::new(&Found { path: "long.json".to_owned(), version }, &head);
    let (sender, mut receiver) = mpsc::channel(1);
    let place = Place::Directory(directory.path().to_owned());
    let handle = RUNTIME.handle().clone();
    let reader = std::thread::spawn(move || {
        let mut block = Block::new(RangeId(0), Sizes::default(), &sender);
        read(&mut block, 0, Content::open(&place, (&part, None), &handle).unwrap()).unwrap();
        block.send().unwrap();
    });
    let mut largest = 0;
    while let Some(item) = receiver.blocking_recv() {
        largest = largest.max(item.unwrap().1.bytes.len());
    }
    reader.join().unwrap();
    assert!(largest < 2 << 20, "{largest}");
}
