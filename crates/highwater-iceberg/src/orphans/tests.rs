//! Names that are ours, and names that are not.

use super::*;

#[test]
fn manifests_are_known_by_their_names() {
    let nonce = "2f8c0f0a-0000-4000-8000-00000000000a";
    for name in [
        format!("snap-123-1-{nonce}.avro"),
        format!("{nonce}-m0.avro"),
        format!("{nonce}-m2-merged.avro"),
    ] {
        assert!(is_manifest(&name), "{name}");
    }
    for name in [
        "v1.metadata.json".to_owned(),
        "version-hint.text".to_owned(),
        format!("snap-123-{nonce}.avro"),
        format!("{nonce}.avro"),
        format!("{nonce}-m0.json"),
        "optimized-m-0.avro".to_owned(),
    ] {
        assert!(!is_manifest(&name), "{name}");
    }
}
