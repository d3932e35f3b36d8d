//! Runs, ends of all kinds, and runs again.

use highwater_core::{Failpoint, Phase};

use crate::binary::Home;
use crate::events::{Mode, Query, events, expected, files};
use crate::tables::windows;

/// At every failpoint, on other workers before it than after it.
fn killed_anywhere(query: Query, mode: Mode) {
    let home = Home::new();
    // Windows of five minutes close from the third file on, in nearly every epoch.
    let (few, many) = (events(21, 240, 10, 240), events(22, 800, 10, 240));
    home.write("few", &files(&few, 30));
    home.write("many", &files(&many, 40));
    for (round, point) in Failpoint::ALL.iter().enumerate() {
        let (from, at) = match point {
            // Only where rows are replaced does a commit to this table format write anything before its swap.
            Failpoint::ManifestsWritten if mode != Mode::Update => continue,
            // Objects of state are removed when those of sixteen epochs have become one.
            Failpoint::StateTrimmed => ("many", 1),
            Failpoint::StateRestored => ("few", 1),
            // Windows do not close in all epochs.
            Failpoint::FileStaged if mode == Mode::Append => ("few", 2),
            point if point.phase() == Phase::Recover => continue,
            _ => ("few", 5),
        };
        let table = format!("data/killed_{round}");
        let checkpoint = format!("data/checkpoint/{round}");
        let place = ["--from", from, "--table", &table, "--checkpoint", &checkpoint];
        let on = |threads: usize| (threads % 3 + 1).to_string();
        let (before, after) = (on(round), on(round + 1));
        let what = ["--query", query.name(), "--mode", mode.name(), "--threads"];
        let with = |threads| [&what[..], &[threads], &place].concat();
        let at = format!("{}:{at}", point.name());
        assert!(home.run_killed(&with(&before), &at), "{at} was not reached");
        home.finish(&with(&after));
        let events = if from == "few" { &few } else { &many };
        let expected = expected(query, &[events]);
        assert_eq!(&windows(&home, query, &table), expected.rows(mode), "{at}");
        let verify = [&what[..4], &["--table", &table, "--against", from]].concat();
        assert_eq!(home.verify(&verify, 0)["against"]["rows"], events.len(), "{at}");
    }
}

#[test]
fn a_kill_anywhere_leaves_windows_right_that_are_updated() {
    killed_anywhere(Query::Tumbling, Mode::Update);
}

#[test]
fn a_kill_anywhere_leaves_windows_right_that_are_appended() {
    killed_anywhere(Query::Sliding, Mode::Append);
}

#[test]
fn a_kill_anywhere_leaves_windows_right_that_are_replaced() {
    killed_anywhere(Query::Tumbling, Mode::Complete);
}

#[test]
fn a_kill_anywhere_passes_no_event_twice_and_leaves_none_out() {
    let home = Home::new();
    let events = events(23, 90, 10, 240);
    home.write("data/input", &files(&events, 30));
    for (round, point) in Failpoint::ALL.iter().enumerate() {
        if matches!(point.phase(), Phase::Recover | Phase::State)
            || *point == Failpoint::ManifestsWritten
        {
            continue;
        }
        let table = format!("data/killed_{round}");
        let checkpoint = format!("data/checkpoint/{round}");
        let place = ["--table", &table, "--checkpoint", &checkpoint];
        let at = format!("{}:2", point.name());
        assert!(home.run_killed(&place, &at), "{at} was not reached");
        home.finish(&place);
        let report = home.verify(&place[..2], 0);
        assert_eq!((&report["rows"], &report["lastEpoch"]), (&90.into(), &2.into()), "{at}");
    }
}

#[test]
fn a_kill_during_recovery_is_recovered_from() {
    let home = Home::new();
    let events = events(24, 240, 10, 240);
    home.write("data/input", &files(&events, 30));
    let tumbling = ["--query", "tumbling"];
    assert!(home.run_killed(&tumbling, "prepare.record:5"));
    let recover = |point: &&Failpoint| point.phase() == Phase::Recover;
    for point in Failpoint::ALL.iter().filter(recover) {
        assert!(home.run_killed(&tumbling, point.name()), "{} not reached", point.name());
    }
    home.finish(&tumbling);
    let expected = expected(Query::Tumbling, &[&events]).all;
    assert_eq!(windows(&home, Query::Tumbling, "data/event_aggregates"), expected);
}

#[test]
fn an_upgrade_is_checked_without_a_run() {
    let home = Home::new();
    home.write("data/input", &files(&events(25, 90, 10, 240), 30));
    let check = |query: &str| home.call(&["check-upgrade", "--query", query]);
    assert_eq!(check("tumbling").out, "the checkpoint is empty: the pipeline begins anew\n");
    home.finish(&["--query", "tumbling"]);
    let ended = check("tumbling");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("windows"), "{}", ended.out);
    let checkpoint = ["--checkpoint", "data/checkpoint/file-events-tumbling"];
    let other = [&["check-upgrade", "--query", "sliding"], &checkpoint[..]].concat();
    assert_eq!(home.call(&other).code, Some(4));
}

#[test]
fn a_change_of_mode_is_refused() {
    let home = Home::new();
    let events = events(26, 90, 10, 240);
    home.write("data/input", &files(&events, 30));
    home.finish(&["--query", "tumbling"]);
    let before = files_below(&home);
    for mode in ["append", "complete"] {
        let other = ["--query", "tumbling", "--mode", mode];
        let ended = home.call(&[&["check-upgrade"], &other[..]].concat());
        assert!(ended.out.contains("windows: refuse; it kept"), "{}", ended.out);
        assert!(ended.out.contains("; update"), "{}", ended.out);
        ended.assert_failed(4, &["go back to the former step or options"]);
        home.run(&other).assert_failed(
            4,
            &["step windows kept", "; update", "another checkpoint and other tables"],
        );
        // Without the log the table says so.
        let anew = [&other[..], &["--checkpoint", "data/checkpoint/anew"]].concat();
        home.run(&anew).assert_failed(4, &["is lost with the log", "with other tables"]);
    }
    assert_eq!(files_below(&home), before);
    let expected = expected(Query::Tumbling, &[&events]).all;
    assert_eq!(windows(&home, Query::Tumbling, "data/event_aggregates"), expected);
}

/// Every file of the tables.
fn files_below(home: &Home) -> Vec<std::path::PathBuf> {
    let mut files = crate::binary::files(&home.path("data/event_aggregates"));
    files.sort();
    files
}
