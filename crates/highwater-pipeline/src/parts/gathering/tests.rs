//! What lies in files becomes the same object as what is in memory.

use std::ops::Range;
use std::sync::Arc;

use highwater_core::{ReadAt, SectionBytes, TableNote};

use super::*;

/// So many bytes, each by its place.
#[derive(Debug)]
struct Made(u64);

impl ReadAt for Made {
    fn read_at(&self, range: Range<u64>) -> Result<Bytes> {
        assert!(range.end <= self.0);
        Ok(range.map(|at| at.to_le_bytes()[0]).collect::<Vec<_>>().into())
    }

    fn location(&self) -> String {
        "a file".to_owned()
    }
}

fn saves(bytes: SectionBytes) -> Vec<StepSave> {
    let name = |name: &str| -> Name { name.parse().unwrap() };
    let section = Section { table: name("seen"), bucket: 7, rows: 3, bytes };
    let notes = BTreeMap::from([(name("seen"), TableNote::default())]);
    vec![StepSave { step: name("dedupe"), sections: vec![section], notes }]
}

async fn written(storage: &Storage, bytes: SectionBytes, path: &str) -> Result<Bytes> {
    let to = Object { storage: storage.clone(), path: path.to_owned() };
    let written = to.write(&saves(bytes), &Failpoints::default()).await?;
    assert_eq!(written.newest.values().flatten().map(|(_, newest)| *newest).max(), Some(7));
    let stored = storage.read(path).await?.unwrap();
    assert_eq!(written.bytes, stored.len() as u64);
    Ok(stored)
}

#[tokio::test]
async fn a_save_in_files_becomes_the_object_of_one_in_memory() {
    let storage = Storage::memory();
    for length in [1, 5 << 20, (11 << 20) + 5] {
        let file = Arc::new(Made(length));
        let held = SectionBytes::from(file.read_at(0..length).unwrap());
        let created = written(&storage, held, &format!("{length}-held")).await.unwrap();
        let in_file = SectionBytes::InFile { file, length };
        let uploaded = written(&storage, in_file, &format!("{length}-file")).await.unwrap();
        assert!(created == uploaded, "{length} bytes");
    }
}
