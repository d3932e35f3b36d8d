//! `cargo xtask layers`: which crate may depend on which, and the graph in docs/ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use crate::{step, workspace};

#[cfg(test)]
mod tests;

#[derive(Args)]
pub(crate) struct Options {
    /// Write the graph into docs/ARCHITECTURE.md
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    step::print(&check(options.write)?)
}

/// What a crate may depend on, besides what its own dependencies bring.
enum Below {
    Only(&'static [&'static str]),
    Anything,
}

/// One line a crate. Two operators, two tables, or a source and a table never see each other.
const LAYERS: &[(&str, Below)] = &[
    ("core", Below::Only(&[])),
    ("codec", Below::Only(&["core"])),
    ("state", Below::Only(&["core"])),
    ("dedupe", Below::Only(&["core", "state"])),
    ("join", Below::Only(&["core"])),
    ("storage", Below::Only(&["core"])),
    ("window", Below::Only(&["core", "state"])),
    ("checkpoint", Below::Only(&["core", "storage"])),
    ("parquet", Below::Only(&["core", "storage"])),
    ("delta", Below::Only(&["core", "parquet", "storage"])),
    ("iceberg", Below::Only(&["core", "parquet", "storage"])),
    ("kafka", Below::Only(&["codec", "core"])),
    ("files", Below::Only(&["codec", "core"])),
    ("datagen", Below::Only(&["codec", "core"])),
    ("registry", Below::Only(&["codec", "core", "storage"])),
    ("pipeline", Below::Only(&["checkpoint", "core", "state", "storage"])),
    ("select", Below::Only(&["core", "pipeline"])),
    ("timely", Below::Only(&["core", "pipeline"])),
    (TESTKIT, Below::Only(&["checkpoint", "codec", "core", "pipeline", "state", "storage"])),
    ("cli", Below::Anything),
    ("highwater", Below::Anything),
];

/// Nothing may depend on these, examples excepted.
const TOPS: &[&str] = &["cli", "highwater", TESTKIT];

/// Libraries that a crate must not name at all.
const WITHOUT: &[(&str, &[&str])] =
    &[("core", &["chrono", "object_store", "tokio", "tracing", "uuid"])];

const TESTKIT: &str = "testkit";

const GRAPH_FILE: &str = "docs/ARCHITECTURE.md";
const GRAPH_BEGIN: &str = "<!-- layers: written by `cargo xtask layers --write` -->\n";
const GRAPH_END: &str = "<!-- /layers -->\n";

/// Edges between members by their short names, and what each takes from outside.
#[derive(Default)]
struct Graph {
    edges: BTreeMap<String, BTreeSet<String>>,
    only_in_tests: BTreeMap<String, BTreeSet<String>>,
    outside: BTreeMap<String, BTreeSet<String>>,
    examples: BTreeSet<String>,
}

/// Checks the table and the page, and returns the graph.
pub(crate) fn check(write: bool) -> Result<String> {
    let graph = read(&workspace::metadata()?)?;
    let wrong = violations(&graph);
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    let drawn = draw(&graph);
    let path = workspace::root()?.join(GRAPH_FILE);
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {GRAPH_FILE}"))?;
    let wanted = with_graph(&page, &drawn)?;
    if page != wanted {
        if !write {
            bail!("the graph in {GRAPH_FILE} is out of date: run `cargo xtask layers --write`");
        }
        fs::write(&path, wanted).with_context(|| format!("cannot write {GRAPH_FILE}"))?;
    }
    Ok(drawn)
}

fn short(package: &str) -> &str {
    package.strip_prefix("highwater-").unwrap_or(package)
}

