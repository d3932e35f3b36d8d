//! How rows and letters find their worker.

use std::rc::Rc;

use arrow::array::UInt32Array;
use highwater_core::{Batch, Error, ErrorKind, KeyGroups};
use timely::communication::Push;
use timely::dataflow::channels::Message;
use timely::dataflow::channels::pushers::exchange::Distributor;

use crate::container::{Letter, Rows};
use crate::fault::Fault;

/// Sends each letter to the worker that it is for.
pub(crate) struct ByAddress;

impl<D> Distributor<Letter<D>> for ByAddress {
    fn partition<T: Clone, P: Push<Message<T, Letter<D>>>>(
        &mut self,
        letter: &mut Letter<D>,
        time: &T,
        pushers: &mut [P],
    ) {
        if let Some(pusher) = pushers.get_mut(letter.to) {
            Message::push_at(letter, time.clone(), pusher);
        }
    }

    fn flush<T: Clone, P: Push<Message<T, Letter<D>>>>(&mut self, _: &T, _: &mut [P]) {}
}

/// Sends all rows to worker 0.
pub(crate) struct ToOne;

impl Distributor<Rows> for ToOne {
    fn partition<T: Clone, P: Push<Message<T, Rows>>>(
        &mut self,
        rows: &mut Rows,
        time: &T,
        pushers: &mut [P],
    ) {
        let worker = if let Rows::End(worker) = rows { *worker } else { 0 };
        push(rows, time, pushers.get_mut(worker));
    }

    fn flush<T: Clone, P: Push<Message<T, Rows>>>(&mut self, _: &T, _: &mut [P]) {}
}

/// Splits batches so that rows of one key meet on one worker.
pub(crate) struct ByKey {
    pub(crate) key: KeyGroups,
    pub(crate) fault: Rc<Fault>,
}

impl Distributor<Rows> for ByKey {
    fn partition<T: Clone, P: Push<Message<T, Rows>>>(
        &mut self,
        rows: &mut Rows,
        time: &T,
        pushers: &mut [P],
    ) {
        // What is left here is kept until the next push, and with it room in the budget of a reader
        // that may wait for nothing else.
        let batch = match std::mem::take(rows) {
            Rows::Batch(batch) => batch,
            Rows::End(worker) => {
                return push(&mut Rows::End(worker), time, pushers.get_mut(worker));
            }
            Rows::Taken => return,
        };
        match split(&self.key, &batch, pushers.len()) {
            Ok(pieces) => {
                for (pusher, piece) in pushers.iter_mut().zip(pieces) {
                    if !piece.is_empty() {
                        push(&mut Rows::Batch(piece), time, Some(pusher));
                    }
                }
            }
            // The rows are missing on all workers then; nothing of the epoch comes to its end.
            Err(error) => self.fault.raise(error),
        }
    }

    fn flush<T: Clone, P: Push<Message<T, Rows>>>(&mut self, _: &T, _: &mut [P]) {}
}

fn push<T: Clone, P: Push<Message<T, Rows>>>(rows: &mut Rows, time: &T, pusher: Option<&mut P>) {
    if let Some(pusher) = pusher {
        Message::push_at(rows, time.clone(), pusher);
    }
}

/// The rows for each of `workers`, in their order. The pieces share no memory, so that whoever keeps a
/// small one keeps nothing else.
fn split(key: &KeyGroups, batch: &Batch, workers: usize) -> Result<Vec<Batch>, Error> {
    let groups = key.of(&batch.rows)?;
    let mut chosen = vec![Vec::with_capacity(groups.len() / workers.max(1) * 2); workers];
    for (row, group) in (0_u32..).zip(groups) {
        if let Some(chosen) = chosen.get_mut(KeyGroups::worker(group, workers)) {
            chosen.push(row);
        }
    }
    let piece = |chosen: Vec<u32>| match chosen.len() {
        0 => Ok(batch.with_rows(batch.rows.slice(0, 0))),
        all if all == batch.len() => Ok(batch.clone()),
        _ => batch.take(&UInt32Array::from(chosen)),
    };
    let pieces = chosen.into_iter().map(piece).collect::<Result<_, _>>();
    pieces.map_err(|error| Error::new(ErrorKind::Internal, "timely", error))
}

#[cfg(test)]
mod tests;
