//! Words that no file may hold: places of one machine, hosts of package registries, how the work was done.

use super::{File, Finding};

/// Spelled in two halves, so that this file passes its own rule.
const PLACES: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/tmp/", "w/"),
];

const HOSTS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("repo1.maven", ".org"),
    concat!("repo.maven", ".apache.org"),
    concat!("proxy.golang", ".org"),
    concat!("registry.npmjs", ".org"),
];

const WORK: &[&str] = &[
    concat!("iss", "ue #"),
    concat!("this ses", "sion"),
    concat!("last ses", "sion"),
    concat!("next ses", "sion"),
    concat!("previous ses", "sion"),
    concat!("earlier ses", "sion"),
    concat!("coding ag", "ent"),
    concat!("language mo", "del"),
    concat!("clau", "de"),
    concat!("chat", "gpt"),
    concat!("copi", "lot"),
];

pub(super) fn inspect(file: &File<'_>, findings: &mut Vec<Finding>) {
    for (number, line) in file.lines() {
        if let Some(place) = PLACES.iter().find(|place| starts_a_path(line, place)) {
            let advice = format!("{place} is a place of one machine: derive it at run time");
            findings.push(file.wrong(number, "no absolute paths", advice));
        }
        let lower = line.to_lowercase();
        if let Some(host) = HOSTS.iter().find(|host| lower.contains(*host)) {
            let advice = format!("{host} is left to the settings of each tool: name the tool");
            findings.push(file.wrong(number, "no registry hosts", advice));
        }
        if let Some(word) = WORK.iter().find(|word| lower.contains(*word)) {
            let advice = format!("{word:?} tells how the work was done: say what holds now");
            findings.push(file.wrong(number, "no history", advice));
        }
    }
}

/// Whether `place` stands in `line` as the beginning of a path, not in the middle of one or of a URL.
fn starts_a_path(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | '>'))
    })
}
