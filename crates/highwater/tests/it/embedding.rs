//! Two pipelines in one process, which stays the way it was.
//!
//! What is of the whole process is looked at in a process of its own: this test starts its binary
//! again for the one test that does the work.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::TryStreamExt as _;
use highwater::codec::{Columns, Json, Type};
use highwater::core::ErrorKind;
use highwater::iceberg::FileCatalog;
use highwater::kafka::KafkaSource;
use highwater::pipeline::{Event, Handle, Inline, Options, Pipeline, Plan, Trigger};
use highwater::timely::Threads;
use highwater_testkit::broker::{Authority, Batch, Cluster, Guard, Record};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const OURS: &str = "to see who hears of it";
const GUEST: &str = "HIGHWATER_TEST_GUEST";
const BEGIN: &str = "--- what follows is printed by libraries\n";
const END: &str = "--- what was printed by libraries is above\n";

/// What a process has that a library could change.
#[derive(Debug, PartialEq, Eq)]
struct Process {
    /// Signals with handlers, and those that are ignored.
    signals: Vec<String>,
    subscriber: bool,
    tls_provider: bool,
}

impl Process {
    fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let of_signals = |line: &&str| line.starts_with("SigCgt") || line.starts_with("SigIgn");
        Self {
            signals: status.lines().filter(of_signals).map(ToOwned::to_owned).collect(),
            subscriber: tracing::dispatcher::has_been_set(),
            tls_provider: rustls::crypto::CryptoProvider::get_default().is_some(),
        }
    }
}

/// The names of all threads, as far as the system keeps them: 15 bytes. One without a name has that of
/// the thread that made it.
fn threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| {
        // A thread may have ended in between.
        fs::read_to_string(task.unwrap().path().join("comm")).ok()
    });
    let mut names: Vec<_> = names.map(|name| name.trim_end().to_owned()).collect();
    names.sort();
    names
}

/// A topic behind TLS and a password, tables in a folder, and the runtime of the host.
struct Host {
    folder: TempDir,
    runtime: Runtime,
    cluster: Cluster,
    /// The threads on which closures of users ran.
    computing: Arc<Mutex<BTreeSet<String>>>,
}

