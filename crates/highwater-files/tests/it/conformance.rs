//! A directory and a prefix do what every source must do.

use std::fs;
use std::io::Write as _;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use highwater_codec::{Columns, Json, Type};
use highwater_core::Limits;
use highwater_files::FileSource;
use highwater_testkit::conformance;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt as _};

fn json() -> Json {
    Json::try_new(Columns::new().required("id", Type::Long)).unwrap()
}

fn lines(ids: std::ops::Range<u32>) -> Vec<u8> {
    let lines = ids.map(|id| match id % 20 {
        0 => "oops\n".to_owned(),
        1 => format!("{{\"id\": {id}}}\n\n"),
        _ => format!("{{\"id\": {id}}}\n"),
    });
    lines.collect::<String>().into_bytes()
}

/// Files of all kinds: 3,001 records, one of them what is left of a damaged file.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&lines(1_000..2_000)).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut cut = GzEncoder::new(Vec::new(), Compression::none());
    cut.write_all(&lines(2_000..2_500)).unwrap();
    let mut cut = cut.finish().unwrap();
    cut.truncate(cut.len() - 4);
    let mut unended = lines(2_500..3_000);
    unended.pop();
    vec![
        ("a.json", lines(0..1_000)),
        ("b.json.gz", gzip),
        ("c.json.gz", cut),
        ("d.json.zst", zstd::encode_all(&*unended, 3).unwrap()),
        ("empty.json", Vec::new()),
        ("empty.json.gz", Vec::new()),
        ("_hidden", b"hidden\n".to_vec()),
        (".hidden", b"hidden\n".to_vec()),
    ]
}

fn limits(bytes: u64) -> Limits {
    let mut limits = Limits::default();
    limits.bytes = bytes;
    limits
}

#[tokio::test]
async fn a_directory_is_a_source() {
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in files() {
        fs::write(directory.path().join(name), bytes).unwrap();
    }
    let source =
        || FileSource::new(directory.path()).settle(Duration::ZERO).decode(json()).source_columns();
    for bytes in [1, 10_000, 1 << 30] {
        let read = conformance::source(&source(), &limits(bytes)).await;
        assert_eq!(read.records, 3_001);
    }
    let shared = source().bytes_per_range(NonZeroU64::MIN);
    assert_eq!(conformance::source(&shared, &limits(1 << 30)).await.records, 3_001);
    let one = source().max_files_per_epoch(NonZeroUsize::MIN);
    assert_eq!(conformance::source(&one, &limits(1 << 30)).await.records, 3_001);
}

#[tokio::test]
async fn a_prefix_is_a_source() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    for (name, bytes) in files() {
        store.put(&format!("events/{name}").into(), bytes.into()).await.unwrap();
    }
    store.put(&"elsewhere/a".into(), "oops".into()).await.unwrap();
    for (bytes, piece) in [(10_000, 1 << 20), (1 << 30, 1)] {
        let source = FileSource::prefix(Arc::clone(&store), "events", "memory://events");
        let source = source.settle(Duration::ZERO).bytes_per_range(NonZeroU64::new(piece).unwrap());
        let source = source.decode(json()).source_columns();
        assert_eq!(conformance::source(&source, &limits(bytes)).await.records, 3_001);
    }
}
