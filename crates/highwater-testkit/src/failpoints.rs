//! Armed failpoints: a run that fails or dies exactly where a test says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use highwater_core::{Error, ErrorKind, Failpoint, FailpointHook, Failpoints, Result};

/// One time that a failpoint is reached, counted from 0 over all lives of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Occurrence {
    /// The failpoint.
    pub point: Failpoint,
    /// How often it was reached before.
    pub nth: usize,
}

impl fmt::Display for Occurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.point.name(), self.nth)
    }
}

/// What happens at an occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shot {
    /// The run dies: this failpoint fails, and so does every later one until [`Armed::revive`].
    Kill,
    /// This failpoint fails once, with an error that passes by itself.
    Fail,
}

/// Failpoints that record every time they are reached, and fail where a test says.
///
/// Record a clean run first, then run the same again once for each occurrence.
///
/// # Example
/// ```
/// use highwater_core::Failpoint;
/// use highwater_testkit::failpoints::{Armed, Shot};
///
/// let clean = Armed::recording();
/// clean.failpoints().hit(Failpoint::BeforeSwap)?;
///
/// let [reached] = clean.seen()[..] else { panic!("one failpoint was reached") };
/// let armed = Armed::shooting([(reached, Shot::Kill)]);
/// assert!(armed.failpoints().hit(Failpoint::BeforeSwap).is_err());
/// assert!(armed.failpoints().hit(Failpoint::AfterSwap).is_err()); // the dead do not go on
/// armed.revive();
/// assert!(armed.failpoints().hit(Failpoint::Loaded).is_ok());
/// armed.assert_fired();
/// # Ok::<(), highwater_core::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Armed {
    shots: BTreeMap<Occurrence, Shot>,
    past: Mutex<Past>,
}

#[derive(Debug, Default)]
struct Past {
    seen: Vec<Occurrence>,
    counts: BTreeMap<Failpoint, usize>,
    fired: BTreeSet<Occurrence>,
    dead: bool,
}

impl Armed {
    /// Failpoints that only record.
    pub fn recording() -> Arc<Self> {
        Arc::default()
    }

    /// Failpoints that fire `shots`, each once.
    pub fn shooting(shots: impl IntoIterator<Item = (Occurrence, Shot)>) -> Arc<Self> {
        Arc::new(Self { shots: shots.into_iter().collect(), past: Mutex::default() })
    }

    /// The handle for a pipeline or a [`SinkContext`](highwater_core::SinkContext).
    pub fn failpoints(self: &Arc<Self>) -> Failpoints {
        Failpoints::armed(Arc::clone(self) as Arc<dyn FailpointHook>)
    }

    /// Every occurrence so far, in their order.
    pub fn seen(&self) -> Vec<Occurrence> {
        self.past().seen.clone()
    }

    /// Lets the next life begin.
    pub fn revive(&self) {
        self.past().dead = false;
    }

    /// Whether a shot has killed the run and nobody has revived it.
    pub fn is_dead(&self) -> bool {
        self.past().dead
    }

    /// How many shots have fired.
    pub fn fired(&self) -> usize {
        self.past().fired.len()
    }

    /// Checks that every shot has fired: a fault that never happened tests nothing.
    ///
    /// # Panics
    /// When a shot did not fire.
    pub fn assert_fired(&self) {
        let past = self.past();
        let idle: Vec<_> = self.shots.keys().filter(|shot| !past.fired.contains(shot)).collect();
        let idle: Vec<_> = idle.iter().map(ToString::to_string).collect();
        assert!(idle.is_empty(), "never reached, so never fired: {}", idle.join(", "));
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FailpointHook for Armed {
    fn hit(&self, point: Failpoint) -> Result<()> {
        let mut past = self.past();
        if past.dead {
            return Err(killed("the run was killed at an earlier failpoint".to_owned()));
        }
        let count = past.counts.entry(point).or_default();
        let occurrence = Occurrence { point, nth: *count };
        *count += 1;
        past.seen.push(occurrence);
        let Some(shot) = self.shots.get(&occurrence) else { return Ok(()) };
        past.fired.insert(occurrence);
        match shot {
            Shot::Kill => {
                past.dead = true;
                Err(killed(format!("killed at {occurrence}")))
            }
            Shot::Fail => {
                let failed = format!("made to fail at {occurrence}");
                Err(Error::new(ErrorKind::Transient, COMPONENT, failed))
            }
        }
    }
}

const COMPONENT: &str = "testkit";

fn killed(message: String) -> Error {
    Error::new(ErrorKind::Internal, COMPONENT, message).advise("start again: a test did this")
}

/// Whether `error` was made up here and not by what is tested.
pub fn is_injected(error: &Error) -> bool {
    error.component() == COMPONENT
}

/// The failpoints that are not among those `reached`. A test that expects none fails when a new
/// failpoint has no case yet.
pub fn never_reached(reached: &BTreeSet<Failpoint>) -> Vec<Failpoint> {
    Failpoint::ALL.iter().copied().filter(|point| !reached.contains(point)).collect()
}
