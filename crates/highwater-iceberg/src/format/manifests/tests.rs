//! Which manifests are merged.

use iceberg::spec::{ManifestContentType, ManifestFile};

use super::Manifests;
use crate::settings::MergeRule;

fn manifest(length: i64) -> ManifestFile {
    ManifestFile {
        manifest_path: format!("m{length}"),
        manifest_length: length,
        partition_spec_id: 0,
        content: ManifestContentType::Data,
        sequence_number: 1,
        min_sequence_number: 1,
        added_snapshot_id: 1,
        added_files_count: Some(1),
        existing_files_count: Some(0),
        deleted_files_count: Some(0),
        added_rows_count: Some(1),
        existing_rows_count: Some(0),
        deleted_rows_count: Some(0),
        partitions: None,
        key_metadata: None,
        first_row_id: None,
    }
}

/// The lengths of those that are kept and of those that are merged, for at least four.
fn merged(manifests: Vec<ManifestFile>, bytes: u64) -> (Vec<i64>, Vec<i64>) {
    let all = Manifests::of("list", manifests);
    let (kept, merged) = all.to_merge(Some(MergeRule { count: 4, bytes }), 0, 1);
    let lengths = |of: Vec<ManifestFile>| of.iter().map(|m| m.manifest_length).collect();
    (lengths(kept), lengths(merged))
}

#[test]
fn few_manifests_stay() {
    let (kept, inputs) = merged(vec![manifest(10), manifest(20)], 1 << 20);
    assert_eq!((kept, inputs), (vec![10, 20], vec![]));
    let never = Manifests::of("list", vec![manifest(10); 9]).to_merge(None, 0, 1);
    assert_eq!((never.0.len(), never.1.len()), (9, 0));
}

#[test]
fn many_small_ones_are_merged_and_large_ones_wait_until_it_pays() {
    let small = || (0..4).map(|i| manifest(20_000 + i));
    let (kept, inputs) = merged(small().chain([manifest(500_000)]).collect(), 8 << 20);
    assert_eq!(kept, [500_000]);
    assert_eq!(inputs, [20_000, 20_001, 20_002, 20_003]);
    let (kept, inputs) = merged(small().chain([manifest(160_000)]).collect(), 8 << 20);
    assert!(kept.is_empty());
    assert_eq!(inputs, [20_000, 20_001, 20_002, 20_003, 160_000]);
}

#[test]
fn the_merged_manifest_has_an_end() {
    let (kept, inputs) = merged((0..6).map(|_| manifest(10_000)).collect(), 45_000);
    assert_eq!((kept.len(), inputs.len()), (2, 4));
}

#[test]
fn deletes_and_other_partition_specs_stay_apart() {
    let mut deletes = manifest(1);
    deletes.content = ManifestContentType::Deletes;
    let mut other = manifest(2);
    other.partition_spec_id = 1;
    let (kept, inputs) = merged(vec![deletes, other, manifest(3), manifest(4), manifest(5)], 100);
    assert_eq!((kept, inputs), (vec![1, 2], vec![3, 4, 5]));
}
