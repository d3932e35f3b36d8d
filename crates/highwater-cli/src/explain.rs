//! A pipeline shown without a start, as `explain` does.

use std::io::Write as _;

use clap::ValueEnum;
use highwater_pipeline::Plan;

use crate::Failure;

/// How a pipeline is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    /// A line for each source, step and sink
    Text,
    /// A JSON object
    Json,
    /// A Mermaid flow chart
    Mermaid,
}

/// Writes a pipeline to standard output. Contacts nothing.
///
/// # Errors
/// When nobody takes the output.
pub fn explain(plan: &Plan, format: ExplainFormat) -> Result<(), Failure> {
    let text = match format {
        ExplainFormat::Text => plan.explain(),
        ExplainFormat::Json => format!("{:#}\n", plan.explain_json()),
        ExplainFormat::Mermaid => plan.explain_mermaid(),
    };
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    written.map_err(|source| Failure::Io { action: "write to standard output".to_owned(), source })
}
