//! A table as the protocol sees it: a line of commits, a property, and a version to swap on.

use std::sync::LazyLock;

use highwater_core::{EpochPlan, Found, Marker, MarkerId, Name};

/// What one commit of a sink wrote: its marker, and the records that its epoch read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Written {
    pub(super) id: MarkerId,
    /// The first record.
    pub(super) from: u8,
    /// The record after the last.
    pub(super) to: u8,
}

/// A table of the model. Its version grows with every swap, so a request made for an older version
/// can never be applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Table {
    /// What a swap must name.
    pub(super) version: u8,
    /// The commits before the head and the head, oldest first.
    line: Vec<Commit>,
    /// How many of them are expired: their rows are there, their summaries are not.
    expired: usize,
    /// The last commit of the sink. Expiry and rollback leave it alone.
    property: Option<(Written, u8)>,
    /// The commits that a person took out.
    taken_out: Vec<Commit>,
}

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Commit {
    sequence: u8,
    /// Absent when somebody else wrote it.
    written: Option<Written>,
}

/// What one look at the table gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Seen {
    Nothing,
    Last(Written),
    RolledBack { last: Written, standing: Option<MarkerId> },
}

impl Table {
    /// Commits for the sink, or rows of somebody else, on the head.
    pub(super) fn append(&mut self, written: Option<Written>) {
        self.version += 1;
        self.line.push(Commit { sequence: self.version, written });
        if let Some(written) = written {
            self.property = Some((written, self.version));
        }
    }

    /// Removes the summaries of all but the head.
    pub(super) fn expire(&mut self) {
        self.expired = self.line.len().saturating_sub(1);
    }

    /// Sets the head back to the commit before it.
    pub(super) fn roll_back(&mut self) {
        self.version += 1;
        self.taken_out.extend(self.line.pop());
    }

    /// Whether there is a commit before the head whose summary is not expired: one to go back to,
    /// or to expire.
    pub(super) fn has_past(&self) -> bool {
        self.line.len() > self.expired + 1
    }

    /// The last commit of the sink if it was taken out: the truth, which nobody can read once the
    /// summaries are expired.
    pub(super) fn rolled_back(&self) -> Option<MarkerId> {
        let (last, at) = self.property?;
        self.taken_out.iter().any(|commit| commit.sequence == at).then_some(last.id)
    }

    /// Whether the head is a commit of somebody else.
    pub(super) fn foreign_head(&self) -> bool {
        self.line.last().is_some_and(|commit| commit.written.is_none())
    }

    /// The commits of the sink that are in the table, oldest first.
    pub(super) fn written(&self) -> impl Iterator<Item = Written> + '_ {
        self.line.iter().filter_map(|commit| commit.written)
    }

    /// Whether `marker` is, or was before a person took it out, in the table.
    pub(super) fn ever_held(&self, marker: MarkerId) -> bool {
        let mut all = self.line.iter().chain(&self.taken_out).filter_map(|commit| commit.written);
        all.any(|written| written.id == marker)
    }

    /// Whether a person took out a commit of `epoch`.
    pub(super) fn took_out(&self, epoch: u64) -> bool {
        let mut taken = self.taken_out.iter().filter_map(|commit| commit.written);
        taken.any(|written| written.id.epoch.0 == epoch)
    }

    /// The newest commit of the sink in a summary that is not expired.
    pub(super) fn in_summaries(&self) -> Option<MarkerId> {
        let mut visible = self.line.iter().skip(self.expired).rev();
        visible.find_map(|commit| commit.written).map(|written| written.id)
    }

    /// What a load sees: the property, checked against the summaries down from the head.
    pub(super) fn seen(&self) -> Seen {
        let Some((last, sequence)) = self.property else { return Seen::Nothing };
        let mut visible = self.line.iter().skip(self.expired).rev();
        match visible.find(|commit| commit.sequence <= sequence) {
            Some(commit) if commit.sequence == sequence => Seen::Last(last),
            None if self.expired > 0 => Seen::Last(last),
            _ => Seen::RolledBack { last, standing: self.in_summaries() },
        }
    }
}

impl Seen {
    /// The same in the words of the production code. `plan` gives the plan of a commit.
    pub(super) fn found(self, plan: impl Fn(Written) -> Option<EpochPlan>) -> Found {
        let marker = |written: Written| Marker { plan: plan(written), ..marker(written.id) };
        match self {
            Self::Nothing => Found::Nothing,
            Self::Last(last) => Found::Marker(marker(last)),
            Self::RolledBack { last, standing } => {
                Found::RolledBack { last: marker(last), standing }
            }
        }
    }
}

/// What a load finds in a table where nothing but a marker is looked at.
pub(super) fn held(id: Option<MarkerId>) -> Found {
    id.map_or(Found::Nothing, |id| Found::Marker(marker(id)))
}

/// Names for the production types: of the pipeline, the primary sink and the side sink.
pub(super) static NAMES: LazyLock<[Name; 3]> =
    LazyLock::new(|| ["model", "primary", "side"].map(name));

#[expect(clippy::unwrap_used, reason = "called with the constants above only")]
fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn marker(id: MarkerId) -> Marker {
    let [pipeline, sink, _] = NAMES.clone();
    Marker { pipeline, sink, id, follows: None, plan: None }
}
