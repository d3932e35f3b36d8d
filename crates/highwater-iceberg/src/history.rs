//! What the history of a table says about a marker: does it hold, or was the table rolled back?
//!
//! Sequence numbers only grow, also after a table was rolled back, so they order the property against
//! the snapshots: walking back from the head of the branch, the snapshot with the property's number
//! proves that the commit holds; a lower number without it proves that the commit was taken out;
//! and a history that ends in an expired snapshot above it cannot have been rolled back that far.
//!
//! Not every engine leaves the name of an expired parent behind: pyiceberg's expiry makes its child a
//! first snapshot. So a history that begins above the commit was cut off too, if the snapshot of the
//! commit is gone; if the table still keeps it, somebody has replaced the whole history.

use highwater_core::{Found, MarkerId};

use crate::error::IcebergError;
use crate::marker::{Owner, Recorded, Stamp};

/// A step back from the head of the branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ancestor {
    /// A snapshot of the table.
    Snapshot {
        /// Its sequence number.
        sequence: i64,
        /// What it says of the commit that made it.
        stamp: Option<Stamp>,
    },
    /// A snapshot that was expired; nothing is known behind it.
    Expired,
}

/// Judges the marker of `owner` by the ancestry of the branch, newest first. `is_kept` says whether
/// the table still has the snapshot of a sequence number, on whatever branch.
///
/// # Errors
/// [`IcebergError::MarkerLost`] when the history names a commit of the sink that the marker, or the
/// lack of one, knows nothing of.
pub(crate) fn judge(
    table: &str,
    owner: &Owner,
    recorded: Option<Recorded>,
    mut ancestry: impl Iterator<Item = Ancestor>,
    is_kept: impl Fn(i64) -> bool,
) -> Result<Found, IcebergError> {
    let Some(Recorded { sequence_number, marker }) = recorded else {
        return match ancestry.find_map(|ancestor| stamped(owner, ancestor)) {
            None => Ok(Found::Nothing),
            Some(id) => Err(lost(table, owner, id)),
        };
    };
    let (mut standing, mut begins_above) = (None, false);
    while let Some(ancestor) = ancestry.next() {
        match &ancestor {
            Ancestor::Expired => return Ok(Found::Marker(marker)),
            Ancestor::Snapshot { sequence, .. } if *sequence == sequence_number => {
                return Ok(Found::Marker(marker));
            }
            Ancestor::Snapshot { sequence, .. } if *sequence > sequence_number => {
                begins_above = true;
                // A commit of this sink that the property does not know: somebody set it back.
                if let Some(id) = stamped(owner, ancestor) {
                    return Err(lost(table, owner, id));
                }
            }
            Ancestor::Snapshot { .. } => {
                begins_above = false;
                standing = stamped(owner, ancestor)
                    .or_else(|| ancestry.find_map(|ancestor| stamped(owner, ancestor)));
                break;
            }
        }
    }
    if begins_above && !is_kept(sequence_number) {
        return Ok(Found::Marker(marker));
    }
    Ok(Found::RolledBack { last: marker, standing })
}

fn lost(table: &str, owner: &Owner, id: MarkerId) -> IcebergError {
    IcebergError::MarkerLost { table: table.to_owned(), key: owner.key(), epoch: id.epoch.0 }
}

fn stamped(owner: &Owner, ancestor: Ancestor) -> Option<MarkerId> {
    match ancestor {
        Ancestor::Snapshot { stamp: Some(stamp), .. } if owner.left(&stamp) => Some(stamp.id),
        Ancestor::Snapshot { .. } | Ancestor::Expired => None,
    }
}

#[cfg(test)]
mod tests;
