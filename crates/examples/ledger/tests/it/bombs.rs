//! Records and batches made to exhaust memory: refused or rejected where they stand, and memory stays bounded.

use std::fs;
use std::io::Write as _;
use std::process::Child;
use std::thread::sleep;
use std::time::Duration;

use highwater_testkit::broker::{Batch, Cluster, Packing, Record};
use tokio::runtime::Runtime;

use crate::binary::{Ended, Ledger};

/// The process may never have more than this resident: the defaults, and what one batch may unpack to.
const MOST_KIB: u64 = 384 << 10;
static CHUNK: [u8; 1 << 20] = [0; 1 << 20];
/// What the bombs unpack to, in chunks.
const CHUNKS: usize = 1 << 9;

fn fill(mut writer: impl std::io::Write) {
    for _ in 0..CHUNKS {
        writer.write_all(&CHUNK).unwrap();
    }
}

fn gzip(_: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut writer = flate2::write::GzEncoder::new(&mut packed, flate2::Compression::fast());
    fill(&mut writer);
    writer.finish().unwrap();
    packed
}

/// A length of 4 GiB, and nothing behind it.
fn snappy(_: &[u8]) -> Vec<u8> {
    vec![0xff, 0xff, 0xff, 0xff, 0x0f, 0xfe, 0x01, 0x00]
}

fn lz4(_: &[u8]) -> Vec<u8> {
    let mut writer = lz4_flex::frame::FrameEncoder::new(Vec::new());
    fill(&mut writer);
    writer.finish().unwrap()
}

fn zstd(_: &[u8]) -> Vec<u8> {
    let mut writer = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    fill(&mut writer);
    writer.finish().unwrap()
}

/// A frame that announces a terabyte.
fn zstd_announced(_: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xe0];
    frame.extend_from_slice(&(1_u64 << 40).to_le_bytes());
    frame.extend_from_slice(&[0x01, 0x00, 0x00]);
    frame
}

fn good(n: u32) -> Record {
    let text = format!(
        r#"{{"transaction_id":"t{n}","account_from":"a","account_to":"b","amount":"1.00","currency":"EUR","transaction_type":"transfer","timestamp":"2025-01-01T00:00:00Z"}}"#
    );
    Record::value(text)
}

/// A topic, one partition of which holds three batches: a good record, the bomb, a good record.
struct Mined {
    ledger: Ledger,
    from: String,
    _broker: (Runtime, Cluster),
}

impl Mined {
    fn new(bomb: Batch) -> Self {
        let runtime = Runtime::new().unwrap();
        let cluster = runtime.block_on(Cluster::start(1)).unwrap();
        cluster.create_topic("mined", 1);
        for batch in [Batch::of([good(1)]), bomb, Batch::of([good(2)])] {
            cluster.append("mined", 0, batch);
        }
        let from = format!("kafka://{}/mined", cluster.bootstrap());
        Self { ledger: Ledger::new(), from, _broker: (runtime, cluster) }
    }

    /// Runs the ledger over the topic and checks that its memory stays bounded.
    fn run(&self) -> Ended {
        let lenient = ["--max-rejected-ratio", "1", "--trigger", "available-now"];
        let child = self.ledger.command(&[&["--from", &self.from][..], &lenient].concat());
        let (ended, peak) = watched({ child }.spawn().unwrap());
        assert!(peak > 0 && peak < MOST_KIB, "{peak} KiB at most: {ended:?}");
        ended
    }
}

/// The end of a process, and the most KiB it was seen to have resident.
fn watched(mut child: Child) -> (Ended, u64) {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let found = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(found.unwrap_or(0));
        sleep(Duration::from_millis(1));
    }
    (child.wait_with_output().unwrap().into(), peak)
}

#[test]
fn a_batch_that_unpacks_to_a_bomb_stops_the_run_at_its_offset() {
    let too_much = ["topic mined partition 0 offset 1: ", "unpacks to more than", "Next: "];
    for (codec, pack) in [(1, gzip as fn(&[u8]) -> Vec<u8>), (3, lz4), (4, zstd)] {
        let bomb = Batch::of([good(0)]).packed(Packing { codec, pack });
        Mined::new(bomb).run().assert_failed(4, &too_much);
    }
    for (codec, pack) in [(2, snappy as fn(&[u8]) -> Vec<u8>), (4, zstd_announced)] {
        let bomb = Batch::of([good(0)]).packed(Packing { codec, pack });
        let ended = Mined::new(bomb).run();
        assert!(matches!(ended.code, Some(1 | 4)), "{ended:?}");
        ended.assert_failed(ended.code.unwrap(), &["topic mined partition 0 offset 1: ", "Next: "]);
    }
}

#[test]
fn a_batch_of_too_many_records_stops_the_run_at_its_offset() {
    let bomb = Batch::of(std::iter::repeat_n(Record::default(), 1_000_001));
    let words = ["topic mined partition 0 offset 1: a batch of 1000001 records", "Next: "];
    Mined::new(bomb).run().assert_failed(1, &words);
}

#[test]
fn a_record_that_is_a_bomb_is_rejected_and_its_neighbours_are_kept() {
    let text = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut text = Vec::new();
        write(&mut text);
        Record::value(text)
    };
    let deep = text(&|text| text.resize(15 << 20, b'['));
    let wide = text(&|text| {
        text.push(b'{');
        (0..1_000_000).for_each(|n| write!(text, r#""k{n}":0,"#).unwrap());
        text.extend_from_slice(br#""k":0}"#);
    });
    let long = text(&|text| {
        text.extend_from_slice(br#"{"transaction_id":""#);
        text.resize(17 << 20, b'x');
        text.extend_from_slice(br#""}"#);
    });
    let large = Record::value(
        r#"{"transaction_id":"t","account_from":"a","account_to":"b","amount":"1e2000000000","currency":"EUR","transaction_type":"transfer","timestamp":"2025-01-01T00:00:00Z"}"#,
    );
    for bomb in [deep, wide, long, large] {
        let mined = Mined::new(Batch::of([bomb]));
        let ended = mined.run();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let found = mined.ledger.verified(&mined.from);
        assert_eq!((&found["rows"], &found["rejected"]), (&2.into(), &1.into()), "{found}");
    }
}
