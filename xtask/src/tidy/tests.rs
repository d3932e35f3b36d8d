//! Each rule on a file that keeps it and on one that breaks it.

use super::*;

fn rules_broken(path: &str, text: &str) -> Vec<(usize, &'static str, bool)> {
    let mut findings = Vec::new();
    inspect(&File { path, text }, &mut findings);
    findings.iter().map(|finding| (finding.line, finding.rule, finding.fatal)).collect()
}

fn source(body: &str) -> String {
    format!("//! One idea.\n{body}")
}

#[test]
fn a_clean_file_passes() {
    let text = source("#![forbid(unsafe_code)]\n\npub fn f(map: &BTreeMap<u8, u8>) {}\n");
    assert_eq!(rules_broken("crates/a/src/lib.rs", &text), []);
}

#[test]
fn a_message_names_place_rule_and_advice() {
    let mut findings = Vec::new();
    inspect(&File { path: "crates/a/src/b.rs", text: "fn f() {}\n" }, &mut findings);
    assert_eq!(
        findings[0].to_string(),
        "crates/a/src/b.rs:1: error: module doc: open the file with `//!` and a sentence on the one \
         idea it holds"
    );
}

#[test]
fn long_files_warn_and_then_fail() {
    let lines = |count: usize| source(&"// line\n".repeat(count - 1));
    assert_eq!(rules_broken("crates/a/src/b.rs", &lines(400)), []);
    assert_eq!(rules_broken("crates/a/src/b.rs", &lines(401)), [(401, "file length", false)]);
    assert_eq!(rules_broken("crates/a/src/b.rs", &lines(601)), [(601, "file length", true)]);
    assert_eq!(rules_broken("crates/a/src/b/tests.rs", &lines(601)), []);
    assert_eq!(rules_broken("crates/a/tests/it/b.rs", &lines(601)), []);
}

#[test]
fn empty_names_are_refused() {
    let rule = "module names";
    assert_eq!(rules_broken("crates/a/src/util.rs", &source("")), [(1, rule, true)]);
    assert_eq!(rules_broken("crates/a/src/b/mod.rs", &source("")), [(1, rule, true)]);
    let inline = source("pub(crate) mod helpers {\n}\n");
    assert_eq!(rules_broken("crates/a/src/b.rs", &inline), [(2, rule, true)]);
    assert_eq!(rules_broken("crates/a/src/b.rs", &source("mod handlers_of_x;\n")), []);
}

#[test]
fn crate_roots_forbid_unsafe_code() {
    let broken = rules_broken("crates/a/src/main.rs", &source("fn main() {}\n"));
    assert_eq!(broken, [(1, "no unsafe code", true)]);
}

#[test]
fn string_maps_stay_private() {
    let map = concat!("HashMap<String", ", String>");
    let private = source(&format!("fn f(map: {map}) {{}}\n"));
    assert_eq!(rules_broken("crates/a/src/b.rs", &private), []);
    let rule = "no string maps in public";
    let public = source(&format!("pub fn f(\n    a: u8,\n    map: {map},\n) -> u8 {{\n}}\n"));
    assert_eq!(rules_broken("crates/a/src/b.rs", &public), [(2, rule, true)]);
    let field = source(&format!("struct A {{\n    pub map: {map},\n}}\n"));
    assert_eq!(rules_broken("crates/a/src/b.rs", &field), [(3, rule, true)]);
}

#[test]
fn large_traits_are_refused() {
    let provided = "    fn p(&self) -> u8 {\n        let a = 1;\n        a\n    }\n";
    let of = |required: usize| {
        let methods = "    fn r(\n        &self,\n    ) -> [u8; 4];\n".repeat(required);
        source(&format!("pub trait T {{\n{methods}{provided}{provided}}}\n"))
    };
    assert_eq!(rules_broken("crates/a/src/b.rs", &of(7)).len(), 0);
    assert_eq!(rules_broken("crates/a/src/b.rs", &of(8)), [(2, "trait size", true)]);
}

#[test]
fn manifests_inherit_lints() {
    let with = "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n";
    assert_eq!(rules_broken("crates/a/Cargo.toml", with), []);
    let without = "[package]\nname = \"a\"\nversion.workspace = true\n";
    assert_eq!(rules_broken("crates/a/Cargo.toml", without), [(1, "workspace lints", true)]);
}

#[test]
fn places_hosts_and_history_are_refused_everywhere() {
    let place = format!("See {}project/notes.", concat!("/ho", "me/"));
    assert_eq!(rules_broken("docs/a.md", &place), [(1, "no absolute paths", true)]);
    let inside = format!("below $X{} and {}lib", concat!("/wo", "rk/"), concat!("s3/ro", "ot/"));
    assert_eq!(rules_broken("docs/a.md", &inside), []);
    let host = format!("pip install --index-url https://{}/simple", concat!("pypi", ".org"));
    assert_eq!(rules_broken("a.sh", &host), [(1, "no registry hosts", true)]);
    let history = format!("first line\nFixes {}12.\n", concat!("Iss", "ue #"));
    assert_eq!(rules_broken("docs/a.md", &history), [(2, "no history", true)]);
    assert_eq!(rules_broken("Cargo.lock", &host), []);
}

#[test]
fn test_data_is_catalogued() {
    let files = ["testdata/README.md", "testdata/json/a.jsonl", "testdata/json/b.jsonl"];
    let files: Vec<String> = files.into_iter().map(str::to_owned).collect();
    let mut findings = Vec::new();
    catalogue::inspect(&files, Some("| `json/a.jsonl` | made by hand |"), &mut findings);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].path, "testdata/json/b.jsonl");
}
