//! Saves take the place of what they hold, and leave the rest.

use highwater_core::KEY_GROUPS;

use super::*;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn steps(first: i64) -> BTreeMap<Name, StepState> {
    let note = TableNote { first, columns: "k".to_owned(), ..TableNote::default() };
    let tables = BTreeMap::from([(name("rows"), note)]);
    BTreeMap::from([(name("join"), StepState { description: "join v0".to_owned(), tables })])
}

fn save(worker: usize, workers: usize, path: &str, newest: i64) -> WorkerSave {
    let tables = BTreeMap::from([(name("rows"), newest)]);
    let newest = BTreeMap::from([(name("join"), tables)]);
    let written = Some(Written { path: path.to_owned(), bytes: 100, newest });
    WorkerSave { groups: Groups::of_worker(worker, workers), written }
}

fn next(
    manifest: &StateManifest,
    epoch: u64,
    saved: &[WorkerSave],
    steps: BTreeMap<Name, StepState>,
) -> StateManifest {
    manifest.next(Epoch(epoch), Level::of(Epoch(epoch)), saved, steps)
}

fn paths(manifest: &StateManifest) -> Vec<&str> {
    manifest.objects.iter().map(|object| object.path.as_str()).collect()
}

fn after(epochs: impl IntoIterator<Item = u64>) -> StateManifest {
    epochs.into_iter().fold(StateManifest::default(), |manifest, epoch| {
        next(&manifest, epoch, &[save(0, 1, &epoch.to_string(), 0)], steps(0))
    })
}

#[test]
fn a_save_of_a_level_takes_the_place_of_lower_ones() {
    assert_eq!(paths(&after(0..15)).len(), 15);
    assert_eq!(paths(&after(0..16)), ["15"]);
    assert_eq!(paths(&after(0..18)), ["15", "16", "17"]);
    assert_eq!(paths(&after(0..32)), ["15", "31"]);
    assert_eq!(paths(&after(0..256)), ["255"]);
}

#[test]
fn there_are_never_many_objects() {
    let mut manifest = StateManifest::default();
    for epoch in 0..10_000 {
        manifest = next(&manifest, epoch, &[save(0, 1, &epoch.to_string(), 0)], steps(0));
        assert!(manifest.objects.len() <= 46, "{} at {epoch}", manifest.objects.len());
        if let 4095 | 8191 = epoch {
            assert_eq!(paths(&manifest), [epoch.to_string()], "all there is replaces everything");
        }
    }
}

#[test]
fn a_worker_takes_away_its_own_groups_only() {
    let one = after(0..15);
    let half = next(&one, 15, &[save(1, 2, "upper", 0)], steps(0));
    assert_eq!(paths(&half).len(), 16);
    let lower = Groups::of_worker(0, 2);
    assert!(half.objects[..15].iter().all(|object| object.groups == lower));
    assert!(half.objects[15].groups.contains(KEY_GROUPS - 1));
    let other = next(&half, 15, &[save(0, 2, "lower", 0)], steps(0));
    assert_eq!(paths(&other), ["upper", "lower"]);
}

#[test]
fn who_has_nothing_to_write_takes_its_groups_away_all_the_same() {
    let nothing = WorkerSave { groups: Groups::ALL, written: None };
    let nothing = std::slice::from_ref(&nothing);
    assert_eq!(paths(&next(&after(0..3), 3, nothing, steps(0))).len(), 3);
    assert!(paths(&next(&after(0..15), 15, nothing, steps(0))).is_empty());
}

#[test]
fn objects_whose_buckets_are_all_gone_leave() {
    let mut manifest = StateManifest::default();
    for epoch in 0..10 {
        let newest = i64::try_from(epoch).unwrap();
        let save = save(0, 1, &epoch.to_string(), newest);
        manifest = next(&manifest, epoch, &[save], steps(newest - 2));
    }
    assert_eq!(paths(&manifest), ["7", "8", "9"]);
    let unknown = next(&manifest, 10, &[], BTreeMap::new());
    assert_eq!(paths(&unknown).len(), 3, "what nobody notes is not gone");
}

#[test]
fn what_holds_for_several_workers_is_what_holds_for_all() {
    let note = |first, rows| TableNote { first, expired: first, rows, ..TableNote::default() };
    let mut all = Tables::new();
    add_tables(&mut all, Tables::from([(name("a"), note(3, 5))]));
    add_tables(&mut all, Tables::from([(name("a"), note(2, 7)), (name("b"), note(1, 1))]));
    assert_eq!(all, Tables::from([(name("a"), note(2, 12)), (name("b"), note(1, 1))]));
}

#[test]
fn state_of_other_steps_is_told_from_what_fits() {
    let one = |today: BTreeMap<Name, StepState>| {
        let fits = compare_steps(&steps(7), &today);
        fits.into_iter().map(|(step, fit)| (step.as_str().to_owned(), fit)).collect::<Vec<_>>()
    };
    let change = |change: fn(&mut StepState)| {
        let mut today = steps(0);
        change(today.get_mut(&name("join")).unwrap());
        let [(_, fit)] = one(today).try_into().unwrap();
        fit
    };
    let refuse = |then: &str, today: &str| Fit::Refuse { then: then.into(), today: today.into() };
    assert_eq!(change(|_| {}), Fit::Compatible);
    assert_eq!(
        change(|step| step.description = "join v1".to_owned()),
        refuse("state of join v0", "state of join v1")
    );
    assert_eq!(
        change(|step| step.tables.values_mut().for_each(|it| it.columns = "k, v".to_owned())),
        refuse("table rows of k", "table rows of k, v")
    );
    assert_eq!(
        change(|step| step.tables.values_mut().for_each(|it| it.version = 2)),
        Fit::Migrate { table: name("rows"), from: 0, to: 2 }
    );
    assert_eq!(change(|step| step.tables.clear()), refuse("table rows of k", "no table rows"));
    assert_eq!(
        compare_steps(&steps(0), &BTreeMap::new())[&name("join")],
        refuse("state of join v0", "no state")
    );
    assert_eq!(
        compare_steps(&BTreeMap::new(), &steps(0))[&name("join")],
        refuse("no state", "state of join v0")
    );
}

#[test]
fn state_of_a_newer_form_needs_the_newer_binary() {
    let mut then = steps(0);
    let table = then.values_mut().flat_map(|step| step.tables.values_mut());
    table.for_each(|note| note.version = 3);
    let fit = compare_steps(&then, &steps(0)).remove(&name("join")).unwrap();
    let Fit::Refuse { today, .. } = fit else { panic!("{fit:?}") };
    assert!(today.ends_with("start with the newer binary"), "{today}");
}
