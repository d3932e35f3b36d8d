//! Records and their headers, against the long way to read them.

use proptest::prelude::*;

use super::*;

#[test]
fn headers_are_a_list_in_their_order() {
    // Two of them: "a" with null, "a" with "xy".
    let bytes = [4, 2, b'a', 1, 2, b'a', 4, b'x', b'y'];
    let (null, xy): (HeaderPair<'_>, HeaderPair<'_>) = ((b"a", None), (b"a", Some(b"xy")));
    assert_eq!(headers(&bytes), Some(vec![null, xy]));
    assert_eq!(headers(&[0]), Some(vec![]));
    for wrong in
        [&[][..], &[1], &[2], &[2, 1, 1], &[4, 2, b'a', 1], &[2, 2, b'a', 1, 0], &[2, 2, b'a', 9]]
    {
        assert_eq!(headers(wrong), None, "{wrong:?}");
    }
}

#[test]
fn arbitrary_headers_take_no_more_than_their_bytes() {
    proptest!(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }, |(
        bytes in proptest::collection::vec(any::<u8>(), 0..100),
    )| {
        let found = headers(&bytes).unwrap_or_default();
        prop_assert!(found.len() <= bytes.len() / 2);
    });
}

/// The record at `at`, read byte by byte and no further than it says that it goes.
fn by_bytes(bytes: &[u8], at: usize, deltas: std::ops::RangeInclusive<i32>) -> Option<Record> {
    let mut batch = Cursor { bytes, at };
    let length = usize::try_from(batch.varint()?).ok()?;
    let end = batch.at.checked_add(length).filter(|&end| end <= bytes.len())?;
    let mut record = Cursor { bytes: bytes.get(..end)?, at: batch.at };
    record.byte()?;
    let timestamp_delta = record.varlong()?;
    let offset_delta = record.varint()?;
    if !deltas.contains(&offset_delta) {
        return None;
    }
    let (key, value) = (record.bytes()?, record.bytes()?);
    Some(Record { offset_delta, timestamp_delta, key, value, headers: record.at..end })
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(-1),
        -100_i64..100,
        0_i64..20_000,
        any::<i32>().prop_map(i64::from),
        any::<i64>()
    ]
}

/// The bytes of a number; more of them than it needs where `longer` says so.
fn written(number: i64, longer: bool, out: &mut Vec<u8>) {
    let mut raw = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while raw >= 0x80 {
        out.push(raw.to_le_bytes()[0] | 0x80);
        raw >>= 7;
    }
    match longer {
        true => out.extend([raw.to_le_bytes()[0] | 0x80, 0]),
        false => out.push(raw.to_le_bytes()[0]),
    }
}

#[test]
fn records_are_read_as_byte_by_byte() {
    let field = (number(), any::<bool>());
    let fields = proptest::collection::vec(field, 5);
    let record = (fields, proptest::collection::vec(any::<u8>(), 0..40), 0..8_usize);
    let records = proptest::collection::vec(record, 1..6);
    let damage = proptest::option::of((any::<prop::sample::Index>(), any::<u8>()));
    let config = ProptestConfig { cases: 2_000, failure_persistence: None, ..Default::default() };
    proptest!(config, |(records in records, damage in damage, cut in 0..4_usize)| {
        let mut bytes = Vec::new();
        for ((fields, rest, kind), delta) in records.iter().zip(0..) {
            let mut body = vec![0];
            for (at, (number, longer)) in fields.iter().enumerate() {
                // Most are good ones: a small delta, a key or none, a value that is there.
                let good = [*number, delta, -1, i64::try_from(rest.len()).unwrap(), 0];
                let number = if *kind > 0 { good[at] } else { *number };
                written(number, *longer, &mut body);
                if at == 3 {
                    body.extend_from_slice(rest);
                }
            }
            written(i64::try_from(body.len()).unwrap(), *kind == 7, &mut bytes);
            bytes.extend_from_slice(&body);
        }
        bytes.truncate(bytes.len().saturating_sub(cut));
        if let Some((at, byte)) = damage && !bytes.is_empty() {
            *at.get_mut(&mut bytes) = byte;
        }
        let count = i32::try_from(records.len()).unwrap();
        let end = bytes.len();
        let last_delta = 300;
        let mut walk = Records { at: 0, end, index: 0, count, last_delta, least_delta: 0 };
        // What lies behind the batch is nobody's.
        bytes.extend_from_slice(&[0; 40]);
        for index in 0..count {
            let expected = by_bytes(&bytes[..end], walk.at, walk.least_delta..=last_delta);
            match walk.next(&bytes) {
                Ok(found) => prop_assert_eq!(found, expected),
                Err(error) => {
                    prop_assert_eq!(expected, None, "{}", index);
                    prop_assert!(matches!(error, BatchError::Record { .. }), "{}", error);
                    break;
                }
            }
        }
    });
}
