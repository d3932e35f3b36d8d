//! A save of what does not fit into memory.

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::{DataType, Field};
use highwater_core::{Groups, SavedSection, StateReader, StateRoom};

use super::*;
use crate::TableSpec;
use crate::section::Held;

const ROWS: i64 = 20_000;

fn spec() -> TableSpec {
    let field = |name| vec![Field::new(name, DataType::Int64, false)];
    TableSpec::new("seen".parse().unwrap(), field("id"), field("n"))
}

fn put(table: &mut Table, ids: std::ops::Range<i64>) {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(ids));
    let keys = table.keys(&[ids]).unwrap();
    for (bucket, rows) in table.split(&keys, None) {
        let _found = table.upsert(&keys, bucket, &rows).unwrap();
    }
}

fn save(table: &mut Table) -> Vec<Section> {
    let mut writer = StateWriter::new(Level::WHOLE);
    table.save(&mut writer).unwrap();
    writer.into_parts().0
}

#[test]
fn it_is_put_together_in_files_that_go_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    let room = StateRoom { bytes: 64 << 10, spill: Some(folder.path().to_owned()) };
    let (mut small, mut large) = (Table::try_new(spec()).unwrap(), Table::try_new(spec()).unwrap());
    small.restore(&StateReader { room, ..StateReader::default() }).unwrap();
    for from in (0..ROWS).step_by(1_000) {
        put(&mut small, from..from + 1_000);
        put(&mut large, from..from + 1_000);
    }
    let spilled = files();
    assert!(spilled > 0);
    let sections = save(&mut small);
    assert!(matches!(sections[0].bytes, SectionBytes::InFile { .. }), "{sections:?}");
    assert!(files() > spilled);
    assert!(matches!(save(&mut large)[0].bytes, SectionBytes::Held(_)));

    let mut again = Table::try_new(spec()).unwrap();
    let saved = sections.iter().map(|section| SavedSection {
        table: section.table.clone(),
        bucket: section.bucket,
        rows: section.rows,
        level: Level::WHOLE,
        groups: Groups::ALL,
        range: 0..section.bytes.length(),
        object: Arc::new(Held {
            bytes: section.bytes.whole().unwrap(),
            location: "saved".to_owned(),
        }),
    });
    again.restore(&StateReader { sections: saved.collect(), ..StateReader::default() }).unwrap();
    put(&mut again, 0..ROWS + 1);
    assert_eq!((again.note().rows, large.note().rows), (20_001, 20_000));
    drop(sections);
    assert_eq!(files(), spilled);
}
