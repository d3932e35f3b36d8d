//! What the manifest of every member must say.

use super::{File, Finding};

pub(super) fn inspect(file: &File<'_>, findings: &mut Vec<Finding>) {
    let mut section = "";
    let mut inherits = false;
    for (_, line) in file.lines() {
        let line = line.trim();
        if line.starts_with('[') {
            section = line;
        }
        inherits |= section == "[lints]" && line.replace(' ', "") == "workspace=true";
    }
    if !inherits {
        let advice = "add [lints] with workspace = true: lints are the same everywhere";
        findings.push(file.wrong(1, "workspace lints", advice));
    }
}
