//! How rows and letters find their worker.

use std::rc::Rc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
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
        if let Some(pusher) = pushers.first_mut() {
            Message::push_at(rows, time.clone(), pusher);
        }
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
        let Some(batch) = rows.0.take() else { return };
        match split(&self.key, &batch, pushers.len()) {
            Ok(pieces) => {
                for (pusher, piece) in pushers.iter_mut().zip(pieces) {
                    if piece.num_rows() > 0 {
                        let permit = batch.permit.clone();
                        let piece = Batch { rows: piece, origin: None, permit };
                        Message::push_at(&mut Rows(Some(piece)), time.clone(), pusher);
                    }
                }
            }
            // The rows are missing on all workers then; nothing of the epoch comes to its end.
            Err(error) => self.fault.raise(error),
        }
    }

    fn flush<T: Clone, P: Push<Message<T, Rows>>>(&mut self, _: &T, _: &mut [P]) {}
}

/// The rows of a batch for each of `workers`.
fn split(key: &KeyGroups, batch: &Batch, workers: usize) -> Result<Vec<RecordBatch>, Error> {
    let groups = key.of(&batch.rows)?;
    let mut chosen = vec![Vec::with_capacity(groups.len() / workers.max(1) * 2); workers];
    for (row, group) in (0_u32..).zip(groups) {
        if let Some(rows) = chosen.get_mut(KeyGroups::worker(group, workers)) {
            rows.push(row);
        }
    }
    let piece = |rows: Vec<u32>| match rows.len() {
        0 => Ok(batch.rows.slice(0, 0)),
        all if all == batch.len() => Ok(batch.rows.clone()),
        _ => take_record_batch(&batch.rows, &UInt32Array::from(rows)),
    };
    let pieces = chosen.into_iter().map(piece).collect::<Result<_, _>>();
    pieces.map_err(|error| Error::new(ErrorKind::Internal, "timely", error))
}
