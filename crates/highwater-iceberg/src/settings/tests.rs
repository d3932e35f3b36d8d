//! Properties as other engines spell them.

use std::collections::HashMap;
use std::time::Duration;

use highwater_core::Patience;

use super::{MergeRule, Settings};
use crate::error::IcebergError;
use crate::format::ExpiryRule;
use crate::target::{Codec, Profile};

fn settings(properties: &[(&str, &str)]) -> Result<Settings, IcebergError> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let properties: HashMap<_, _> = properties.iter().map(owned).collect();
    Settings::of("t", &properties)
}

#[test]
fn a_table_that_says_nothing_gets_the_defaults_of_iceberg() {
    let expected = Settings {
        codec: Codec::Zstd(1),
        profile: Profile::Compact,
        file_bytes: 512 << 20,
        row_group_bytes: None,
        patience: Patience::default(),
        merge: Some(MergeRule { count: 100, bytes: 8 << 20 }),
        deletes_metadata: false,
        expiry: None,
    };
    assert_eq!(settings(&[]).unwrap(), expected);
}

#[test]
fn what_a_table_says_is_done() {
    let settings = settings(&[
        ("write.parquet.compression-codec", "ZSTD"),
        ("write.parquet.compression-level", "3"),
        ("write.parquet.profile", "Compatible"),
        ("write.target-file-size-bytes", "1000000"),
        ("write.parquet.row-group-size-bytes", "2000"),
        ("commit.retry.num-retries", "3"),
        ("commit.retry.min-wait-ms", "10"),
        ("commit.retry.max-wait-ms", "20"),
        ("commit.retry.total-timeout-ms", "3000"),
        ("commit.manifest-merge.enabled", "false"),
        ("write.metadata.delete-after-commit.enabled", "true"),
        ("write.metadata.previous-versions-max", "7"),
        ("highwater.expire-after-commit.enabled", "true"),
        ("history.expire.max-snapshot-age-ms", "60000"),
        ("read.split.target-size", "whatever"),
    ]);
    let expected = Settings {
        patience: Patience {
            attempts: 4,
            first_pause: Duration::from_millis(10),
            longest_pause: Duration::from_millis(20),
            in_all: Duration::from_secs(3),
        },
        codec: Codec::Zstd(3),
        profile: Profile::Compatible,
        file_bytes: 1_000_000,
        row_group_bytes: Some(2_000),
        merge: None,
        deletes_metadata: true,
        expiry: Some(ExpiryRule { max_age_ms: 60_000, min_kept: 1 }),
    };
    assert_eq!(settings.unwrap(), expected);
}

#[test]
fn codecs_that_are_not_there_are_not_guessed() {
    let codec = |name| settings(&[("write.parquet.compression-codec", name)]);
    assert_eq!(codec("snappy").unwrap().codec, Codec::Snappy);
    assert_eq!(codec("none").unwrap().codec, Codec::Uncompressed);
    assert!(matches!(codec("gzip"), Err(IcebergError::Property { .. })));
}

#[test]
fn profiles_that_are_not_there_are_not_guessed() {
    let profile = |name| settings(&[("write.parquet.profile", name)]);
    assert_eq!(profile("compact").unwrap().profile, Profile::Compact);
    assert!(matches!(profile("delta"), Err(IcebergError::Property { .. })));
}

#[test]
fn other_ways_of_keeping_a_table_are_refused() {
    let ways = [
        ("write.metadata.compression-codec", "gzip"),
        ("write.metadata.path", "/elsewhere"),
        ("encryption.key-id", "k"),
    ];
    for way in ways {
        assert!(matches!(settings(&[way]), Err(IcebergError::Feature { .. })), "{way:?}");
    }
    settings(&[("write.metadata.compression-codec", "none")]).unwrap();
}
