//! The cell of a source: reads and decodes the ranges of its worker.

use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use highwater_core::{EpochPlan, Name, Output, Payload, Range, RangeId, Result, Source};
use highwater_pipeline::parts::{Reading, Version};
use highwater_pipeline::{Done, NodeId, SourceCounts};
use timely::dataflow::Stream;

use crate::budget::Budget;
use crate::cell::{Cell, Env, Frame, Parts, Streams};
use crate::turn::Plans;

pub(crate) fn build<'s>(
    env: &Rc<Env>,
    node: (NodeId, &Name),
    source: &Arc<dyn Source>,
    plans: Stream<'s, u64, Plans>,
) -> Streams<'s> {
    let (name, source) = (node.1.clone(), Arc::clone(source));
    let frame = Frame::new(env, node, plans);
    frame.finish([Output::Main, Output::Side(0)], |parts| SourceCell {
        budget: Budget::new(parts.env.in_flight, parts.alarm.waker().clone()),
        parts,
        version: source.is_versioned().then(|| Version::new(name.clone())),
        name,
        source,
        reading: None,
        held: None,
    })
}

struct SourceCell {
    parts: Parts,
    name: Name,
    source: Arc<dyn Source>,
    /// What is held of a versioned source.
    version: Option<Version>,
    budget: Arc<Budget>,
    reading: Option<Reading>,
    /// A payload that was read and found no room.
    held: Option<(RangeId, Payload)>,
}

impl Cell for SourceCell {
    /// What one payload became is handled before the next one is decoded.
    const AT_ONCE: usize = 1;

    fn parts(&mut self) -> &mut Parts {
        &mut self.parts
    }

    fn advance(&mut self) -> Result<bool> {
        let Parts { turns, outputs, alarm, env, .. } = &mut self.parts;
        let Some(turn) = turns.current() else { return Ok(false) };
        let Some(reading) = &mut self.reading else {
            let ranges = ranges_here(&turn.plan, &self.name, env);
            let held = self.version.as_mut().is_some_and(|version| !version.moves_to(&turn.plan));
            if held || ranges.is_empty() {
                let nothing = SourceCounts::default();
                outputs.end(turn);
                outputs.report(turn, Done::Read(self.name.clone(), nothing));
                turns.next();
                return Ok(true);
            }
            let source = self.source.as_ref();
            let reading = Reading::open(&self.name, source, ranges, &env.job.failpoints)?;
            self.reading = Some(reading);
            return Ok(true);
        };
        if self.held.is_none() {
            match reading.poll_payload(&mut alarm.context()) {
                Poll::Pending => return Ok(false),
                Poll::Ready(read) => self.held = read?,
            }
        }
        if let Some((range, payload)) = self.held.take() {
            let Some(permit) = self.budget.take(payload.size()) else {
                self.held = Some((range, payload));
                return Ok(false);
            };
            let emitted = reading.decode(range, payload, Some(&permit))?;
            outputs.emit(turn, emitted)?;
            return Ok(true);
        }
        let emitted = reading.finish()?;
        outputs.emit(turn, emitted)?;
        outputs.end(turn);
        if let Some(reading) = self.reading.take() {
            outputs.report(turn, reading.done());
        }
        turns.next();
        Ok(true)
    }
}

/// The ranges that one worker reads: they are dealt out in turn.
fn ranges_here(plan: &EpochPlan, source: &Name, env: &Env) -> Vec<Range> {
    let ranges = plan.sources.get(source).map_or(&[][..], |part| &part.ranges);
    ranges.iter().skip(env.worker).step_by(env.workers).cloned().collect()
}
