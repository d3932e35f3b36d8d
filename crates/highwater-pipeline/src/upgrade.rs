//! What another version of a pipeline would make of the state that is saved.

use std::collections::BTreeMap;
use std::fmt;

use highwater_checkpoint::{Log, compare_steps};
use highwater_core::{Epoch, Name, Result};
use highwater_storage::Storage;

pub use highwater_checkpoint::Fit;

use crate::recover::check_owner;
use crate::{Plan, state};

/// What becomes of saved state when this pipeline goes on from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upgrade {
    /// The last epoch that was prepared; none when the checkpoint is empty, so that anything fits.
    pub after: Option<Epoch>,
    /// Each step that keeps state, or kept it then.
    pub steps: BTreeMap<Name, Fit>,
}

impl Upgrade {
    /// Whether a start would be refused.
    pub fn is_refused(&self) -> bool {
        self.steps.values().any(|fit| matches!(fit, Fit::Refuse { .. }))
    }
}

/// One line for each step.
impl fmt::Display for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.after {
            None => writeln!(f, "the checkpoint is empty: the pipeline begins anew")?,
            Some(after) if self.steps.is_empty() => {
                writeln!(f, "no step keeps state; the pipeline goes on after epoch {after}")?;
            }
            Some(after) => writeln!(f, "state behind epoch {after}:")?,
        }
        self.steps.iter().try_for_each(|(step, fit)| match fit {
            Fit::Compatible => writeln!(f, "  {step}: compatible"),
            Fit::Migrate { table, from, to } => {
                writeln!(f, "  {step}: migrate table {table} from form {from} to {to}, by itself")
            }
            Fit::Refuse { then, today } => {
                writeln!(f, "  {step}: refuse; it kept {then}, and today it keeps {today}")
            }
        })
    }
}

impl Plan {
    /// Says what would become of the state in `checkpoint` if this pipeline went on from it. Contacts
    /// nothing else, and changes nothing.
    ///
    /// # Errors
    /// `Refused` when it is the checkpoint of another pipeline; what the storage reports.
    pub async fn check_upgrade(&self, checkpoint: &Storage) -> Result<Upgrade> {
        let today = state::declared(self.graph())?;
        let log = Log::new(checkpoint.clone());
        let Some(head) = log.newest().await? else { return Ok(Upgrade::default()) };
        check_owner(&log, &head, self.name())?;
        let saved = head.record.state.unwrap_or_default().steps;
        let after = Some(head.record.id.epoch);
        Ok(Upgrade { after, steps: compare_steps(&saved, &today) })
    }
}