fn read(metadata: &Value) -> Result<Graph> {
    let packages = metadata.get("packages").and_then(Value::as_array);
    let mut graph = Graph::default();
    for package in packages.context("cargo metadata lists no packages")? {
        let name = text(package, "name")?;
        if name == "xtask" {
            continue;
        }
        if text(package, "manifest_path")?.contains("/crates/examples/") {
            graph.examples.insert(name.to_owned());
        }
        let used = graph.edges.entry(short(name).to_owned()).or_default();
        let tested = graph.only_in_tests.entry(short(name).to_owned()).or_default();
        let outside = graph.outside.entry(short(name).to_owned()).or_default();
        let dependencies = package.get("dependencies").and_then(Value::as_array);
        for dependency in dependencies.context("a package lists no dependencies")? {
            let on = text(dependency, "name")?;
            let in_tests = dependency.get("kind").and_then(Value::as_str) == Some("dev");
            let member = dependency.get("path").is_some_and(|path| !path.is_null());
            match (member, in_tests) {
                (true, false) => used.insert(short(on).to_owned()),
                (true, true) => tested.insert(short(on).to_owned()),
                (false, false) => outside.insert(on.to_owned()),
                (false, true) => true,
            };
        }
    }
    Ok(graph)
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value.get(key).and_then(Value::as_str).with_context(|| format!("cargo metadata without {key}"))
}

fn violations(graph: &Graph) -> Vec<String> {
    let mut wrong = Vec::new();
    for (from, dependencies) in &graph.edges {
        let Some(below) = below(graph, from) else {
            wrong.push(format!(
                "crates/highwater-{from} has no layer: give it a line in xtask/src/layers.rs"
            ));
            continue;
        };
        let allowed = |to: &str| match below {
            Below::Only(list) => list.contains(&to),
            Below::Anything => !TOPS.contains(&to) || graph.examples.contains(from),
        };
        for to in dependencies.iter().filter(|to| !allowed(to)) {
            wrong.push(format!(
                "{from} must not depend on {to}: move what it needs below both, or let the \
                 builder pass it as a trait object (table in xtask/src/layers.rs)"
            ));
        }
        // A test may use the testkit and name what its harness is given, such as a pipeline; the
        // testkit's own tests may use what they test it on.
        let in_tests = graph.only_in_tests.get(from).into_iter().flatten();
        for to in in_tests.filter(|to| !allowed(to) && !by_testkit(to) && from != TESTKIT) {
            wrong.push(format!("the tests of {from} must not depend on {to}: use the testkit"));
        }
    }
    for (from, banned) in WITHOUT {
        let outside = graph.outside.get(*from).into_iter().flatten();
        for to in outside.filter(|to| banned.contains(&to.as_str())) {
            wrong.push(format!("{from} must not depend on {to}: it does no I/O and has no clock"));
        }
    }
    wrong
}

/// Whether this is the testkit, or something it may use.
fn by_testkit(to: &str) -> bool {
    let line = LAYERS.iter().find(|(name, _)| *name == TESTKIT);
    to == TESTKIT || matches!(line, Some((_, Below::Only(list))) if list.contains(&to))
}

fn below(graph: &Graph, name: &str) -> Option<&'static Below> {
    if graph.examples.contains(name) {
        return Some(&Below::Anything);
    }
    LAYERS.iter().find(|(known, _)| *known == name).map(|(_, below)| below)
}

/// The graph in Mermaid, without edges that a longer path implies.
fn draw(graph: &Graph) -> String {
    let mut drawn = String::from("```mermaid\nflowchart TD\n");
    for (from, dependencies) in &graph.edges {
        for to in dependencies {
            let implied = dependencies.iter().any(|via| via != to && reaches(graph, via, to));
            if !implied {
                drawn.push_str(&format!("    {from} --> {to}\n"));
            }
        }
    }
    drawn.push_str("```\n");
    drawn
}

fn reaches(graph: &Graph, from: &str, to: &str) -> bool {
    let next = graph.edges.get(from).into_iter().flatten();
    next.into_iter().any(|step| step == to || reaches(graph, step, to))
}

fn with_graph(page: &str, drawn: &str) -> Result<String> {
    let parts = page.split_once(GRAPH_BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(GRAPH_END)?;
        Some(format!("{before}{GRAPH_BEGIN}{drawn}{GRAPH_END}{after}"))
    });
    parts.with_context(|| {
        format!("{GRAPH_FILE} has no place for the graph: add {GRAPH_BEGIN:?} and {GRAPH_END:?}")
    })
}