impl Host {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let authority = Authority::new("ours").unwrap();
        fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        let guard = Guard::new().tls(&authority.issue("127.0.0.1").unwrap(), None).unwrap();
        let guard = guard.mechanisms(&["SCRAM-SHA-512"]).user("alice", "secret");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("of-the-host")
            .enable_all()
            .build()
            .unwrap();
        let cluster = runtime.block_on(Cluster::guarded(1, guard)).unwrap();
        for topic in ["one", "two"] {
            cluster.create_topic(topic, 2);
        }
        Self { folder, runtime, cluster, computing: Arc::default() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn append(&self, topic: &str, ids: std::ops::Range<usize>) {
        for id in ids {
            let record = Record::value(format!(r#"{{"id": "{topic}-{id}"}}"#));
            self.cluster.append(topic, id % 2, Batch::of([record]));
        }
    }

    /// The pipeline `name`, from the topic of its name to the table of its name.
    fn plan(&self, name: &str) -> Plan {
        let json = Json::try_new(Columns::new().required("id", Type::Text)).unwrap();
        let mut topic = KafkaSource::new(self.cluster.bootstrap(), name);
        for (key, value) in [
            ("security.protocol", "SASL_SSL"),
            ("ssl.ca.location", &self.path("ca.pem")),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.username", "alice"),
            ("sasl.password", "secret"),
        ] {
            topic = topic.property(key, value).unwrap();
        }
        let catalog = FileCatalog::open(&self.path("warehouse")).unwrap();
        let p = Pipeline::new(name);
        let records = p.source("records", topic.decode(json));
        records
            .rejected()
            .sink("rejected", catalog.table(&format!("demo.{name}_rejected")).append());
        let computing = Arc::clone(&self.computing);
        let schema = Columns::new().required("id", Type::Text).schema();
        records
            .map_batches("noted", schema, move |rows, _| {
                let thread = std::thread::current().name().unwrap_or("without a name").to_owned();
                computing.lock().unwrap().insert(thread);
                Ok(rows.clone())
            })
            .sink("rows", catalog.table(&format!("demo.{name}")).append());
        p.build().unwrap()
    }

    fn options(&self, name: &str) -> Options {
        Options::checkpoint(&self.path(&format!("checkpoint/{name}"))).unwrap()
    }

    /// Every id of a table.
    fn ids(&self, table: &str) -> Vec<String> {
        let catalog = FileCatalog::open(&self.path("warehouse")).unwrap();
        let batches: Vec<_> = self.runtime.block_on(async {
            let table = catalog.table(&format!("demo.{table}")).read().await.unwrap();
            table.rows().await.unwrap().try_collect().await.unwrap()
        });
        let mut ids = Vec::new();
        for rows in &batches {
            let column = rows.column_by_name("id").unwrap();
            let column = highwater::arrow::compute::cast(
                column,
                &highwater::arrow::datatypes::DataType::Utf8,
            );
            let column = column.unwrap();
            let column: &highwater::arrow::array::StringArray =
                highwater::arrow::array::AsArray::as_string(&column);
            ids.extend(column.iter().flatten().map(ToOwned::to_owned));
        }
        ids.sort();
        ids
    }
}

/// Waits until a pipeline has read so many records, and gives how many each epoch took.
async fn read(handle: &Handle, records: u64) -> Vec<u64> {
    let mut events = handle.subscribe();
    let mut epochs = Vec::new();
    while epochs.iter().sum::<u64>() < records {
        if let Event::Progress(progress) = events.recv().await.unwrap() {
            epochs.push(progress.num_input_rows);
        }
    }
    epochs
}

/// Both pipelines at once, each with options of its own; then a third that fails.
fn run_guests(host: &Host) {
    host.append("one", 0..40);
    host.append("two", 0..60);
    let few = 15.try_into().unwrap();
    let every = |millis| Trigger::every(Duration::from_millis(millis));
    let one = host.options("one").trigger(every(5)).max_records_per_epoch(few);
    let one = one.executor(Arc::new(Inline));
    let two = host.options("two").trigger(every(20));
    let two = two.executor(Arc::new(Threads::new(2.try_into().unwrap())));
    let before = threads();
    let seen = host.runtime.block_on(async {
        let one = host.plan("one").start(one).unwrap();
        let two = host.plan("two").start(two).unwrap();
        let (of_one, of_two) = tokio::join!(read(&one, 40), read(&two, 60));
        assert!(of_one.iter().all(|records| *records <= 15), "{of_one:?}");
        assert_eq!(of_two, [60], "no limit of its own, so one epoch");
        let seen = threads();
        one.stop().await.unwrap();
        two.stop().await.unwrap();
        seen
    });
    let expected = ["highwater-one-0", "highwater-two-0", "highwater-two-1", "highwater-two-2"];
    // The runtime of the host makes threads when it needs them, under the name that the host chose.
    let mut new: Vec<_> =
        seen.into_iter().filter(|name| !name.starts_with("of-the-host")).collect();
    for name in before {
        if let Some(old) = new.iter().position(|new| *new == name) {
            new.remove(old);
        }
    }
    assert_eq!(new, expected);
    let computing = host.computing.lock().unwrap().clone();
    assert!(computing.contains("highwater-one-0"), "{computing:?}");
    assert!(computing.iter().all(|name| name.starts_with("highwater-")), "{computing:?}");

    let p = Pipeline::new("three");
    let schema = Columns::new().required("id", Type::Text).schema();
    let json = Json::try_new(Columns::new().required("id", Type::Text)).unwrap();
    let topic = KafkaSource::new("127.0.0.1:9", "three").decode(json);
    let records = p.source("records", topic);
    let catalog = FileCatalog::open(&host.path("warehouse")).unwrap();
    records.rejected().sink("rejected", catalog.table("demo.three_rejected").append());
    records
        .map_batches("kept", schema, |rows, _| Ok(rows.clone()))
        .sink("rows", catalog.table("demo.three").append());
    let end = host
        .runtime
        .block_on(async { p.build().unwrap().start(host.options("three")).unwrap().wait().await });
    assert_eq!(end.unwrap_err().error().kind(), ErrorKind::Transient);
}

fn ids(topic: &str, count: usize) -> Vec<String> {
    let mut ids: Vec<_> = (0..count).map(|id| format!("{topic}-{id}")).collect();
    ids.sort();
    ids
}

/// What `the_process_stays_as_it_was` runs in a process of its own.
#[test]
fn guest() {
    if std::env::var_os(GUEST).is_none() {
        return;
    }
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let host = Host::new();
    std::panic::set_hook(Box::new(|panic| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        if panic.payload_as_str() != Some(OURS) {
            eprintln!("{panic}");
        }
    }));
    let before = Process::now();
    print(BEGIN);
    run_guests(&host);
    print(END);
    assert_eq!(Process::now(), before);
    assert!(!before.subscriber && !before.tls_provider, "{before:?}");
    // A hook that is still there is ours: it counts.
    let _caught = std::panic::catch_unwind(|| panic!("{OURS}"));
    let heard = PANICS.load(Ordering::SeqCst);
    let _hook = std::panic::take_hook();
    assert_eq!(heard, 1, "our hook, and nothing has panicked before");
    let recorder = metrics::set_global_recorder(metrics::NoopRecorder);
    assert!(recorder.is_ok(), "a library has installed a recorder");
    assert_eq!(host.ids("one"), ids("one", 40));
    assert_eq!(host.ids("two"), ids("two", 60));
}

#[allow(clippy::print_stdout, reason = "a mark in the output of this process")]
fn print(text: &str) {
    print!("{text}");
}

#[test]
fn the_process_stays_as_it_was() {
    let arguments = ["--exact", "embedding::guest", "--nocapture", "--test-threads=1"];
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(arguments).env(GUEST, "1").env("RUST_LOG", "trace").output().unwrap();
    let Output { status, stdout, stderr } = output;
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert!(status.success(), "{stdout}{stderr}");
    let (_, rest) = stdout.split_once(BEGIN).unwrap();
    let (printed, _) = rest.split_once(END).unwrap();
    assert_eq!((printed, stderr.as_str()), ("", ""));
}
