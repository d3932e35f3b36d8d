//! The commit rule, as a machine without I/O: load, verdict, swap.
//!
//! A commit is legal only if the marker found **in the very base that the swap names** is exactly
//! the one this commit follows. The machine asks for a load before every attempt, so the check is
//! made anew on each base. What is unknown is found out by loading again: a late twin of the same
//! attempt names the same base or an older one, and loses its swap.
//!
//! Driver and model checker run the same machine.

use crate::{Digest, Footing, Found, MarkerId};

/// What one commit is measured by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// The marker to be left in the table.
    pub mine: MarkerId,
    /// What must stand in the table before.
    pub on: Footing,
    /// Earlier records of the same plan. One of them in the table counts as committed.
    pub replaces: Vec<Digest>,
}

/// What a base says about a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The table holds this epoch by this marker, whoever sent it.
    Committed(MarkerId),
    /// The commit is legal on this base.
    Swap,
    /// Another instance went on.
    Fenced {
        /// What it left.
        found: MarkerId,
    },
    /// The table was rolled back behind what this commit follows.
    RolledBack {
        /// What is left.
        found: Option<MarkerId>,
    },
}

impl Rule {
    /// Judges a base by all that a load finds. A table that was rolled back is committed to only by
    /// records made after a person chose to go on from there.
    pub fn judge(&self, found: &Found) -> Verdict {
        match found {
            Found::RolledBack { last, standing } if self.on.accepts != Some(last.id) => {
                Verdict::RolledBack { found: *standing }
            }
            _ => self.judge_standing(found.standing()),
        }
    }

    /// Whether `marker` is this commit, by this record or by an earlier one of the same plan.
    pub fn covers(&self, marker: MarkerId) -> bool {
        let replaced = || self.replaces.contains(&marker.digest);
        marker == self.mine || (marker.epoch == self.mine.epoch && replaced())
    }

    fn judge_standing(&self, found: Option<MarkerId>) -> Verdict {
        let Some(marker) = found else {
            return match self.on.follows {
                None => Verdict::Swap,
                Some(_) => Verdict::RolledBack { found },
            };
        };
        if self.covers(marker) {
            return Verdict::Committed(marker);
        }
        match self.on.follows {
            Some(follows) if marker == follows => Verdict::Swap,
            Some(follows) if marker.epoch < follows.epoch => Verdict::RolledBack { found },
            _ => Verdict::Fenced { found: marker },
        }
    }
}

/// What the machine wants done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Move {
    /// Load the table, then call [`CommitMachine::loaded`].
    Load,
    /// Try one swap on the base of that load, then call [`CommitMachine::committed`] or [`CommitMachine::unresolved`].
    Swap,
    /// The commit has come to its end.
    End(Ended),
}

/// How a commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ended {
    /// The table holds the epoch by this marker.
    Committed(MarkerId),
    /// Another instance went on.
    Fenced {
        /// What it left.
        found: MarkerId,
    },
    /// The table was rolled back.
    RolledBack {
        /// What is left.
        found: Option<MarkerId>,
    },
    /// The attempts are used up. When the last answer was unknown, so is the state of the table: a
    /// start later finds out.
    GaveUp,
}

/// The whole loop of one commit to one table.
///
/// # Example
/// ```
/// use highwater_core::{
///     CommitMachine, Digest, Ended, Epoch, Footing, Found, Marker, MarkerId, Move, Rule,
/// };
///
/// let mine = MarkerId { epoch: Epoch(0), digest: Digest::of(b"record 0") };
/// let (pipeline, sink) = ("ledger".parse()?, "ledger".parse()?);
/// let marker = Marker { pipeline, sink, id: mine, follows: None, plan: None };
/// let mut machine = CommitMachine::new(Rule { mine, on: Footing::default(), replaces: vec![] }, 3);
/// assert_eq!(machine.next_move(), Move::Load);
/// machine.loaded(&Found::Nothing);
/// assert_eq!(machine.next_move(), Move::Swap);
/// machine.unresolved(); // the answer was lost
/// assert_eq!(machine.next_move(), Move::Load);
/// machine.loaded(&Found::Marker(marker)); // but the swap had been applied
/// assert_eq!(machine.next_move(), Move::End(Ended::Committed(mine)));
/// # Ok::<(), highwater_core::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CommitMachine {
    rule: Rule,
    attempts_left: u32,
    next: Move,
}

impl CommitMachine {
    /// A commit by `rule` of at most `attempts` swaps.
    pub fn new(rule: Rule, attempts: u32) -> Self {
        Self { rule, attempts_left: attempts, next: Move::Load }
    }

    /// What to do next.
    pub fn next_move(&self) -> Move {
        self.next
    }

    /// The rule it follows.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Takes what was found in the base just loaded.
    pub fn loaded(&mut self, found: &Found) {
        self.next = match self.rule.judge(found) {
            Verdict::Committed(marker) => Move::End(Ended::Committed(marker)),
            Verdict::Fenced { found } => Move::End(Ended::Fenced { found }),
            Verdict::RolledBack { found } => Move::End(Ended::RolledBack { found }),
            Verdict::Swap if self.attempts_left == 0 => Move::End(Ended::GaveUp),
            Verdict::Swap => Move::Swap,
        };
    }

    /// The swap was applied.
    pub fn committed(&mut self) {
        self.next = Move::End(Ended::Committed(self.rule.mine));
    }

    /// The swap was definitely not applied, or nobody can say: the next load tells.
    pub fn unresolved(&mut self) {
        self.attempts_left = self.attempts_left.saturating_sub(1);
        self.next = Move::Load;
    }
}

#[cfg(test)]
mod tests;
