//! What `verify` found, as one JSON object.

use highwater_core::{Epoch, Result};
use serde::Serialize;

use super::tables::Tables;
use crate::query::{Names, Query};

/// How many violations are listed; the others are counted.
const LISTED: usize = 20;

/// What was found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    table: String,
    query: &'static str,
    /// Of the main table.
    pub(super) rows: u64,
    rejected: u64,
    /// Absent when nothing says that events that came too late were kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    late: Option<u64>,
    /// The events of the source whose user is not in the table of users. Absent when none were joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) without_user: Option<u64>,
    /// The last epoch that the main table holds rows of.
    last_epoch: Option<Epoch>,
    pub(super) against: Against,
    violations: Vec<String>,
    #[serde(skip_serializing_if = "is_zero")]
    more_violations: usize,
}

/// What the source says.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Against {
    pub(super) records: u64,
    pub(super) rows: u64,
    pub(super) rejected: u64,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Report {
    /// What the tables say by themselves.
    pub(super) fn new(query: Query, names: &Names, tables: &Tables) -> Result<Self> {
        let epochs = tables.main.markers()?.into_iter().map(|marker| marker.id.epoch);
        Ok(Self {
            table: names.main.clone(),
            query: query.name(),
            rows: 0,
            rejected: tables.rejected.values().sum(),
            late: tables.late.as_ref().map(|late| late.values().sum()),
            without_user: None,
            last_epoch: epochs.max(),
            against: Against::default(),
            violations: Vec::new(),
            more_violations: 0,
        })
    }

    /// Notes a violation.
    pub(super) fn violate(&mut self, what: String) {
        if self.violations.len() < LISTED {
            self.violations.push(what);
        } else {
            self.more_violations += 1;
        }
    }

    /// How many violations there are.
    pub(super) fn violations(&self) -> usize {
        self.violations.len() + self.more_violations
    }
}
