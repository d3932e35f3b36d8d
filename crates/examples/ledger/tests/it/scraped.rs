//! Metrics as Prometheus reads them.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStderr, ChildStdout};

use highwater_pipeline::METRICS;
use highwater_testkit::broker::{Batch, Cluster, Record};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::binary::Ledger;

const RECORDS: usize = 300;

/// A run from a broker that goes on until it is asked to stop.
struct Running {
    process: Child,
    out: BufReader<ChildStdout>,
    err: BufReader<ChildStderr>,
}

impl Running {
    fn start(ledger: &Ledger, from: &str) -> Self {
        let mut command =
            ledger.command(&["--from", from, "--trigger", "20ms", "--progress", "json"]);
        let arguments = ["--max-records-per-epoch", "120", "--metrics", "127.0.0.1:0"];
        let mut process = command.args(arguments).spawn().unwrap();
        let out = BufReader::new(process.stdout.take().unwrap());
        let err = BufReader::new(process.stderr.take().unwrap());
        Self { process, out, err }
    }

    /// Where it serves metrics, as it says at its start.
    fn address(&mut self) -> String {
        let mut line = String::new();
        while self.err.read_line(&mut line).unwrap() > 0 {
            if let Some((_, rest)) = line.split_once("serves metrics at http://") {
                return rest.trim_end().strip_suffix("/metrics").unwrap().to_owned();
            }
            line.clear();
        }
        panic!("it ended without serving metrics");
    }

    /// The progress of every epoch until `records` are read.
    fn progress(&mut self, records: u64) -> Vec<Value> {
        let (mut epochs, mut read): (Vec<Value>, u64) = (Vec::new(), 0);
        while read < records {
            let mut line = String::new();
            assert!(self.out.read_line(&mut line).unwrap() > 0, "it ended after {read} records");
            let epoch: Value = serde_json::from_str(&line).unwrap();
            read += epoch["numInputRows"].as_u64().unwrap();
            epochs.push(epoch);
        }
        epochs
    }

    fn stop(mut self) {
        let pid = Pid::from_child(&self.process);
        kill_process(pid, Signal::TERM).unwrap();
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
    }
}

/// What is at a path of the port.
fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// The values of a page by their names with labels.
fn values(page: &str) -> BTreeMap<String, f64> {
    let (head, body) = page.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    let lines = body.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pairs = lines.map(|line| line.rsplit_once(' ').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

#[test]
#[allow(clippy::cast_precision_loss, clippy::float_cmp, reason = "counts of a test")]
fn metrics_progress_and_tables_tell_the_same() {
    let ledger = Ledger::new();
    let runtime = Runtime::new().unwrap();
    let cluster = runtime.block_on(Cluster::start(1)).unwrap();
    cluster.create_topic("transactions", 2);
    let from = format!("generator:rows={RECORDS},seed=3,bad=0.1");
    let generated = ledger.call(&["generate", "--from", &from]);
    for (n, line) in generated.out.lines().enumerate() {
        cluster.append("transactions", n % 2, Batch::of([Record::value(line.to_owned())]));
    }
    let from = format!("kafka://{}/transactions", cluster.bootstrap());
    let mut running = Running::start(&ledger, &from);
    let address = running.address();
    let epochs = running.progress(RECORDS as u64);
    let page = get(&address, "/metrics");
    assert!(get(&address, "/").contains("the metrics are at /metrics"));
    running.stop();

    // The ledger has event time and keeps state only if it takes out duplicates.
    let of_steps =
        ["state_", "late_", "duplicate_", "watermark_"].map(|it| format!("highwater_{it}"));
    let kept = |name: &str| !of_steps.iter().any(|prefix| name.starts_with(prefix.as_str()));
    for metric in METRICS.iter().filter(|metric| kept(metric.name)) {
        let help = format!("# HELP {} {}\n", metric.name, metric.help);
        assert!(page.contains(&help), "{help} is not in {page}");
    }
    let values = values(&page);
    let value = |name: &str, labels: &str| {
        let key = format!("highwater_{name}{{pipeline=\"ledger\"{labels}}}");
        *values.get(&key).unwrap_or_else(|| panic!("{key} is not in {page}"))
    };
    let sum = |pointer: &str| {
        let of = |epoch: &Value| epoch.pointer(pointer).unwrap().as_f64().unwrap();
        epochs.iter().map(of).sum::<f64>()
    };
    let report = ledger.verified(&from);
    let counted = |name: &str| report[name].as_f64().unwrap();
    let source = r#",source="transactions""#;
    assert!(epochs.len() > 2, "limits cut the topic into epochs");
    assert_eq!(value("epochs_total", ""), epochs.len() as f64);
    assert_eq!(value("input_records_total", source), RECORDS as f64);
    assert_eq!(value("input_bytes_total", source), sum("/sources/0/numInputBytes"));
    assert_eq!(value("backlog_records", source), 0.0);
    assert_eq!(value("rejected_records_total", ""), sum("/accounting/rejected"));
    assert_eq!(value("rejected_records_total", ""), counted("rejected"));
    assert!(counted("rejected") > 0.0);
    for (sink, pointer, table) in
        [("ledger", "/sink", "rows"), ("rejected", "/sideSinks/0", "rejected")]
    {
        let labels = format!(r#",sink="{sink}""#);
        let part = |name: &str| sum(&format!("{pointer}/{name}"));
        assert_eq!(value("output_rows_total", &labels), part("numOutputRows"));
        assert_eq!(value("output_rows_total", &labels), counted(table));
        assert_eq!(value("staged_bytes_total", &labels), part("numOutputBytes"));
        assert_eq!(value("staged_files_total", &labels), part("numOutputFiles"));
        assert_eq!(value("conflicts_total", &labels), 0.0);
        assert_eq!(value("unknown_answers_total", &labels), 0.0);
    }
    let last = epochs.last().unwrap();
    assert_eq!(value("last_epoch", ""), last["batchId"].as_f64().unwrap());
    assert_eq!(value("last_epoch", ""), counted("lastEpoch"));
    let planned = last["timestamp"].as_f64().unwrap() / 1e6;
    assert!((value("last_epoch_timestamp_seconds", "") - planned).abs() < 1e-3);
    let seconds = sum("/durationMs/triggerExecution") / 1e3;
    assert!((value("epoch_seconds_sum", "") - seconds).abs() < 1e-6);
    assert_eq!(value("epoch_seconds_count", ""), epochs.len() as f64);
    assert_eq!(value("epoch_seconds_bucket", r#",le="+Inf""#), epochs.len() as f64);
    let plan = value("phase_seconds_sum", r#",phase="plan""#);
    assert!((plan - sum("/durationMs/latestOffset") / 1e3).abs() < 1e-6);
    assert_eq!((value("lives_total", ""), value("recovered_epochs_total", "")), (1.0, 0.0));
}

#[test]
fn a_port_that_is_taken_ends_at_once() {
    let ledger = Ledger::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = ledger.run("generator:rows=5", &["--metrics", &address]);
    ended.assert_failed(1, &[&format!("cannot serve metrics at {address}"), "Next: "]);
}
