//! Random rows in random pieces, against the reference.

use std::time::Duration;

use highwater_window::{Emit, Window};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::reference::{Reference, Windows, aggregates, distincts};
use crate::workers::{Event, Out, Workers};

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let id = prop_oneof![Just(None), "[abc]?".prop_map(Some)];
    let time = prop_oneof![
        1 => Just(None),
        8 => (-80_i64..160).prop_map(Some),
        4 => (-8_i64..16).prop_map(|edge| Some(edge * 10)),
    ];
    let n = prop_oneof![
        2 => Just(None),
        8 => (-5_i64..6).prop_map(Some),
        1 => prop_oneof![Just(Some(i64::MAX)), Just(Some(i64::MIN))],
    ];
    let f = prop_oneof![
        2 => Just(None),
        12 => (-9_i32..9).prop_map(|f| Some(f64::from(f) / 4.0)),
        1 => prop_oneof![
            Just(Some(f64::NAN)), Just(Some(-f64::NAN)), Just(Some(f64::INFINITY)), Just(Some(-0.0)),
        ],
    ];
    let d = proptest::option::of(-50_i128..50);
    let s = prop_oneof![Just(None), "[xyz]{0,2}".prop_map(Some)];
    (0..2_i32, id, time, n, f, d, s).prop_map(|(partition, id, time, n, f, d, s)| Event {
        partition,
        offset: 0,
        id,
        time,
        n,
        f,
        d,
        s,
    })
}

/// An epoch: its rows, how far the watermark rises, how the rows are cut, and on how many workers the next one runs.
pub(crate) type Cut = (Vec<Event>, i64, Vec<Index>, Option<usize>);

pub(crate) fn epochs() -> impl Strategy<Value = Vec<Cut>> {
    let rise = prop_oneof![Just(0), Just(10), 0_i64..50];
    let cuts = proptest::collection::vec(any::<Index>(), 0..4);
    let epoch =
        (proptest::collection::vec(event(), 0..20), rise, cuts, proptest::option::of(1..4_usize));
    proptest::collection::vec(epoch, 1..6)
}

fn windows() -> impl Strategy<Value = Windows> {
    prop_oneof![
        (prop_oneof![Just(10_i64), 1..30_i64], 0..40_i64).prop_map(|(size, offset)| Windows {
            size,
            slide: size,
            offset: offset % size
        }),
        (1..40_i64, 1..40_i64, 0..40_i64).prop_map(|(size, slide, offset)| {
            let slide = slide.min(size);
            Windows { size, slide, offset: offset % slide }
        }),
    ]
}

fn step(windows: Windows, emit: Emit, by_id: bool) -> Window {
    let micros = |micros: i64| Duration::from_micros(micros.unsigned_abs());
    let Windows { size, slide, offset } = windows;
    let step = Window::sliding(micros(size), micros(slide)).offset(micros(offset)).emit(emit);
    let step = step.aggregate(aggregates().into_iter().chain(distincts()));
    if by_id { step.by(["id"]) } else { step }
}

/// Numbers the rows of each partition, and cuts them into batches in another order.
fn batches(events: &mut [Event], next: &mut [i64; 2], cuts: &[Index]) -> Vec<Vec<Event>> {
    for event in events.iter_mut() {
        let next = &mut next[usize::try_from(event.partition).unwrap()];
        (event.offset, *next) = (*next, *next + 1);
    }
    let mut batches = Vec::new();
    for partition in 0..2 {
        let own = events.iter().filter(|event| event.partition == partition);
        let mut own: Vec<_> = own.cloned().collect();
        for cut in cuts {
            batches.push(own.split_off(cut.index(own.len() + 1)));
        }
        batches.push(own);
    }
    if let Some(cut) = cuts.first() {
        let by = cut.index(batches.len());
        batches.rotate_left(by);
    }
    batches
}

fn emits() -> impl Strategy<Value = Emit> {
    prop_oneof![Just(Emit::Append), Just(Emit::Update), Just(Emit::Complete)]
}

/// Runs epochs over a step and its reference, which give the same; to the end of event time if it is to
/// `drain`.
pub(crate) fn agree(
    workers: &mut Workers,
    epochs: Vec<Cut>,
    drain: bool,
    mut reference: impl FnMut((i64, i64), &[Event]) -> Out,
) -> Result<(), TestCaseError> {
    let (mut late_before, mut next) = (i64::MIN, [0; 2]);
    let mut watermark = -60;
    for (mut events, rise, cuts, restart) in epochs {
        watermark += rise;
        let marks = (late_before, watermark);
        let batches = batches(&mut events, &mut next, &cuts);
        let found = workers.epoch(marks, &batches);
        prop_assert_eq!(found, reference(marks, &events));
        late_before = watermark;
        if let Some(count) = restart {
            workers.restart(count);
        }
    }
    if drain {
        let marks = (late_before, i64::MAX);
        let found = workers.epoch(marks, &[]);
        prop_assert_eq!(found, reference(marks, &[]));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn windows_are_those_of_the_reference(
        windows in windows(), emit in emits(), by_id in any::<bool>(), count in 1..4_usize,
        epochs in epochs(), drain in any::<bool>(),
    ) {
        let mut workers = Workers::new(&step(windows, emit, by_id), count);
        let mut reference = Reference::new(windows, emit, by_id);
        agree(&mut workers, epochs, drain, |marks, events| reference.epoch(marks, events))?;
        if drain && emit != Emit::Complete {
            prop_assert_eq!(workers.rows_kept(), 0);
        }
    }

    /// While no row is late, it does not show how rows are cut into epochs.
    #[test]
    fn cuts_into_epochs_do_not_show(
        windows in windows(), events in proptest::collection::vec(event(), 0..40),
        cuts in proptest::collection::vec((any::<Index>(), 1..4_usize), 0..4),
    ) {
        let mut events = events;
        let whole = batches(&mut events, &mut [0; 2], &[]);
        let ends = (i64::MIN, i64::MAX);
        let all = Workers::new(&step(windows, Emit::Append, true), 1).epoch(ends, &whole);
        let mut workers = Workers::new(&step(windows, Emit::Append, true), 1);
        let (mut rest, mut late, none) = (events, Vec::new(), (i64::MIN, i64::MIN));
        for (cut, count) in cuts {
            let behind = rest.split_off(cut.index(rest.len() + 1));
            let parts = [0, 1].map(|it| rest.iter().filter(|e| e.partition == it).cloned().collect());
            let out = workers.epoch(none, &parts);
            prop_assert_eq!(out.rows, vec![]);
            late.extend(out.late);
            workers.restart(count);
            rest = behind;
        }
        let parts = [0, 1].map(|it| rest.iter().filter(|e| e.partition == it).cloned().collect());
        let mut out = workers.epoch(ends, &parts);
        out.late.extend(late);
        out.late.sort();
        prop_assert_eq!((out.rows, out.late), (all.rows, all.late));
    }
}
