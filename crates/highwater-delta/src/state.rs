//! A version of a table, as far as an append has to know it.

use std::collections::BTreeMap;

use crate::actions::{Commit, Metadata, Protocol};

/// What the log says up to a version.
#[derive(Clone, Debug)]
pub(crate) struct TableState {
    pub(crate) version: u64,
    pub(crate) protocol: Protocol,
    pub(crate) metadata: Metadata,
    /// The number that each application left last.
    pub(crate) txns: BTreeMap<String, i64>,
}

impl TableState {
    /// Goes on to the next version, which is made by `commit`.
    pub(crate) fn apply(&mut self, commit: &Commit) {
        self.version = self.version.saturating_add(1);
        if let Some(protocol) = &commit.protocol {
            self.protocol = protocol.clone();
        }
        if let Some(metadata) = &commit.metadata {
            self.metadata = metadata.clone();
        }
        let txns = commit.txns.iter().map(|txn| (txn.app_id.clone(), txn.version));
        self.txns.extend(txns);
    }
}
