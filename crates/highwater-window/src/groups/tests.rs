//! The key of all rows.

use highwater_core::KeyGroups;

use super::*;

#[test]
fn the_key_of_all_rows_is_of_the_first_group() {
    let schema = Arc::new(Schema::new(vec![Field::new(ALL, DataType::UInt32, false)]));
    let groups = KeyGroups::try_new(&schema, &[ALL.to_owned()]).unwrap();
    let keys: Vec<u32> = (0..2_000).collect();
    let keys: ArrayRef = Arc::new(UInt32Array::from(keys));
    let found = groups.of(&RecordBatch::try_new(schema, vec![keys]).unwrap()).unwrap();
    let first = found.iter().position(|group| *group == 0);
    assert_eq!(first, usize::try_from(ALL_KEY).ok());
}
