//! Rules for Rust sources.

use super::{File, Finding};

const LONG: usize = 400;
const TOO_LONG: usize = 600;
const REQUIRED_METHODS: usize = 7;

const EMPTY_NAMES: &[&str] = &[
    "utils", "util", "common", "helpers", "misc", "types", "base", "manager", "handler", "impl",
    "inner", "prelude",
];

pub(super) fn inspect(file: &File<'_>, findings: &mut Vec<Finding>) {
    opening(file, findings);
    length(file, findings);
    names(file, findings);
    crate_root(file, findings);
    string_maps(file, findings);
    traits(file, findings);
}

fn opening(file: &File<'_>, findings: &mut Vec<Finding>) {
    if !file.text.starts_with("//! ") {
        let advice = "open the file with `//!` and a sentence on the one idea it holds";
        findings.push(file.wrong(1, "module doc", advice));
    }
}

fn length(file: &File<'_>, findings: &mut Vec<Finding>) {
    let lines = file.text.lines().count();
    if lines <= LONG || is_test(file.path) {
        return;
    }
    let advice = format!("{lines} lines, at most {LONG}: move one idea into a file of its own");
    let mut finding = file.wrong(lines, "file length", advice);
    finding.fatal = lines > TOO_LONG;
    findings.push(finding);
}

fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("/tests/") || path.contains("/benches/")
}

fn names(file: &File<'_>, findings: &mut Vec<Finding>) {
    let rule = "module names";
    if file.path.ends_with("/mod.rs") {
        let advice = "a module `foo` is `foo.rs` beside the folder `foo`";
        findings.push(file.wrong(1, rule, advice));
    }
    for part in file.path.trim_end_matches(".rs").split('/') {
        if EMPTY_NAMES.contains(&part) {
            findings.push(file.wrong(1, rule, empty_name(part)));
        }
    }
    for (number, line) in file.lines() {
        let Some((_, rest)) = line.trim_start().split_once("mod ") else { continue };
        let declares =
            line.trim_start().starts_with("mod ") || line.trim_start().starts_with("pub");
        let name = rest.trim_end_matches([' ', '{', ';']);
        if declares && EMPTY_NAMES.contains(&name) {
            findings.push(file.wrong(number, rule, empty_name(name)));
        }
    }
}

fn empty_name(name: &str) -> String {
    format!("`{name}` says nothing: name the module after the noun it is about")
}

fn crate_root(file: &File<'_>, findings: &mut Vec<Finding>) {
    let root = ["/src/lib.rs", "/src/main.rs"].iter().any(|end| file.path.ends_with(end))
        || file.path.contains("/src/bin/");
    if root && !file.text.contains("#![forbid(unsafe_code)]") {
        let advice = "add #![forbid(unsafe_code)] below the module doc";
        findings.push(file.wrong(1, "no unsafe code", advice));
    }
}

fn string_maps(file: &File<'_>, findings: &mut Vec<Finding>) {
    let map = concat!("HashMap<String", ", String>");
    let mut declaration: Option<(usize, String)> = None;
    for (number, line) in file.lines() {
        let code = line.trim();
        if declaration.is_none() && code.starts_with("pub ") {
            declaration = Some((number, String::new()));
        }
        let Some((first, text)) = &mut declaration else { continue };
        text.push_str(code);
        text.push(' ');
        if !code.ends_with(['{', '}', ';', ',']) || code.ends_with(',') && is_open(text) {
            continue;
        }
        if text.contains(map) {
            let advice = "make it a struct with a documented field for each setting";
            findings.push(file.wrong(*first, "no string maps in public", advice));
        }
        declaration = None;
    }
}

/// Whether a bracket of `text` still waits for its end, so that a trailing comma ends nothing.
fn is_open(text: &str) -> bool {
    text.matches('(').count() > text.matches(')').count()
}

fn traits(file: &File<'_>, findings: &mut Vec<Finding>) {
    let mut open: Option<Trait> = None;
    for (number, line) in file.lines() {
        let code = line.split("//").next().unwrap_or_default();
        if open.is_none() && declares_trait(code) {
            open = Some(Trait { line: number, ..Trait::default() });
        }
        let Some(current) = &mut open else { continue };
        if current.read(code) {
            if current.methods > REQUIRED_METHODS {
                let advice = format!(
                    "{} required methods, at most {REQUIRED_METHODS}: split it by who calls it, \
                     or move conveniences to an extension trait",
                    current.methods
                );
                findings.push(file.wrong(current.line, "trait size", advice));
            }
            open = None;
        }
    }
}

fn declares_trait(code: &str) -> bool {
    let code = code.trim_start();
    let visible = code.strip_prefix("pub(crate) ").or_else(|| code.strip_prefix("pub "));
    visible.unwrap_or(code).starts_with("trait ")
}

/// A trait while its lines are read.
#[derive(Default)]
struct Trait {
    line: usize,
    depth: usize,
    brackets: usize,
    begun: bool,
    methods: usize,
    in_method: bool,
}

impl Trait {
    /// Takes one line; true when the trait has ended.
    fn read(&mut self, code: &str) -> bool {
        let starts = code.trim_start();
        if self.depth == 1 && (starts.starts_with("fn ") || starts.starts_with("async fn ")) {
            self.in_method = true;
        }
        for character in code.chars() {
            match character {
                '{' => {
                    self.depth += 1;
                    self.begun = true;
                    // A body makes it a provided method.
                    self.in_method = false;
                }
                '}' => self.depth = self.depth.saturating_sub(1),
                '[' | '(' => self.brackets += 1,
                ']' | ')' => self.brackets = self.brackets.saturating_sub(1),
                ';' if self.depth == 1 && self.brackets == 0 && self.in_method => {
                    self.methods += 1;
                    self.in_method = false;
                }
                _ => {}
            }
        }
        self.begun && self.depth == 0
    }
}
