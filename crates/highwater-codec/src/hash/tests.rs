//! Golden values of both row hashes, computed with Python's hashlib:
//!
//! ```python
//! sha256(separator.join(x for x in row if x is not None).encode())
//! sha256(b"\1" + b"".join(b"\0" if x is None else
//!     b"\1" + len(x.encode()).to_bytes(8, "big") + x.encode() for x in row))
//! ```

use arrow::array::{Array, Int64Array, StringArray};
use highwater_core::ErrorKind;

use super::{hex, sha256_canonical, sha256_concat_ws, sha256_rows};

const NONE: [Option<&str>; 5] = [None; 5];

fn rows() -> [[Option<&'static str>; 5]; 6] {
    let long = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    [
        [Some("TXN00000001"), Some("ACC1"), Some("ACC2"), Some("123.4"), Some("USD")],
        [None, Some("Q"), None, Some(""), Some("")],
        NONE,
        [Some("a|b"), Some("c"), None, None, None],
        [Some("a"), Some("b|c"), None, None, None],
        [Some("é😀"), Some("\0"), Some(""), Some(long), Some("y")],
    ]
}

fn columns() -> Vec<StringArray> {
    (0..5).map(|column| rows().iter().map(|row| row[column]).collect()).collect()
}

fn views(columns: &[StringArray]) -> Vec<&dyn Array> {
    columns.iter().map(|column| column as &dyn Array).collect()
}

#[test]
fn concat_ws_is_that_of_spark() {
    let columns = columns();
    let hashes = sha256_concat_ws("|", &views(&columns)).unwrap();
    let expected = [
        "5d3e6a1209498148ab5b3118fc664bca3e32fe64fcceece34483c716202a0001",
        "f349742cafb86904b42432042d62abf5093b43e88e82008c9da8399712ed0efe",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "a52dd81bfd5e4e66d96b9f598382f6cbf8c5c3897654e6ae9055e03620fcf38e",
        "a52dd81bfd5e4e66d96b9f598382f6cbf8c5c3897654e6ae9055e03620fcf38e",
        "c91a17d4cc533e05555bf039818c7535c1c83460717c1e02c41c937d2865ef79",
    ];
    assert_eq!(hashes, StringArray::from(expected.to_vec()));
}

#[test]
fn canonical_tells_all_rows_apart() {
    let columns = columns();
    let hashes = sha256_canonical(&views(&columns)).unwrap();
    let hex: Vec<String> = hashes.iter().map(|hash| hex_of(hash.unwrap())).collect();
    let expected = [
        "bc6accaa38e5d676bec0240ec2a4fd6f068dcd2b63f20caa4ad94ff820c094c0",
        "c32796e4232b939d1e6d46a0b68aa5048366df10bbcdf1b9f4447c8b51aae900",
        "36c159d76b52e03e496363607c5940227f62f4e048df344b050159bc97bba3d7",
        "50d32f83d08a17ce408c1dfc98ef41d7201851d89bb0a1516be15c0970cfe2d6",
        "5e57a14c1dd6f7830ab1e9b5e0c1fea85dc5facbc5fffbd6e4044461569ca191",
        "0a694884823797e2795e4478eb82d2c8c5f507df0ed9bc51535598550d599779",
    ];
    assert_eq!(hex, expected);
}

fn hex_of(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn library(message: &[u8]) -> String {
    hex_of(&<sha2::Sha256 as sha2::Digest>::digest(message))
}

#[test]
fn messages_of_any_length_are_hashed_as_the_library_does() {
    let message =
        |row: usize| vec![b'a'; if row.is_multiple_of(100) { 300 * row } else { row % 300 }];
    let mut row = 0;
    sha256_rows(
        1_000,
        |row, bytes| bytes.extend(message(row)),
        |hash| {
            let found = hash.map(|word| format!("{word:08x}")).concat();
            assert_eq!(found, library(&message(row)), "row {row}");
            row += 1;
        },
    );
    assert_eq!(row, 1_000);
}

#[test]
fn rows_are_hashed_alone_wherever_they_stand() {
    let text = |row: usize| (!row.is_multiple_of(7)).then(|| "é".repeat(row % 90));
    let a: StringArray = (0..500).map(text).collect();
    let b: StringArray = (0..500).map(|row| text(row * 31)).collect();
    let hashes = sha256_concat_ws(", ", &[&a, &b]).unwrap();
    for row in 0..500 {
        let texts: Vec<String> = [text(row), text(row * 31)].into_iter().flatten().collect();
        assert_eq!(hashes.value(row), library(texts.join(", ").as_bytes()), "row {row}");
    }
    let slices = [a.slice(123, 77), b.slice(123, 77)];
    assert_eq!(sha256_concat_ws(", ", &[&slices[0], &slices[1]]).unwrap(), hashes.slice(123, 77));
}

#[test]
fn each_digit_of_a_hash_is_written() {
    let hash = [0, 1, 0x0123_4567, 0x89ab_cdef, 0xfedc_ba98, 0x7654_3210, 0x8000_0000, u32::MAX];
    let expected = hash.map(|word| format!("{word:08x}")).concat();
    assert_eq!(hex(hash), *expected.as_bytes());
}

#[test]
fn only_text_of_one_length_is_hashed() {
    let (one, two) = (StringArray::from(vec!["a"]), StringArray::from(vec!["a", "b"]));
    let other = Int64Array::from(vec![1]);
    let calls: [&[&dyn Array]; 3] = [&[], &[&one, &two], &[&one, &other]];
    for columns in calls {
        assert_eq!(sha256_concat_ws("|", columns).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(sha256_canonical(columns).unwrap_err().kind(), ErrorKind::Invalid);
    }
    let none = StringArray::new_null(0);
    assert_eq!(sha256_concat_ws("|", &[&none]).unwrap().len(), 0);
    assert_eq!(sha256_canonical(&[&none]).unwrap().len(), 0);
}
