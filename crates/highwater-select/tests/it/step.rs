//! The step over batches, by hand.

use highwater_core::arrow::array::RecordBatch;
use highwater_core::{
    Batch, Context, Epoch, Flow, Moment, Output, Port, Resolved, Timestamp, Told, Watermarks,
};

/// What comes out of the main output and of the rejected one.
pub(crate) fn run(
    step: &Resolved,
    batches: &[RecordBatch],
) -> (Vec<RecordBatch>, Vec<RecordBatch>) {
    let mut operator = step.build().unwrap();
    let moment = Moment { epoch: Epoch(0), now: Timestamp(0), watermarks: Watermarks::UNKNOWN };
    let (mut emitted, mut told) = (Vec::new(), Told::default());
    let mut cx = Context::new(moment, step.sides().len(), &mut emitted, &mut told);
    operator.on_epoch_start(&mut cx).unwrap();
    for rows in batches {
        assert_eq!(
            operator.on_batch(Port(0), Batch::from(rows.clone()), &mut cx).unwrap(),
            Flow::Done
        );
    }
    let (main, rejected): (Vec<_>, Vec<_>) =
        emitted.into_iter().partition(|(output, _)| *output == Output::Main);
    let rows = |emitted: Vec<(Output, Batch)>| emitted.into_iter().map(|(_, it)| it.rows).collect();
    (rows(main), rows(rejected))
}
