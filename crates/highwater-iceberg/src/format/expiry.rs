//! Which snapshots a table need not keep any longer, by its own rules.

use std::collections::{BTreeMap, HashSet};

use iceberg::spec::{MAIN_BRANCH, SnapshotReference, SnapshotRetention, TableMetadata};
use serde::Deserialize;

/// How much history a branch keeps that says nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExpiryRule {
    /// Snapshots that are older may go.
    pub(crate) max_age_ms: i64,
    /// So many of the newest stay, however old they are.
    pub(crate) min_kept: usize,
}

/// The branches and tags of a table. The `iceberg` crate shows them one by one only.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Refs {
    #[serde(default)]
    refs: BTreeMap<String, SnapshotReference>,
}

/// The snapshots of `metadata` that no rule keeps once a new one is the head of the main branch.
///
/// A tag keeps its snapshot. A branch keeps the newest ones up to the first that is both too old and
/// one too many, by its own retention before that of the table. What is on no branch goes by its age.
///
/// Source: Iceberg's specification, "Snapshot Retention Policy". References themselves never expire.
pub(crate) fn expired(
    metadata: &TableMetadata,
    refs: &Refs,
    rule: ExpiryRule,
    now_ms: i64,
) -> Vec<i64> {
    let mut kept = HashSet::new();
    let main = refs.refs.get(MAIN_BRANCH).map(|main| &main.retention);
    let mut on_main = retention(main, rule);
    // The new head is one of those that the branch keeps.
    on_main.min_kept = on_main.min_kept.saturating_sub(1);
    let main_head = metadata.current_snapshot_id();
    main_head.into_iter().for_each(|head| keep(metadata, head, on_main, now_ms, &mut kept));
    for (name, reference) in &refs.refs {
        let head = reference.snapshot_id;
        match &reference.retention {
            SnapshotRetention::Branch { .. } if name == MAIN_BRANCH => {}
            SnapshotRetention::Branch { .. } => {
                let rule = retention(Some(&reference.retention), rule);
                kept.insert(head);
                keep(metadata, head, rule, now_ms, &mut kept);
            }
            SnapshotRetention::Tag { .. } => {
                kept.insert(head);
            }
        }
    }
    let branches = refs.refs.values().filter(|reference| reference.is_branch());
    let on_branches = ancestors(metadata, main_head)
        .chain(branches.flat_map(|branch| ancestors(metadata, Some(branch.snapshot_id))));
    let on_branches: HashSet<i64> = on_branches.map(|(id, _)| id).collect();
    let stays = |id: i64, at: i64| {
        kept.contains(&id) || (!on_branches.contains(&id) && !rule.is_old(at, now_ms))
    };
    let all = metadata.snapshots().map(|it| (it.snapshot_id(), it.timestamp_ms()));
    all.filter(|(id, at)| !stays(*id, *at)).map(|(id, _)| id).collect()
}

impl ExpiryRule {
    fn is_old(self, at_ms: i64, now_ms: i64) -> bool {
        now_ms.saturating_sub(at_ms) > self.max_age_ms
    }
}

/// The rule of one branch.
fn retention(own: Option<&SnapshotRetention>, table: ExpiryRule) -> ExpiryRule {
    let Some(SnapshotRetention::Branch { min_snapshots_to_keep, max_snapshot_age_ms, .. }) = own
    else {
        return table;
    };
    let min_kept = min_snapshots_to_keep.and_then(|count| usize::try_from(count).ok());
    ExpiryRule {
        max_age_ms: max_snapshot_age_ms.unwrap_or(table.max_age_ms),
        min_kept: min_kept.unwrap_or(table.min_kept),
    }
}

/// Keeps the newest snapshots of a branch, up to the first that may go.
fn keep(
    metadata: &TableMetadata,
    head: i64,
    rule: ExpiryRule,
    now_ms: i64,
    kept: &mut HashSet<i64>,
) {
    let stays = |(place, (_, at)): &(usize, (i64, i64))| {
        *place < rule.min_kept || !rule.is_old(*at, now_ms)
    };
    let newest = ancestors(metadata, Some(head)).enumerate().take_while(stays);
    kept.extend(newest.map(|(_, (id, _))| id));
}

/// The ids and times of a snapshot and those before it that are still there.
fn ancestors(metadata: &TableMetadata, head: Option<i64>) -> impl Iterator<Item = (i64, i64)> {
    let mut seen = HashSet::new();
    let mut next = head;
    std::iter::from_fn(move || {
        // A history that bites its own tail ends where it was before.
        let id = next.take().filter(|id| seen.insert(*id))?;
        let snapshot = metadata.snapshot_by_id(id)?;
        next = snapshot.parent_snapshot_id();
        Some((id, snapshot.timestamp_ms()))
    })
}

#[cfg(test)]
mod tests;
