//! Places where a test may make a run fail or die. Outside of tests they do nothing.

use std::fmt;
use std::sync::Arc;

use crate::Result;

/// A part of the life of an epoch, to sort failpoints by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Planning, reading, decoding, computing and encoding.
    Read,
    /// Closing staged files and writing the record that decides.
    Prepare,
    /// The swap of each table.
    Commit,
    /// What follows a commit and may be left out.
    Finish,
    /// Finding out at a start what the last run did.
    Recover,
    /// What steps keep: restoring, saving and removing it. Pipelines without state have no such part.
    State,
}

/// Declares the failpoints once: variant, name, phase and meaning cannot drift apart.
macro_rules! failpoints {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal in $phase:ident,)+) => {
        /// A place where a run may be made to fail.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Failpoint {
            $($(#[$doc])+ $variant,)+
        }

        impl Failpoint {
            /// All of them, in the order in which an epoch meets them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Its name, such as `commit.before-swap`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The part of an epoch's life it is in.
            pub fn phase(self) -> Phase {
                match self { $(Self::$variant => Phase::$phase,)+ }
            }
        }
    };
}

failpoints! {
    /// The log was read, before any table is.
    RecoverLogRead = "recover.log-read" in Recover,
    /// The marker of every table was read.
    RecoverMarkersRead = "recover.markers-read" in Recover,
    /// The staged files of a prepared epoch were looked for.
    RecoverFilesChecked = "recover.files-checked" in Recover,
    /// The epoch left open by the last run is committed everywhere.
    RecoverDone = "recover.done" in Recover,
    /// Every step of a worker has taken up its state.
    StateRestored = "state.restored" in State,
    /// A plan was made and nothing read yet.
    Planned = "read.planned" in Read,
    /// A payload was read and not yet decoded.
    PayloadRead = "read.payload" in Read,
    /// A batch has gone through the operators to the writers.
    BatchWritten = "read.batch-written" in Read,
    /// Every step of a worker has said what changed, and nothing of it is written yet.
    StateGathered = "state.gathered" in State,
    /// The state object of a worker is durable.
    StateSaved = "state.saved" in State,
    /// Every input of the epoch was read and the writers are about to close.
    BeforeClose = "prepare.before-close" in Prepare,
    /// A data file is durable.
    FileStaged = "prepare.file-staged" in Prepare,
    /// Every file is staged and the record not yet written.
    BeforePrepare = "prepare.before-record" in Prepare,
    /// The record is durable and nothing committed.
    Prepared = "prepare.record" in Prepare,
    /// The base of a swap was loaded.
    Loaded = "commit.loaded" in Commit,
    /// The manifests of a commit are written.
    ManifestsWritten = "commit.manifests-written" in Commit,
    /// Right before the swap.
    BeforeSwap = "commit.before-swap" in Commit,
    /// The swap was applied and its answer is about to be lost.
    AfterSwap = "commit.after-swap" in Commit,
    /// One sink holds the epoch and the next one does not.
    SinkCommitted = "commit.sink" in Commit,
    /// Every sink holds the epoch.
    EpochCommitted = "finish.committed" in Finish,
    /// Sources were told.
    SourcesTold = "finish.sources-told" in Finish,
    /// Old records were removed.
    Trimmed = "finish.trimmed" in Finish,
    /// State objects that no record names any more were removed.
    StateTrimmed = "state.trimmed" in State,
}

/// What a test does at a failpoint.
pub trait FailpointHook: Send + Sync + fmt::Debug {
    /// Called each time `point` is reached.
    ///
    /// # Errors
    /// The error that the place is to fail with.
    fn hit(&self, point: Failpoint) -> Result<()>;
}

/// A handle to the failpoints of one pipeline. The default does nothing.
#[derive(Clone, Debug, Default)]
pub struct Failpoints(Option<Arc<dyn FailpointHook>>);

impl Failpoints {
    /// Failpoints that call `hook`.
    pub fn armed(hook: Arc<dyn FailpointHook>) -> Self {
        Self(Some(hook))
    }

    /// Marks that `point` is reached.
    ///
    /// # Errors
    /// What the hook made up; never without one.
    pub fn hit(&self, point: Failpoint) -> Result<()> {
        match &self.0 {
            Some(hook) => hook.hit(point),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
