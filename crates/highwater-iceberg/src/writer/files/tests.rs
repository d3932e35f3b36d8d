//! Options of files, from targets as plans have them.

use highwater_parquet::{Compression, FileOptions, Profile};

use super::file_options;

fn options(settings: &str) -> FileOptions {
    let target = format!(
        r#"{{"data": "t/data", "schema_id": 0, "spec_id": 0, "fields": [], "file_bytes": 9, {settings}}}"#
    );
    file_options(&serde_json::from_str(&target).unwrap())
}

#[test]
fn files_are_written_as_their_target_says() {
    let expected = FileOptions::default()
        .with_compression(Compression::Zstd(3))
        .with_profile(Profile::Compatible)
        .with_row_group_bytes(2_000);
    let settings = r#""codec": {"zstd": 3}, "profile": "compatible", "row_group_bytes": 2000"#;
    assert_eq!(options(settings), expected);
    let settings = r#""codec": "snappy", "profile": "compact", "row_group_bytes": null"#;
    let expected =
        FileOptions::default().with_compression(Compression::Snappy).with_profile(Profile::Compact);
    assert_eq!(options(settings), expected);
}

#[test]
fn a_target_that_names_no_profile_is_compact() {
    let settings = r#""codec": {"zstd": 1}, "row_group_bytes": null"#;
    assert_eq!(options(settings), FileOptions::default().with_profile(Profile::Compact));
}
