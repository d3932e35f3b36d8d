//! Which files an epoch reads: a function of what is there, without I/O.

use std::collections::HashSet;

use highwater_core::{Backlog, Gap, Partition, Planned};

use crate::detail::{Found, Index, Part, Seen, Taken};
use crate::pieces;
use crate::watch::There;

/// How much an epoch takes, and how much is remembered of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) files: usize,
    pub(crate) bytes: u64,
    /// How many taken files are remembered by name.
    pub(crate) remember: usize,
    /// About so many bytes are in a range.
    pub(crate) piece: u64,
}

/// The files that are left to be taken, in order: of those that have settled, and up to `until`.
pub(crate) fn left<'a>(
    there: &'a There,
    taken: &Index<'_>,
    until: Option<&Index<'_>>,
) -> Vec<&'a Found> {
    let due = |file: &&Found| !taken.holds(file) && until.is_none_or(|until| until.holds(file));
    there.settled.iter().filter(due).collect()
}

/// The first of these files that fit into the limits; one at least.
pub(crate) fn choose<'a>(
    left: impl IntoIterator<Item = &'a Found>,
    limits: Limits,
) -> Vec<&'a Found> {
    let mut bytes = 0_u64;
    let fits = |(place, file): &(usize, &Found)| {
        bytes = bytes.saturating_add(file.version.bytes);
        *place == 0 || bytes <= limits.bytes
    };
    let chosen = left.into_iter().take(limits.files.max(1)).enumerate().take_while(fits);
    chosen.map(|(_, file)| file).collect()
}

/// Whether these files are more than one epoch takes.
pub(crate) fn is_plenty(left: &[&Found], limits: Limits) -> bool {
    let bytes = left.iter().map(|file| file.version.bytes).fold(0, u64::saturating_add);
    left.len() >= limits.files || bytes >= limits.bytes
}

/// What is known when a plan is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picture<'a> {
    pub(crate) partition: &'a Partition,
    pub(crate) next: i64,
    pub(crate) taken: &'a Taken,
    pub(crate) there: &'a There,
    /// What was left before this plan.
    pub(crate) left: &'a [&'a Found],
}

/// The plan that reads `parts` and goes on behind `lost`, files that cannot be read any more.
pub(crate) fn plan(
    picture: Picture<'_>,
    parts: Vec<Part>,
    lost: &[Found],
    limits: Limits,
) -> Planned {
    let Picture { partition, next, .. } = picture;
    let ended: HashSet<&str> =
        parts.iter().map(Part::path).chain(lost.iter().map(|file| file.path.as_str())).collect();
    let behind = picture.left.iter().filter(|file| !ended.contains(file.path.as_str()));
    let behind =
        behind.map(|file| file.version.bytes.saturating_add(1)).fold(0, u64::saturating_add);
    let mut planned = Planned::default();
    let mut end = next;
    if !parts.is_empty() {
        let begin = lost.iter().map(Found::span).fold(next, i64::saturating_add);
        if begin > next {
            let gap = Gap { partition: partition.clone(), from: next, to: Some(begin) };
            planned.gaps.push(gap);
        }
        end = parts.iter().map(Part::span).fold(begin, i64::saturating_add);
        let taken = after(picture, &parts, lost, limits.remember);
        planned.ranges = pieces::ranges((partition, begin), parts, &taken, limits.piece);
    }
    let ahead = i64::try_from(behind).unwrap_or(i64::MAX);
    planned.backlog.push(Backlog {
        partition: partition.clone(),
        end: end.saturating_add(ahead),
        behind,
        withheld: None,
    });
    planned
}

/// The files that will have been taken.
///
/// The mark follows the oldest file that need not be remembered by name any more, and never passes a
/// file that is there and was not taken.
fn after(picture: Picture<'_>, parts: &[Part], lost: &[Found], remember: usize) -> Taken {
    let mut seen = seen_now(picture);
    seen.extend(
        parts.iter().map(|part| {
            Seen(part.version().modified, part.version().bytes, part.path().to_owned())
        }),
    );
    seen.extend(lost.iter().map(Seen::of));
    seen.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
    let by_name: HashSet<&str> = seen.iter().map(|seen| seen.2.as_str()).collect();
    let not_taken = |file: &&Found| {
        !by_name.contains(file.path.as_str()) && !picture.taken.passed(file.order())
    };
    let oldest = picture.there.all().filter(not_taken).map(Found::order).min();
    let forget = seen.len().saturating_sub(remember.max(1));
    let forget = seen
        .iter()
        .take(forget)
        .take_while(|seen| oldest.is_none_or(|oldest| seen.order() < oldest));
    let forget = forget.count();
    drop(by_name);
    let kept = seen.split_off(forget);
    let mark = seen
        .pop()
        .map(|last| (last.0, last.2))
        .filter(|(time, path)| !picture.taken.passed((*time, path)));
    let mark = mark.or_else(|| picture.taken.mark.clone());
    let mut taken = Taken { mark, below: 0, seen: kept };
    let index = taken.index();
    let below = picture
        .there
        .all()
        .filter(|file| index.get(&file.path).is_none() && taken.passed(file.order()));
    let below = u64::try_from(below.count()).unwrap_or(u64::MAX);
    taken.below = below;
    taken
}

/// The files that are remembered, as they are now: one that was written to again must not pass for
/// another one later.
fn seen_now(picture: Picture<'_>) -> Vec<Seen> {
    let index = picture.taken.index();
    let changed = picture
        .there
        .all()
        .filter(|file| index.get(&file.path).is_some_and(|seen| seen.version() != file.version));
    let changed: std::collections::HashMap<&str, &Found> =
        changed.map(|file| (file.path.as_str(), file)).collect();
    let now = |seen: &Seen| {
        changed.get(seen.2.as_str()).map_or_else(|| seen.clone(), |file| Seen::of(file))
    };
    picture.taken.seen.iter().map(now).collect()
}

#[cfg(test)]
mod tests;
