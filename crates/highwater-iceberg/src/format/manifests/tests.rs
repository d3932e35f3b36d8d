//! Which manifests are merged.

use iceberg::spec::{ManifestContentType, ManifestFile};

use super::{Manifests, files_in};
use crate::settings::MergeRule;

/// A manifest of so many files, with a heading that is longer than most.
fn manifest(files: u32) -> ManifestFile {
    ManifestFile {
        manifest_path: format!("m{files}"),
        manifest_length: 4_000 + i64::from(files) * 100,
        partition_spec_id: 0,
        content: ManifestContentType::Data,
        sequence_number: 1,
        min_sequence_number: 1,
        added_snapshot_id: 1,
        added_files_count: Some(files),
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

/// The files of those that are kept and of those that are merged, for at least four.
fn merged(manifests: Vec<ManifestFile>, bytes: u64) -> (Vec<u64>, Vec<u64>) {
    let all = Manifests::of("list", manifests);
    let (kept, merged) = all.to_merge(Some(MergeRule { count: 4, bytes }), 0, 1);
    let files = |of: Vec<ManifestFile>| of.iter().map(files_in).collect();
    (files(kept), files(merged))
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
    let small = || (0..4).map(|_| manifest(10));
    let (kept, inputs) = merged(small().chain([manifest(81)]).collect(), 8 << 20);
    assert_eq!((kept, inputs), (vec![81], vec![10; 4]));
    let (kept, inputs) = merged(small().chain([manifest(80)]).collect(), 8 << 20);
    assert_eq!((kept, inputs), (vec![], vec![10, 10, 10, 10, 80]));
}

#[test]
fn what_each_merge_writes_again_stays_small_over_thousands_of_commits() {
    let rule = Some(MergeRule { count: 100, bytes: 8 << 20 });
    let (mut all, mut written, mut longest) = (Vec::new(), 0, 0);
    for _ in 0..10_000 {
        let (kept, inputs) = Manifests::of("list", all).to_merge(rule, 0, 1);
        let files: u64 = inputs.iter().map(files_in).sum();
        all = kept;
        all.extend((files > 0).then(|| manifest(files.try_into().unwrap())));
        all.push(manifest(1));
        written += files;
        longest = longest.max(all.len());
    }
    assert_eq!(all.iter().map(files_in).sum::<u64>(), 10_000);
    assert!(longest < 120, "{longest} manifests in a list");
    assert!(written < 100_000, "{written} entries written again");
}

#[test]
fn the_merged_manifest_has_an_end() {
    let (kept, inputs) = merged((0..6).map(|_| manifest(60)).collect(), 45_000);
    assert_eq!((kept.len(), inputs.len()), (2, 4));
}

#[test]
fn deletes_and_other_partition_specs_stay_apart() {
    let mut deletes = manifest(1);
    deletes.content = ManifestContentType::Deletes;
    let mut other = manifest(2);
    other.partition_spec_id = 1;
    let (kept, inputs) =
        merged(vec![deletes, other, manifest(3), manifest(4), manifest(5)], 1 << 20);
    assert_eq!((kept, inputs), (vec![1, 2], vec![3, 4, 5]));
}
