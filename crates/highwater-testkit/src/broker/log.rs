//! The log of one partition.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

use super::batch::{Batch, Placed, Record};

/// The batches of a partition, and what its leader knows of transactions.
#[derive(Debug, Default)]
pub(super) struct Log {
    start: i64,
    end: i64,
    batches: Vec<(Placed, Bytes)>,
    /// The first offset of each open transaction, by its producer.
    open: BTreeMap<i64, i64>,
    aborted: Vec<Aborted>,
    /// Where the epochs of leaders begin after the first one.
    epochs: Vec<(i32, i64)>,
}

/// A transaction that was aborted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aborted {
    pub(super) producer: i64,
    pub(super) first: i64,
    /// The offset of its marker.
    last: i64,
}

/// A part of the log.
#[derive(Debug, Default)]
pub(super) struct Slice {
    pub(super) bytes: Bytes,
    pub(super) aborted: Vec<Aborted>,
}

impl Log {
    pub(super) fn start(&self) -> i64 {
        self.start
    }

    pub(super) fn end(&self) -> i64 {
        self.end
    }

    /// The end for readers of committed records.
    pub(super) fn last_stable(&self) -> i64 {
        self.open.values().copied().min().unwrap_or(self.end)
    }

    /// From here on, another leader writes.
    pub(super) fn begin_epoch(&mut self, epoch: i32) {
        self.epochs.push((epoch, self.end));
    }

    /// The newest epoch up to `epoch`, and where it ends; -1 when `epoch` is yet to come.
    pub(super) fn epoch_end(&self, epoch: i32) -> (i32, i64) {
        let newest = self.epochs.last().map_or(0, |(epoch, _)| *epoch);
        let next = self.epochs.iter().find(|(later, _)| *later > epoch);
        let found = self.epochs.iter().rev().map(|(it, _)| *it).find(|it| *it <= epoch);
        match next {
            Some((_, begin)) => (found.unwrap_or(0), *begin),
            None if epoch == newest => (epoch, self.end),
            None => (-1, -1),
        }
    }

    pub(super) fn append(&mut self, batch: Batch) -> i64 {
        let base = self.end;
        if let Some(producer) = batch.producer {
            self.open.entry(producer).or_insert(base);
        }
        self.place(batch, false);
        base
    }

    pub(super) fn end_transaction(&mut self, producer: i64, commit: bool) {
        let Some(first) = self.open.remove(&producer) else { return };
        if !commit {
            self.aborted.push(Aborted { producer, first, last: self.end });
        }
        let key = Bytes::from_static(if commit { &[0, 0, 0, 1] } else { &[0, 0, 0, 0] });
        let value = Some(Bytes::from_static(&[0; 6]));
        let marker = Record { key: Some(key), value, ..Record::default() };
        self.place(Batch::of([marker]).in_transaction(producer), true);
    }

    fn place(&mut self, batch: Batch, control: bool) {
        let count = i32::try_from(batch.records.len()).unwrap_or(i32::MAX);
        let deltas = (0..count).collect();
        let last_delta = (count - 1).max(0);
        let placed = Placed { base: self.end, last_delta, control, batch, deltas };
        self.end = placed.next();
        let bytes = placed.encode(0);
        self.batches.push((placed, bytes));
    }

    /// As Kafka's cleaner: what aborted transactions wrote goes in any case, and with their marker
    /// the entry in the index.
    pub(super) fn compact(&mut self, keep_empty: bool, keep: impl Fn(i64) -> bool) {
        let stable = self.last_stable();
        let aborted = std::mem::take(&mut self.aborted);
        let within = |entry: &Aborted, placed: &Placed| {
            placed.batch.producer == Some(entry.producer)
                && (entry.first..entry.last).contains(&placed.base)
        };
        self.batches.retain_mut(|(placed, bytes)| {
            if placed.base >= stable {
                return true;
            }
            let dead = aborted.iter().any(|entry| within(entry, placed));
            let offsets: Vec<i64> = placed.offsets().map(|(offset, _)| offset).collect();
            let kept = |at: usize| !dead && offsets.get(at).is_some_and(|offset| keep(*offset));
            retain(&mut placed.deltas, kept);
            retain(&mut placed.batch.records, kept);
            *bytes = placed.encode(0);
            keep_empty || !placed.deltas.is_empty()
        });
        let marked = |entry: &Aborted| {
            let mut batches = self.batches.iter().map(|(placed, _)| placed);
            batches.any(|placed| placed.base == entry.last && !placed.deltas.is_empty())
        };
        self.aborted = aborted.into_iter().filter(marked).collect();
    }

    pub(super) fn remove_before(&mut self, offset: i64) {
        self.start = self.start.max(offset.min(self.end));
        let start = self.start;
        self.batches.retain(|(placed, _)| placed.next() > start);
    }

    pub(super) fn truncate(&mut self, offset: i64) {
        self.batches.retain(|(placed, _)| placed.next() <= offset);
        self.end = self.batches.last().map_or(self.start, |(placed, _)| placed.next());
        let end = self.end;
        self.epochs.retain(|(_, begin)| *begin < end);
    }

    /// The first offset whose record is not before `millis`; -1 when there is none.
    pub(super) fn find(&self, millis: i64) -> i64 {
        let mut records = self.batches.iter().flat_map(|(placed, _)| placed.offsets());
        records.find(|(_, record)| record.timestamp >= millis).map_or(-1, |(offset, _)| offset)
    }

    /// What a reader at `offset` gets: whole batches up to `bytes`, the last one cut off there, and
    /// at least one whole batch where `at_least_one`.
    pub(super) fn slice(
        &self,
        offset: i64,
        committed: bool,
        bytes: usize,
        at_least_one: bool,
    ) -> Slice {
        let upto = if committed { self.last_stable() } else { self.end };
        let mut given = BytesMut::new();
        let mut reached = offset;
        for (placed, batch) in &self.batches {
            if placed.next() <= offset {
                continue;
            }
            let room = bytes.saturating_sub(given.len());
            if placed.base >= upto || (room == 0 && !(at_least_one && given.is_empty())) {
                break;
            }
            let whole = room >= batch.len() || (at_least_one && given.is_empty());
            given.extend_from_slice(if whole { batch } else { batch.get(..room).unwrap_or(batch) });
            reached = placed.next();
        }
        let touches = |aborted: &&Aborted| aborted.last >= offset && aborted.first < reached;
        Slice {
            bytes: given.freeze(),
            aborted: self.aborted.iter().filter(touches).copied().collect(),
        }
    }
}

fn retain<T>(items: &mut Vec<T>, keep: impl Fn(usize) -> bool) {
    let mut at = 0;
    items.retain(|_| {
        at += 1;
        keep(at - 1)
    });
}
