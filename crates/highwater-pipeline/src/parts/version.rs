//! Which version of a table was read last.

use highwater_core::{EpochPlan, Name, Range};

/// The version of a versioned source that one worker holds, so that it is not read again while plans
/// name the same one. It is found out from the plans alone: all workers, and all parts of one, come to
/// the same answer.
#[derive(Clone, Debug)]
pub struct Version {
    source: Name,
    held: Option<Vec<Range>>,
}

impl Version {
    /// Nothing was read yet.
    pub fn new(source: Name) -> Self {
        Self { source, held: None }
    }

    /// The source.
    pub fn source(&self) -> &Name {
        &self.source
    }

    /// Goes on to the next plan, and says whether it names another version than the one before. To be
    /// called once for each.
    pub fn moves_to(&mut self, plan: &EpochPlan) -> bool {
        let named = plan.sources.get(&self.source).map_or(&[][..], |part| &part.ranges);
        if self.held.as_deref() == Some(named) {
            return false;
        }
        self.held = Some(named.to_vec());
        true
    }
}

#[cfg(test)]
mod tests;
