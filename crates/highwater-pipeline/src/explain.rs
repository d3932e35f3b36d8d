//! The logical plan for people and for programs.

use std::fmt::Write as _;
use std::sync::Arc;

use highwater_core::{Output, StateBound};
use serde_json::{Value, json};

use crate::Plan;
use crate::graph::{Node, NodeKind, Tap};

pub(crate) fn text(plan: &Plan) -> String {
    let mut out = format!("pipeline {}\n", plan.name());
    for (_, node) in plan.graph().nodes() {
        let from: Vec<_> = node.inputs.iter().map(|tap| tap_name(plan, *tap)).collect();
        let from = if from.is_empty() { String::new() } else { format!(" <- {}", from.join(", ")) };
        let columns = match &node.kind {
            NodeKind::Source(_) => format!(" ({})", columns(node).join(", ")),
            _ => String::new(),
        };
        // Writing to a String cannot fail.
        let _written =
            writeln!(out, "  {} {}{from}: {}{columns}", kind(node), node.name, settings(node));
        if let Some(bound) = bound(node) {
            let _written = writeln!(out, "    keeps {bound}");
        }
    }
    if let Some((_, primary, ..)) = plan.graph().sinks().first() {
        let _written = writeln!(out, "  primary sink: {primary}");
    }
    out
}

pub(crate) fn json(plan: &Plan) -> Value {
    let nodes: Vec<_> = plan
        .graph()
        .nodes()
        .map(|(_, node)| {
            let inputs: Vec<_> = node.inputs.iter().map(|tap| tap_name(plan, *tap)).collect();
            let mut shown = json!({
                "name": node.name.as_str(),
                "kind": kind(node),
                "settings": settings(node),
                "inputs": inputs,
                "columns": columns(node),
            });
            if let (Some(bound), Some(shown)) = (bound(node), shown.as_object_mut()) {
                shown.insert("state".to_owned(), bound.into());
            }
            shown
        })
        .collect();
    let sinks: Vec<_> = plan.graph().sinks().iter().map(|(_, name, ..)| name.as_str()).collect();
    json!({
        "pipeline": plan.name().as_str(),
        "fingerprint": plan.fingerprint().to_string(),
        "nodes": nodes,
        "commitOrder": sinks,
    })
}

pub(crate) fn mermaid(plan: &Plan) -> String {
    let mut out = "flowchart LR\n".to_owned();
    for (id, node) in plan.graph().nodes() {
        let _written = writeln!(out, "  n{}[\"{} {}\"]", id.0, kind(node), node.name);
    }
    for (id, node) in plan.graph().nodes() {
        for tap in &node.inputs {
            let label = side(plan, *tap).map(|side| format!("|{side}|")).unwrap_or_default();
            let _written = writeln!(out, "  n{} -->{label} n{}", tap.node.0, id.0);
        }
    }
    out
}

fn kind(node: &Node) -> &'static str {
    match &node.kind {
        NodeKind::Source(_) => "source",
        NodeKind::Step(step, _) => step.describe().kind,
        NodeKind::Sink { .. } => "sink",
    }
}

fn settings(node: &Node) -> String {
    match &node.kind {
        NodeKind::Source(source) => source.describe(),
        NodeKind::Step(step, _) => step.describe().settings,
        NodeKind::Sink { sink, .. } => sink.describe(),
    }
}

/// What a step keeps, and why that cannot grow for ever.
fn bound(node: &Node) -> Option<String> {
    let NodeKind::Step(_, resolved) = &node.kind else { return None };
    resolved.state().map(|bound| match bound {
        StateBound::Time { micros } => {
            let seconds = micros / 1_000_000;
            format!("rows until the watermark is {seconds} s past their time")
        }
        StateBound::Keys => "one row for each key, for ever".to_owned(),
    })
}

/// Columns as `name type`, with a question mark behind those that may be null.
fn columns(node: &Node) -> Vec<String> {
    let schema = match &node.kind {
        NodeKind::Source(source) => source.output().schema,
        NodeKind::Step(_, resolved) => Arc::clone(&resolved.output().schema),
        NodeKind::Sink { input, .. } => Arc::clone(&input.schema),
    };
    let column = |field: &arrow::datatypes::FieldRef| {
        let null = if field.is_nullable() { "?" } else { "" };
        format!("{} {}{null}", field.name(), field.data_type())
    };
    schema.fields().iter().map(column).collect()
}

fn tap_name(plan: &Plan, tap: Tap) -> String {
    let name = plan.graph().node(tap.node).map_or("?", |node| node.name.as_str());
    side(plan, tap).map_or_else(|| name.to_owned(), |side| format!("{name}.{side}"))
}

fn side(plan: &Plan, tap: Tap) -> Option<String> {
    let Output::Side(side) = tap.output else { return None };
    match &plan.graph().node(tap.node)?.kind {
        NodeKind::Step(_, resolved) => {
            resolved.sides().get(side).map(|side| side.name.as_str().to_owned())
        }
        _ => Some("rejected".to_owned()),
    }
}
