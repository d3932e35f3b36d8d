//! Groups against another implementation, and what cannot be a key.

use std::sync::Arc;

use arrow::array::{
    BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array,
    LargeStringArray, ListArray, StringArray, StringViewArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, Fields, Int32Type as I32};

use super::*;

fn groups(columns: &[ArrayRef]) -> Vec<u8> {
    let named = (0..).zip(columns).map(|(n, column)| (format!("c{n}"), Arc::clone(column)));
    let rows = RecordBatch::try_from_iter_with_nullable(named.map(|(name, it)| (name, it, true)));
    let rows = rows.unwrap();
    let names: Vec<_> = rows.schema().fields().iter().map(|it| it.name().clone()).collect();
    KeyGroups::try_new(&rows.schema(), &names).unwrap().of(&rows).unwrap()
}

/// The expected groups come from the reference implementation of XXH3, through another language.
#[test]
fn groups_are_those_of_the_reference_implementation() {
    let text: ArrayRef = Arc::new(StringArray::from(vec!["TXN00000001"]));
    let number: ArrayRef = Arc::new(Int64Array::from(vec![42]));
    let null: ArrayRef = Arc::new(Int64Array::from(vec![None]));
    assert_eq!(groups(&[Arc::clone(&text)]), [127]);
    assert_eq!(groups(&[Arc::clone(&text), Arc::clone(&number)]), [103]);
    assert_eq!(groups(&[text, number, Arc::clone(&null)]), [99]);
    assert_eq!(groups(&[null]), [21]);
    assert_eq!(groups(&[Arc::new(Int64Array::from(vec![-7]))]), [52]);
    assert_eq!(groups(&[Arc::new(StringArray::from(vec![""]))]), [66]);
    assert_eq!(groups(&[Arc::new(Float64Array::from(vec![0.0, -0.0]))]), [89, 89]);
    let decimal = Decimal128Array::from(vec![12_345]).with_precision_and_scale(18, 2).unwrap();
    assert_eq!(groups(&[Arc::new(decimal)]), [80]);
    assert_eq!(groups(&[Arc::new(BooleanArray::from(vec![true]))]), [107]);
    assert_eq!(groups(&[Arc::new(Date32Array::from(vec![19_000]))]), [38]);
    assert_eq!(groups(&[Arc::new(Int32Array::from(vec![19_000]))]), [38]);
    let time = TimestampMicrosecondArray::from(vec![42]).with_timezone("+00:00");
    assert_eq!(groups(&[Arc::new(time)]), groups(&[Arc::new(Int64Array::from(vec![42]))]));
}

#[test]
fn the_width_of_offsets_does_not_show() {
    let values = vec![Some("a"), None, Some("a text that does not fit into a view")];
    let text = groups(&[Arc::new(StringArray::from(values.clone()))]);
    assert_eq!(text, groups(&[Arc::new(LargeStringArray::from(values.clone()))]));
    assert_eq!(text, groups(&[Arc::new(StringViewArray::from(values))]));
}

#[test]
fn a_struct_is_its_fields_in_turn() {
    let start: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
    let end: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some("b"), None]));
    let apart = groups(&[Arc::clone(&start), Arc::clone(&end)]);
    let fields: Fields = vec![
        Field::new("start", start.data_type().clone(), true),
        Field::new("end", end.data_type().clone(), true),
    ]
    .into();
    let window = |nulls: Option<Vec<bool>>| -> ArrayRef {
        let columns = vec![Arc::clone(&start), Arc::clone(&end)];
        Arc::new(StructArray::new(fields.clone(), columns, nulls.map(NullBuffer::from)))
    };
    assert_eq!(groups(&[window(None)]), apart);
    let nulls: ArrayRef = Arc::new(Int64Array::from(vec![None]));
    let null = groups(&[Arc::clone(&nulls), nulls])[0];
    // What lies below a null does not show.
    let some = groups(&[window(Some(vec![false, true, false]))]);
    assert_eq!(some, [null, apart[1], null]);
}

#[test]
fn all_nans_meet() {
    let quiet = f64::from_bits(0x7ff8_0000_0000_0001);
    let negative = f64::from_bits(0xfff8_0000_0000_0000);
    let nans = groups(&[Arc::new(Float64Array::from(vec![f64::NAN, quiet, negative]))]);
    assert!(nans.iter().all(|group| *group == nans[0]), "{nans:?}");
}

#[test]
fn workers_share_the_groups_evenly_and_in_order() {
    for workers in [1, 2, 3, 7, 128, 200] {
        let placed: Vec<_> =
            (0..KEY_GROUPS).map(|group| KeyGroups::worker(group, workers)).collect();
        assert!(placed.is_sorted() && placed.iter().all(|worker| *worker < workers));
        let count = |worker| placed.iter().filter(|it| **it == worker).count();
        let fair = usize::from(KEY_GROUPS) / workers;
        assert!((0..workers).all(|worker| (fair..=fair + 1).contains(&count(worker))));
    }
}

#[test]
fn what_cannot_be_a_key_is_named() {
    let list = ListArray::from_iter_primitive::<I32, _, _>([Some(vec![Some(1)])]);
    let rows = RecordBatch::try_from_iter([("tags", Arc::new(list) as ArrayRef)]).unwrap();
    let error = |key: &[&str]| {
        let key: Vec<_> = key.iter().map(|name| (*name).to_owned()).collect();
        KeyGroups::try_new(&rows.schema(), &key).unwrap_err().to_string()
    };
    assert!(error(&[]).contains("at least one column"));
    assert_eq!(error(&["id"]), "there is no column id to be a key; there are tags");
    assert!(error(&["tags"]).starts_with("column tags of type List"));
}
