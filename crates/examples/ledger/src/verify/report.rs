//! What `verify` found, as one JSON object.

use std::collections::BTreeMap;

use highwater_cli::{Failure, TableContents};
use highwater_core::{Epoch, Name, Positions};
use serde::Serialize;

use super::tables::Tables;

/// How many violations are listed; the others are counted.
const LISTED: usize = 20;

/// What was found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    table: String,
    rows: u64,
    distinct_ids: usize,
    distinct_hashes: usize,
    null_amounts: u64,
    non_positive_amounts: u64,
    /// Absent when the table does not say where its rows came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    repeated_offsets: Option<u64>,
    rejected: u64,
    /// Absent when nothing says that the ledger has a table of late rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    late: Option<u64>,
    snapshots: Snapshots,
    last_epoch: Option<Epoch>,
    /// How far any of the tables has come.
    positions: BTreeMap<Name, Positions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<Against>,
    violations: Vec<String>,
    #[serde(skip_serializing_if = "is_zero")]
    more_violations: usize,
}

#[derive(Debug, Serialize)]
struct Snapshots {
    ledger: u64,
    rejected: u64,
}

/// What the source says.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Against {
    pub(super) records: u64,
    pub(super) rows: u64,
    pub(super) rejected: u64,
    /// Those that are neither, because a row of their id is there; absent where none may be missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duplicates: Option<u64>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Report {
    /// What the tables say by themselves.
    pub(super) fn new(
        table: &str,
        written: &[TableContents],
        rejected: &TableContents,
        tables: &Tables,
    ) -> Result<Self, Failure> {
        let mut markers = rejected.markers()?;
        for table in written {
            markers.extend(table.markers()?);
        }
        let mut report = Self {
            table: table.to_owned(),
            rows: tables.rows,
            distinct_ids: tables.ids.len(),
            distinct_hashes: tables.hashes.len(),
            null_amounts: tables.null_amounts,
            non_positive_amounts: tables.non_positive_amounts,
            repeated_offsets: tables.repeated_places,
            rejected: tables.rejected.values().sum(),
            late: tables.late,
            snapshots: Snapshots {
                ledger: written.first().map_or(0, TableContents::snapshots),
                rejected: rejected.snapshots(),
            },
            last_epoch: markers.iter().map(|marker| marker.id.epoch).max(),
            positions: BTreeMap::new(),
            against: None,
            violations: Vec::new(),
            more_violations: 0,
        };
        for (name, positions) in markers
            .iter()
            .filter_map(|marker| marker.plan.as_ref())
            .flat_map(|plan| plan.positions())
        {
            report.reach(name, &positions);
        }
        report.count(tables.repeated_places.unwrap_or(0), "rows came from an offset twice");
        for ((topic, partition, offset), times) in &tables.rejected {
            if *times > 1 {
                report.violate(format!(
                    "{topic}/{partition} offset {offset} was rejected {times} times"
                ));
            }
        }
        Ok(report)
    }

    /// Notes the amounts that no row has by strict rules.
    pub(super) fn check_amounts(&mut self, tables: &Tables) {
        self.count(tables.null_amounts, "rows have no amount");
        self.count(tables.non_positive_amounts, "rows have an amount that is not positive");
    }

    /// Notes that a table has come as far as `positions`.
    fn reach(&mut self, name: Name, positions: &Positions) {
        let furthest = self.positions.entry(name).or_default();
        for (partition, position) in positions.iter() {
            if furthest.get(partition).is_none_or(|other| other.next < position.next) {
                furthest.set(partition.clone(), position.clone());
            }
        }
    }

    /// How far the tables have come in the only source.
    pub(super) fn furthest(&self) -> Positions {
        self.positions.values().next().cloned().unwrap_or_default()
    }

    /// Whether any epoch was committed.
    pub(super) fn has_epochs(&self) -> bool {
        self.last_epoch.is_some()
    }

    /// Notes so many violations of one kind as one.
    pub(super) fn count(&mut self, count: u64, what: &str) {
        if count > 0 {
            self.violate(format!("{count} {what}"));
        }
    }

    /// Notes a violation.
    pub(super) fn violate(&mut self, what: String) {
        if self.violations.len() < LISTED {
            self.violations.push(what);
        } else {
            self.more_violations += 1;
        }
    }

    /// Notes what the source says.
    pub(super) fn compared(&mut self, against: Against) {
        self.against = Some(against);
    }

    /// How many violations there are.
    pub(super) fn violations(&self) -> usize {
        self.violations.len() + self.more_violations
    }
}
