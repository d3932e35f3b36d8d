//! Which objects hold the state of a pipeline as of one epoch.

use std::collections::BTreeMap;

use highwater_core::{Epoch, Groups, Level, Name, TableNote};
use serde::{Deserialize, Serialize};

/// The tables of a step by their names, with what holds for them.
pub type Tables = BTreeMap<Name, TableNote>;

/// The state of all steps behind one epoch: what a start restores.
///
/// State is what comes out when the objects are read from the oldest to the newest, each as far as it
/// still counts, and a later row takes the place of an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateManifest {
    /// What was saved and still counts, from the oldest to the newest.
    #[serde(default)]
    pub objects: Vec<StateObject>,
    /// Every step that keeps state, also if it has none.
    pub steps: BTreeMap<Name, StepState>,
}

/// What one worker saved in one epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateObject {
    /// Its path below the checkpoint.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The epoch that saved it.
    pub epoch: Epoch,
    /// How much of the past it holds.
    pub level: Level,
    /// The key groups for which it counts. A later save takes those away that it holds itself.
    pub groups: Groups,
    /// The newest bucket in it, by step and table.
    pub newest: BTreeMap<Name, BTreeMap<Name, i64>>,
}

/// A step that keeps state: what it is, and what holds for its tables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepState {
    /// The step in words that are compared.
    pub description: String,
    /// Its tables.
    pub tables: Tables,
}

/// What one worker saved at the end of an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerSave {
    /// The key groups of the worker.
    pub groups: Groups,
    /// What it wrote; nothing when nothing had changed.
    pub written: Option<Written>,
}

/// A state object that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its path below the checkpoint.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The newest bucket in it, by step and table.
    pub newest: BTreeMap<Name, BTreeMap<Name, i64>>,
}

impl StateManifest {
    /// The manifest behind `epoch`, in which every worker saved what `saved` says at this level, and in which
    /// the tables are as in `steps`.
    ///
    /// Whoever saves at one level has written all that changed since the last save of that level or a
    /// higher one, so it takes its groups out of all earlier saves of lower levels, also when there was
    /// nothing to write. An object leaves that counts for no group, or whose buckets are all gone.
    #[must_use]
    pub fn next(
        &self,
        epoch: Epoch,
        level: Level,
        saved: &[WorkerSave],
        steps: BTreeMap<Name, StepState>,
    ) -> Self {
        let mut objects = self.objects.clone();
        for object in &mut objects {
            if object.level < level || level == Level::WHOLE {
                let left = |groups: Groups, save: &WorkerSave| groups.without(save.groups);
                object.groups = saved.iter().fold(object.groups, left);
            }
        }
        let written = saved.iter().filter_map(|save| Some((save.groups, save.written.clone()?)));
        objects.extend(written.map(|(groups, Written { path, bytes, newest })| StateObject {
            path,
            bytes,
            epoch,
            level,
            groups,
            newest,
        }));
        objects.retain(|object| !object.groups.is_empty() && !object.is_gone(&steps));
        Self { objects, steps }
    }
}

impl StateObject {
    /// Whether every bucket in it lies before the first that is left.
    fn is_gone(&self, steps: &BTreeMap<Name, StepState>) -> bool {
        self.newest.iter().all(|(step, tables)| {
            let notes = steps.get(step).map(|step| &step.tables);
            tables.iter().all(|(table, newest)| {
                let note = notes.and_then(|notes| notes.get(table));
                note.is_some_and(|note| *newest < note.first)
            })
        })
    }
}

/// What holds for tables on several workers together: `all` and what one more says.
pub fn add_tables(all: &mut Tables, one: Tables) {
    for (name, note) in one {
        match all.get_mut(&name) {
            None => {
                all.insert(name, note);
            }
            Some(sum) => {
                sum.version = sum.version.max(note.version);
                sum.first = sum.first.min(note.first);
                sum.expired = sum.expired.min(note.expired);
                sum.rows = sum.rows.saturating_add(note.rows);
                sum.bytes = sum.bytes.saturating_add(note.bytes);
                sum.updated = sum.updated.saturating_add(note.updated);
                sum.removed = sum.removed.saturating_add(note.removed);
            }
        }
    }
}

/// What becomes of the saved state of a step in the pipeline of today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It is taken up as it is.
    Compatible,
    /// It is of an older form, which is read, and written anew as it changes.
    Migrate {
        /// The table.
        table: Name,
        /// The version of its form.
        from: u32,
        /// The version that is written today.
        to: u32,
    },
    /// It cannot be taken up.
    Refuse {
        /// What was saved.
        then: String,
        /// What there is now.
        today: String,
    },
}

/// Compares saved state with the steps of today, which have noted their tables empty: every step that
/// is in one of them.
pub fn compare_steps(
    then: &BTreeMap<Name, StepState>,
    today: &BTreeMap<Name, StepState>,
) -> BTreeMap<Name, Fit> {
    let names = then.keys().chain(today.keys());
    names.map(|name| (name.clone(), fit(then.get(name), today.get(name)))).collect()
}

fn fit(then: Option<&StepState>, today: Option<&StepState>) -> Fit {
    let (Some(was), Some(is)) = (then, today) else {
        let words = |step: Option<&StepState>| match step {
            Some(step) => format!("state of {}", step.description),
            None => "no state".to_owned(),
        };
        return Fit::Refuse { then: words(then), today: words(today) };
    };
    if was.description != is.description {
        let words = |step: &StepState| format!("state of {}", step.description);
        return Fit::Refuse { then: words(was), today: words(is) };
    }
    let names = was.tables.keys().chain(is.tables.keys());
    let fits = names.map(|name| fit_table(name, was.tables.get(name), is.tables.get(name)));
    fits.fold(Fit::Compatible, |worst, fit| match (&worst, &fit) {
        (Fit::Refuse { .. }, _) | (_, Fit::Compatible) => worst,
        (Fit::Migrate { .. }, Fit::Migrate { .. }) => worst,
        _ => fit,
    })
}

fn fit_table(table: &Name, then: Option<&TableNote>, today: Option<&TableNote>) -> Fit {
    let refuse = |then: String, today: String| Fit::Refuse { then, today };
    match (then, today) {
        (Some(was), Some(is)) if was.columns != is.columns => {
            let words = |note: &TableNote| format!("table {table} of {}", note.columns);
            refuse(words(was), words(is))
        }
        (Some(was), Some(is)) if was.version > is.version => {
            let words = |note: &TableNote| format!("table {table} of form {}", note.version);
            refuse(words(was), format!("{}: start with the newer binary", words(is)))
        }
        (Some(was), Some(is)) if was.version < is.version => {
            Fit::Migrate { table: table.clone(), from: was.version, to: is.version }
        }
        (Some(_), Some(_)) => Fit::Compatible,
        (was, is) => {
            let words = |note: Option<&TableNote>| match note {
                Some(note) => format!("table {table} of {}", note.columns),
                None => format!("no table {table}"),
            };
            refuse(words(was), words(is))
        }
    }
}

#[cfg(test)]
mod tests;
