//! Rows that are found, replaced, moved, and forgotten.

use super::*;

fn file(path: &str) -> DataFile {
    DataFile { path: path.to_owned(), ..DataFile::default() }
}

fn scanned(index: &KeyIndex, keys: &[&str]) -> Scanned {
    let id = |key: &&str| (!key.is_empty()).then(|| index.hasher.id(key.as_bytes()));
    Scanned { keys: keys.iter().map(id).collect(), deleted: DeletedRows::default() }
}

fn ids(index: &KeyIndex, keys: &[&str]) -> Vec<KeyId> {
    keys.iter().map(|key| index.hasher.id(key.as_bytes())).collect()
}

fn take_up(index: &mut KeyIndex, path: &str, keys: &[&str]) {
    let scanned = scanned(index, keys);
    index.take_up(&file(path), scanned).unwrap();
}

fn found(index: &KeyIndex, keys: &[&str]) -> Vec<(String, Vec<u64>)> {
    index.rows_of(&ids(index, keys)).into_iter().collect()
}

#[test]
fn rows_are_found_by_their_keys_and_deleted_ones_are_not() {
    let mut index = KeyIndex::default();
    take_up(&mut index, "a", &["x", "", "y"]);
    take_up(&mut index, "b", &["z", "x"]);
    assert_eq!(found(&index, &["x"]), [("a".to_owned(), vec![0]), ("b".to_owned(), vec![1])]);
    assert_eq!(found(&index, &["y", "none"]), [("a".to_owned(), vec![2])]);
    assert_eq!((index.len(), index.file("a").unwrap().rows), (3, 3));
}

#[test]
fn a_fresh_row_takes_the_place_of_all_others() {
    let mut index = KeyIndex::default();
    take_up(&mut index, "a", &["x", "y"]);
    take_up(&mut index, "b", &["x"]);
    let fresh = vec![("c".to_owned(), ids(&index, &["x", "new"]))];
    index.apply(Effects { fresh, gone: vec!["b".to_owned()], ..Effects::default() }).unwrap();
    assert_eq!(found(&index, &["x", "new"]), [("c".to_owned(), vec![0, 1])]);
    assert_eq!(found(&index, &["y"]), [("a".to_owned(), vec![1])]);
    assert!(index.file("b").is_none());
}

#[test]
fn rows_that_move_are_found_where_they_went() {
    let mut index = KeyIndex::default();
    take_up(&mut index, "a", &["x", "y", "z"]);
    take_up(&mut index, "b", &["z"]);
    let moved = vec![("a2".to_owned(), ids(&index, &["y", "z"]))];
    let fresh = vec![("c".to_owned(), ids(&index, &["x"]))];
    let gone = vec!["a".to_owned()];
    index.apply(Effects { gone, moved, fresh, ..Effects::default() }).unwrap();
    assert_eq!(found(&index, &["x"]), [("c".to_owned(), vec![0])]);
    assert_eq!(found(&index, &["y"]), [("a2".to_owned(), vec![0])]);
    assert_eq!(found(&index, &["z"]), [("a2".to_owned(), vec![1]), ("b".to_owned(), vec![0])]);
}

#[test]
fn what_others_changed_is_forgotten_and_read_again() {
    let mut index = KeyIndex::default();
    take_up(&mut index, "a", &["x", "y"]);
    take_up(&mut index, "b", &["x", "z"]);
    let mut shrunk = file("b");
    shrunk.deletion_vector = Some(DeletionVector {
        storage_type: "i".to_owned(),
        path_or_inline_dv: String::new(),
        offset: None,
        size_in_bytes: 0,
        cardinality: 1,
    });
    let active: ActiveFiles = [file("a"), shrunk.clone(), file("c")].into_iter().collect();
    assert_eq!(index.follow(&active), [shrunk.clone(), file("c")]);
    assert_eq!(found(&index, &["x", "z"]), [("a".to_owned(), vec![0])]);
    assert_eq!(index.len(), 2);
    let keys = scanned(&index, &["", "z"]);
    index.take_up(&shrunk, keys).unwrap();
    take_up(&mut index, "c", &[]);
    assert!(index.follow(&active).is_empty());
    assert_eq!(found(&index, &["x", "z"]), [("a".to_owned(), vec![0]), ("b".to_owned(), vec![1])]);
}
