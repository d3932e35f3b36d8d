//! Paths as the log has them.

use super::*;

#[test]
fn paths_in_a_log_are_urls() {
    for (url, path) in [
        ("a/b.parquet", "a/b.parquet"),
        ("c=a%252Fb/x", "c=a%2Fb/x"),
        ("c=Zo%C3%AB/x", "c=Zoë/x"),
        ("100%", "100%"),
        ("%zz%2", "%zz%2"),
        ("%ff", "%ff"),
        ("%é", "%é"),
    ] {
        assert_eq!(decoded(url), path);
    }
}
