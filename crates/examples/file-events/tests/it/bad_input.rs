//! Files and tables that are not as they should be: a line or a file alone is rejected, or the run is refused
//! before anything is written.

use std::fs;
use std::io::Write as _;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::binary::{Home, files};
use crate::events::{Event, Query, events, expected};
use crate::tables::{rows, texts, windows};

fn lines(events: &[Event]) -> Vec<u8> {
    events.iter().map(Event::line).collect::<String>().into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Files with some fault each, between events that are all right.
fn faulty(events: &[Event]) -> Vec<(String, Vec<u8>)> {
    let of = |part: usize| lines(&events[part * 100..(part + 1) * 100]);
    let mut cut = gzip(&of(2));
    cut.pop();
    let long = format!("{{\"event_id\":\"{}\"}}\n", "x".repeat(17 << 20));
    let binary = (0..2_000_u32).map(|at| u8::try_from(at * 37 % 251).unwrap());
    let binary: Vec<u8> = binary.filter(|byte| *byte != b'\n').collect();
    [
        ("a.json", [&of(0)[..], b"\n  \noops\r\n{\"event_id\":\"cut"].concat()),
        ("b.json.zst", zstd::encode_all(&of(1)[..], 1).unwrap()),
        ("c.json.gz", cut),
        ("d.json", [&b"\xef\xbb\xbf"[..], &of(3), b"{\"event_id\":\"\xff\xfe\"}\n"].concat()),
        ("e.json", [&of(4)[..], long.as_bytes()].concat()),
        ("f.json", binary),
        ("g.json", Vec::new()),
        ("h.json", b"[{\"event_id\":\"in an array\"}]".to_vec()),
    ]
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .into()
}

#[test]
fn faults_reject_their_line_and_nothing_else() {
    let events = events(9, 500, 8, 100);
    for query in [None, Some(Query::Tumbling), Some(Query::Sliding)] {
        let home = Home::new();
        home.write("data/input", &faulty(&events));
        fs::write(home.path("data/input/_hidden.json"), "hidden").unwrap();
        let name = query.map_or("passthrough", Query::name);
        home.finish(&["--query", name, "--max-rejected-ratio", "1"]);
        match query {
            None => {
                let mut ids: Vec<_> = events.iter().map(|event| event.id.to_string()).collect();
                ids.sort();
                assert_eq!(texts(&rows(&home, "data/events"), "event_id"), ids);
            }
            Some(query) => {
                let expected = expected(query, &[&events]);
                assert_eq!(&windows(&home, query, query.table()), expected.rows(query.mode()));
            }
        }
        let table = query.map_or("data/events", Query::table);
        let rejected = rows(&home, &format!("{table}_rejected"));
        let files: Vec<String> = texts(&rejected, "topic");
        let names = files.iter().map(|path| path.rsplit('/').next().unwrap()).collect::<Vec<_>>();
        assert_eq!(
            names,
            ["a.json", "a.json", "c.json.gz", "d.json", "e.json", "f.json", "h.json"]
        );
        let reasons = texts(&rejected, "reason");
        assert!(reasons.iter().all(|reason| !reason.is_empty()), "{reasons:?}");
        let offsets =
            rejected.iter().flat_map(|it| it["offset"].as_primitive::<Int64Type>().iter());
        let begin = i64::try_from(lines(&events[..100]).len()).unwrap();
        assert!(offsets.flatten().any(|offset| offset == begin + 4), "where oops begins");
        home.verify(&["--query", name], 0);
    }
}

#[test]
fn directories_that_cannot_be_read_are_named() {
    let home = Home::new();
    home.run(&[]).assert_failed(2, &["there is no directory ", "data/input", "make it"]);
    fs::create_dir_all(home.path("data")).unwrap();
    fs::write(home.path("data/input"), "a file").unwrap();
    let ended = home.run(&[]);
    assert!(matches!(ended.code, Some(1 | 2 | 4)), "{ended:?}");
    ended.assert_failed(ended.code.unwrap(), &["data/input", "Next: "]);
}

#[test]
fn options_that_do_not_fit_are_refused_before_anything_is_written() {
    let home = Home::new();
    fs::create_dir_all(home.path("data/input")).unwrap();
    let wrong: [(&[&str], &[&str]); 7] = [
        (&["--late"], &["--late", "goes with a query of windows"]),
        (&["--mode", "complete"], &["--mode", "goes with a query of windows"]),
        (
            &["--query", "tumbling", "--table", "demo.windows"],
            &["--mode must be append for an Iceberg table", "say --mode append"],
        ),
        (&["--start", "latest"], &["--start", "is for Kafka"]),
        (&["--encoding", "avro", "--registry", "http://127.0.0.1:1"], &["avro is for Kafka"]),
        (&["--from", "generator:rows=1", "--subdirectories"], &["is for a directory"]),
        (&["--table", "s3://bucket/events"], &["s3://bucket/events"]),
    ];
    for (arguments, words) in wrong {
        home.run(arguments).assert_failed(2, words);
    }
    for (arguments, words) in [
        (["--query", "session"], "passthrough, tumbling, sliding"),
        (["--watermark", "slowest"], "write per-partition or global"),
        (["--mode", "merge"], "append, update, complete"),
    ] {
        let ended = home.run(&arguments);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.err.contains(words), "{}", ended.err);
    }
    assert!(files(&home.path("data/events")).is_empty());
}

#[test]
fn a_table_or_a_log_of_another_query_is_refused() {
    let home = Home::new();
    home.write("data/input", &crate::events::files(&events(3, 100, 60, 0), 100));
    home.finish(&[]);
    let log = ["--query", "tumbling", "--checkpoint", "data/checkpoint/file-events-passthrough"];
    home.run(&log).assert_failed(4, &["is the checkpoint of pipeline file-events-passthrough"]);
    let rejected =
        ["--query", "tumbling", "--table", "data/other", "--checkpoint", "data/checkpoint/t"];
    home.finish(&rejected);
    fs::remove_dir_all(home.path("data/checkpoint/t")).unwrap();
    home.run(&rejected).assert_failed(4, &["is lost with the log"]);
}
