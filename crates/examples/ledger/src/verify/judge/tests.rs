//! The second opinion agrees with the codec.

use highwater_codec::{Format as _, Json, Records, Span};
use highwater_datagen::{Generator, Transactions};

use super::*;
use crate::columns;

#[test]
fn hashes_and_amounts_are_those_of_another_program() {
    // printf 'TXN1|ACC1|ACC2|12.50|USD' | sha256sum
    let record = br#"{"transaction_id":"TXN1","account_from":"ACC1","account_to":"ACC2",
        "amount":12.50,"currency":"USD","timestamp":"2025-01-16 00:00:00.5+01:00"}"#;
    let expected = judge(Some(record)).unwrap();
    assert_eq!((expected.id.as_str(), expected.cents), ("TXN1", 1_250));
    assert_eq!(expected.hash, "f5b1af850f8173ee334008294452c440b4e60aec46253c335418dbf9fe944be5");
    // printf 'TXN1|7|USD' | sha256sum
    let record = br#"{"transaction_id":"TXN1","account_from":null,"amount":"7","currency":"USD",
        "timestamp":"2025-01-16T00:00:00Z"}"#;
    assert_eq!(
        judge(Some(record)).unwrap().hash,
        "8ef6f36b07b66617fe58bb87d39aef025867760e40cb399e1d143faad469072c"
    );
}

#[test]
fn rows_and_rejected_records_are_those_of_the_codec() {
    let generator = Generator::new(Transactions).seed(11).bad(0.5);
    let mut decoder = Json::try_new(columns::transactions()).unwrap().decoder();
    let others = [
        "",
        "{}",
        "[1,2,3,4,5,6,7]",
        r#"["a",null,null,"1",null,null,"2025-01-16T00:00:00"]"#,
        r#"{"transaction_id":1,"amount":2,"timestamp":"2025-01-16T00:00:00"}"#,
        r#"{"transaction_id":1,"transaction_id":1,"amount":2,"timestamp":"2025-01-16T00:00:00"}"#,
        r#"{"transaction_id":1,"amount":2,"timestamp":"2025-01-16T00:00:00","currency":[]}"#,
        r#"{"transaction_id":1,"amount":2,"timestamp":"2025-01-16T00:00:00","other":[]} "#,
        r#"{"transaction_id":1,"amount":2,"timestamp":"2025-01-16T00:00:00"}{}"#,
    ];
    let mut records: Vec<Vec<u8>> = others.map(|text| text.as_bytes().to_vec()).into();
    for offset in 0..2_000 {
        let mut record = Vec::new();
        generator.write(offset, &mut record);
        records.push(record);
    }
    for record in &records {
        let values = [Some(Span { start: 0, end: u32::try_from(record.len()).unwrap() })];
        let mut outcomes = Vec::new();
        decoder.decode(&Records { data: record, values: &values }, &mut outcomes).unwrap();
        let text = String::from_utf8_lossy(record);
        assert_eq!(judge(Some(record)).is_some(), outcomes[0].is_none(), "{text}: {outcomes:?}");
    }
    assert_eq!(judge(None), None);
}
