//! Lines and files that are not what they should be.

use std::sync::Arc;
use std::time::Duration;

use highwater_core::{ErrorKind, Positions, Source as _};
use highwater_files::{FileSource, OnDataLoss};
use object_store::{ObjectStore, ObjectStoreExt as _};

use crate::guarded::Guarded;
use crate::reading::{Files, epoch, json, plan, read};

#[tokio::test]
async fn every_line_is_a_row_or_rejected_or_empty() {
    let files = Files::new();
    let text = b"\xef\xbb\xbf{\"id\":1}\r\n\r\n  \t\n{\"id\":2}\n[{\"id\":3}]\n\xff\xfe\n{\"id\":\"x\"}\n{\"id\":4";
    files.write("a.json", text, 10);
    files.write("b.json", b"{\"id\":5}", 20);
    files.write("c.json", b"\n\n\n", 30);
    let (read, _) = epoch(&files.source(), &Positions::default()).await.unwrap();
    assert_eq!(read.ids, [1, 2, 5]);
    let places: Vec<_> =
        read.rejected.iter().map(|(file, at, raw, _)| (&**file, *at, &**raw)).collect();
    let expected: [(&str, i64, &[u8]); 4] = [
        ("a.json", 28, b"[{\"id\":3}]"),
        ("a.json", 39, b"\xff\xfe"),
        ("a.json", 42, b"{\"id\":\"x\"}"),
        ("a.json", 53, b"{\"id\":4"),
    ];
    assert_eq!(places, expected);
    for (_, at, raw, _) in &read.rejected {
        let at = usize::try_from(*at).unwrap();
        assert_eq!(&text[at..at + raw.len()], &**raw, "the offset is that of the line");
    }
    assert_eq!(read.rejected[1].3, "byte 0: the value is not UTF-8");
}

#[tokio::test]
async fn a_binary_file_is_rejected_line_by_line() {
    let files = Files::new();
    let mut state = 7_u32;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(3 << 20)
    .collect();
    files.write("a.bin", &bytes, 10);
    let (read, _) = epoch(&files.source(), &Positions::default()).await.unwrap();
    let lines =
        bytes.split(|byte| *byte == b'\n').filter(|line| !line.iter().all(u8::is_ascii_whitespace));
    assert_eq!(read.ids.len() + read.rejected.len(), lines.count());
    assert!(read.rejected.len() > 1_000);
}

#[tokio::test]
async fn a_line_that_is_too_long_is_rejected_and_its_neighbours_are_kept() {
    let files = Files::new();
    let mut bytes = b"{\"id\":1}\n".to_vec();
    bytes.resize(bytes.len() + (17 << 20), b'x');
    bytes.extend_from_slice(b"\n{\"id\":2}\n");
    files.write("a.json", &bytes, 10);
    let (read, _) = epoch(&files.source(), &Positions::default()).await.unwrap();
    assert_eq!(read.ids, [1, 2]);
    let (file, at, raw, reason) = &read.rejected[0];
    assert_eq!((&**file, *at, raw.len()), ("a.json", 9, 64 << 10));
    assert_eq!(reason, "the line has 17825792 bytes, more than 16777216");
    assert_eq!(read.rejected.len(), 1);
}

#[tokio::test]
async fn a_file_that_may_not_be_read_is_refused_or_a_gap() {
    let store = Guarded::default();
    for (name, text) in [("in/closed.json", "{\"id\":1}\n"), ("in/open.json", "{\"id\":2}\n")] {
        store.put(&name.into(), text.into()).await.unwrap();
    }
    let store: Arc<dyn ObjectStore> = Arc::new(store);
    let source = |policy| {
        let source = FileSource::prefix(Arc::clone(&store), "in", "memory://in");
        let source = source.settle(Duration::ZERO).on_data_loss(policy);
        source.decode(json())
    };
    let error = plan(&source(OnDataLoss::Fail), &Positions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("memory://in/closed.json"), "{error}");
    assert!(error.next_step().contains("--on-data-loss skip"), "{}", error.next_step());

    let source = source(OnDataLoss::Skip);
    let planned = plan(&source, &Positions::default()).await.unwrap();
    assert_eq!(
        planned.gaps.iter().map(|gap| (gap.from, gap.to)).collect::<Vec<_>>(),
        [(0, Some(10))]
    );
    assert_eq!(read(&source, &planned.ranges).await.unwrap().ids, [2]);
    let next = Positions::default().after(&planned.ranges);
    assert!(plan(&source, &next).await.unwrap().ranges.is_empty());
    assert_eq!(source.ends(&next).await.unwrap().iter().next().unwrap().1.next, 20);
}
