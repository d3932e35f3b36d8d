//! Every file below testdata has a row in its catalogue.

use super::Finding;

pub(super) const PAGE: &str = "testdata/README.md";

pub(super) fn inspect(files: &[String], rows: Option<&str>, findings: &mut Vec<Finding>) {
    for path in files {
        let Some(name) = path.strip_prefix("testdata/") else { continue };
        if path == PAGE || rows.is_some_and(|rows| rows.contains(&format!("`{name}`"))) {
            continue;
        }
        findings.push(Finding {
            path: path.clone(),
            line: 1,
            rule: "test data catalogue",
            advice: format!("add a row for `{name}` to {PAGE}: schema, origin, what reads it"),
            fatal: true,
        });
    }
}
