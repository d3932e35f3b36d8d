//! Rows find their partitions, and readers find them there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use highwater_core::{Ended, ErrorKind, Sink, Staged, StreamInfo, Swap};
use highwater_iceberg::{FileCatalog, IcebergSink, bucket, day, identity, truncate};
use highwater_storage::Storage;
use iceberg::spec::{Literal, Manifest, ManifestFile, ManifestList, TableMetadata};
use serde_json::{Value, json};

use crate::fixture::{Pipeline, TABLE, context, ids, rewrite, rows, schema, table, version};

fn sink(warehouse: &Storage) -> IcebergSink {
    FileCatalog::new(warehouse.clone()).table(TABLE).append()
}

async fn open(sink: IcebergSink) -> Pipeline {
    Pipeline::try_open_with(sink, context("ledger", "run")).await.unwrap()
}

/// Rows with these notes and days since 1970.
fn noted(rows: &[(i64, Option<&str>, i64)]) -> RecordBatch {
    let ids = Int64Array::from_iter_values(rows.iter().map(|row| row.0));
    let notes = rows.iter().map(|row| row.1).collect::<StringArray>();
    let times = rows.iter().map(|row| row.2 * 86_400_000_000);
    let times = TimestampMicrosecondArray::from_iter_values(times).with_timezone("+00:00");
    let amounts = arrow::array::new_null_array(schema().field(2).data_type(), rows.len());
    let columns: Vec<ArrayRef> = vec![Arc::new(ids), Arc::new(notes), amounts, Arc::new(times)];
    RecordBatch::try_new(schema(), columns).unwrap()
}

async fn metadata(warehouse: &Storage) -> TableMetadata {
    let path = format!("demo/orders/metadata/v{}.metadata.json", version(warehouse).await);
    serde_json::from_slice(&warehouse.read(&path).await.unwrap().unwrap()).unwrap()
}

/// The manifests of the current snapshot, each with its live entries: path and partition.
async fn manifests(
    warehouse: &Storage,
) -> Vec<(ManifestFile, Vec<(String, Vec<Option<Literal>>)>)> {
    let metadata = metadata(warehouse).await;
    let read = |location: &str| {
        let path = warehouse.path_of(location).unwrap();
        async move { warehouse.read(&path).await.unwrap().unwrap() }
    };
    let list = read(metadata.current_snapshot().unwrap().manifest_list()).await;
    let list = ManifestList::parse_with_version(&list, metadata.format_version()).unwrap();
    let mut found = Vec::new();
    for file in list.consume_entries() {
        let manifest = Manifest::parse_avro(&read(&file.manifest_path).await).unwrap();
        let entry = |entry: &Arc<iceberg::spec::ManifestEntry>| {
            let file = entry.data_file();
            let partition = file.partition().fields().to_vec();
            (file.file_path().to_owned(), partition)
        };
        found.push((file, manifest.entries().iter().map(entry).collect()));
    }
    found
}

fn directory(path: &str) -> String {
    let below = path.strip_prefix("memory://storage/demo/orders/data/").unwrap();
    below.rsplit_once('/').map_or(String::new(), |(directory, _)| directory.to_owned())
}

#[tokio::test]
async fn each_partition_has_files_of_its_own() {
    let warehouse = Storage::memory();
    let sink = sink(&warehouse).partition_by([day("at"), truncate(1, "note")]);
    let mut pipeline = open(sink).await;
    let batch = noted(&[
        (1, Some("apple"), 0),
        (2, Some("avocado"), 0),
        (3, None, -1),
        (4, Some("pear"), 17_486),
        (5, Some("plum"), 0),
    ]);
    pipeline.append(0, &[batch]).await;
    assert_eq!(ids(&warehouse).await, [1, 2, 3, 4, 5]);

    let spec = metadata(&warehouse).await.default_partition_spec().fields().to_vec();
    let names: Vec<_> = spec.iter().map(|field| (field.name.as_str(), field.field_id)).collect();
    assert_eq!(names, [("at_day", 1000), ("note_trunc_1", 1001)]);

    let manifests = manifests(&warehouse).await;
    let [(listed, entries)] = manifests.as_slice() else { panic!("{manifests:?}") };
    let found: BTreeMap<String, Vec<Option<Literal>>> =
        entries.iter().map(|(path, partition)| (directory(path), partition.clone())).collect();
    let partition =
        |day: i32, note: Option<&str>| vec![Some(Literal::date(day)), note.map(Literal::string)];
    let expected = BTreeMap::from([
        ("at_day=1970-01-01/note_trunc_1=a".to_owned(), partition(0, Some("a"))),
        ("at_day=1969-12-31/note_trunc_1=null".to_owned(), partition(-1, None)),
        ("at_day=2017-11-16/note_trunc_1=p".to_owned(), partition(17_486, Some("p"))),
        ("at_day=1970-01-01/note_trunc_1=p".to_owned(), partition(0, Some("p"))),
    ]);
    assert_eq!(found, expected);

    let summaries = listed.partitions.as_ref().unwrap();
    assert_eq!((summaries[0].contains_null, summaries[1].contains_null), (false, true));
    let bounds = summaries.iter().flat_map(|of| [&of.lower_bound, &of.upper_bound]);
    let bounds: Vec<Vec<u8>> = bounds.map(|bound| bound.as_ref().unwrap().to_vec()).collect();
    let (first, last) = ((-1_i32).to_le_bytes(), 17_486_i32.to_le_bytes());
    assert_eq!(bounds, [&first[..], &last, b"a", b"p"]);
    assert_eq!(table(&warehouse).await.summary("changed-partition-count"), Some("4"));
}

#[tokio::test]
async fn no_value_leads_out_of_the_table() {
    let directory = tempfile::tempdir().unwrap();
    let warehouse = directory.path().join("inner/warehouse");
    let warehouse = Storage::open(warehouse.to_str().unwrap()).unwrap();
    let long = "long ".repeat(60);
    let values = [
        "../../../x",
        "..",
        ".",
        "",
        "/",
        "/etc/x",
        "a/b",
        "a\\b",
        "nul\0",
        "\n",
        "null",
        "Zoë Ü",
        "日本",
        "%2F",
        "a=b",
        "x#7",
        "~",
        "*?",
        &long,
    ];
    let mut rows: Vec<_> = (1..).zip(values).map(|(id, value)| (id, Some(value), 0)).collect();
    rows.push((0, None, 0));
    let mut pipeline = open(sink(&warehouse).partition_by([identity("note")])).await;
    pipeline.append(0, &[noted(&rows)]).await;
    assert_eq!(ids(&warehouse).await.len(), rows.len());

    let mut outside: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(outside.pop().unwrap().unwrap().file_name(), "inner");
    assert!(outside.is_empty());
    let objects =
        Storage::open(directory.path().to_str().unwrap()).unwrap().list("").await.unwrap();
    for object in &objects {
        assert!(object.path.starts_with("inner/warehouse/demo/orders/"), "{}", object.path);
    }
    let data = objects.iter().filter(|object| object.path.contains("/orders/data/note="));
    assert_eq!(data.count(), rows.len());
    // What the directories are called tells nothing: "null" and null are two partitions.
    let found: BTreeSet<String> = manifests(&warehouse).await[0]
        .1
        .iter()
        .map(|(_, partition)| format!("{:?}", partition[0]))
        .collect();
    assert_eq!(found.len(), rows.len());
}

/// Appends a partition spec to the newest metadata and makes it the default one.
fn respec(metadata: &mut Value, fields: &Value) {
    let specs = metadata["partition-specs"].as_array_mut().unwrap();
    let id = specs.len();
    specs.push(json!({"spec-id": id, "fields": fields}));
    metadata["default-spec-id"] = json!(id);
    metadata["last-partition-id"] = json!(1100);
}

fn by_note() -> Value {
    json!([{"source-id": 2, "field-id": 1100, "name": "note_trunc_1", "transform": "truncate[1]"}])
}

#[tokio::test]
async fn files_keep_the_spec_they_were_planned_with() {
    let warehouse = Storage::memory();
    let mut pipeline = open(sink(&warehouse).partition_by([bucket(2, "id")])).await;
    pipeline.append(0, &[rows(0..8)]).await;
    let planned = pipeline.stage(1, &[rows(8..16)]).await;
    rewrite(&warehouse, |metadata| respec(metadata, &by_note())).await;
    let mine = pipeline.marker(1).id;
    assert_eq!(pipeline.commit(1, &planned).await, Ended::Committed(mine));
    pipeline.append(2, &[rows(16..24)]).await;
    assert_eq!(ids(&warehouse).await, (0..24).collect::<Vec<_>>());

    let manifests = manifests(&warehouse).await;
    let found: Vec<_> = manifests
        .iter()
        .map(|(listed, entries)| {
            let names = entries.iter().map(|(path, _)| directory(path));
            let names = names.map(|name| name.split('=').next().unwrap().to_owned());
            (listed.partition_spec_id, names.collect::<BTreeSet<_>>())
        })
        .collect();
    let names = |name: &str| BTreeSet::from([name.to_owned()]);
    let (bucket, note) = (names("id_bucket_2"), names("note_trunc_1"));
    assert_eq!(found, [(1, note), (0, bucket.clone()), (0, bucket)]);
}

#[tokio::test]
async fn a_spec_of_a_column_that_was_dropped_still_serves_its_files() {
    let warehouse = Storage::memory();
    open(sink(&warehouse).partition_by([identity("note")])).await;
    let mut cx = context("ledger", "run");
    let fields = schema().fields().iter().take(1).cloned().collect::<Vec<_>>();
    let only_id = Arc::new(arrow::datatypes::Schema::new(fields));
    cx.input = StreamInfo::new(only_id);
    let mut pipeline = Pipeline::try_open_with(sink(&warehouse), cx).await.unwrap();
    let batch = |range| rows(range).project(&[0]).unwrap();
    let planned = pipeline.stage(0, &[batch(0..4)]).await;
    rewrite(&warehouse, |metadata| {
        respec(metadata, &json!([]));
        let mut later = metadata["schemas"][0].clone();
        later["schema-id"] = json!(1);
        later["fields"].as_array_mut().unwrap().retain(|field| field["name"] != "note");
        metadata["schemas"].as_array_mut().unwrap().push(later);
        metadata["current-schema-id"] = json!(1);
    })
    .await;
    let mine = pipeline.marker(0).id;
    assert_eq!(pipeline.commit(0, &planned).await, Ended::Committed(mine));
    pipeline.append(1, &[batch(4..6)]).await;
    assert_eq!(ids(&warehouse).await, (0..6).collect::<Vec<_>>());
}

#[tokio::test]
async fn files_of_a_spec_that_is_gone_are_refused() {
    let warehouse = Storage::memory();
    let mut pipeline = open(sink(&warehouse).partition_by([bucket(2, "id")])).await;
    let planned = pipeline.stage(0, &[rows(0..8)]).await;
    rewrite(&warehouse, |metadata| {
        respec(metadata, &by_note());
        metadata["partition-specs"].as_array_mut().unwrap().remove(0);
    })
    .await;
    pipeline.found().await;
    let marker = pipeline.marker(0);
    let Swap::Failed(error) = pipeline.committer.swap(&marker, &planned).await else { panic!() };
    assert_eq!(error.kind(), ErrorKind::Refused);
    let text = "iceberg: table demo.orders no longer has the partition spec 0, under which files \
                were staged";
    assert_eq!(error.to_string(), text);
    assert!(ids(&warehouse).await.is_empty());
}

#[tokio::test]
async fn a_table_that_is_there_keeps_its_partitions() {
    let warehouse = Storage::memory();
    open(sink(&warehouse).partition_by([bucket(2, "id")])).await.append(0, &[rows(0..4)]).await;
    let mut pipeline = open(sink(&warehouse).partition_by([identity("note")])).await;
    pipeline.append(1, &[rows(4..8)]).await;
    assert!(manifests(&warehouse).await.iter().all(|(listed, _)| listed.partition_spec_id == 0));
    assert_eq!(metadata(&warehouse).await.partition_specs_iter().len(), 1);
    assert_eq!(ids(&warehouse).await.len(), 8);
}

#[tokio::test]
async fn partitions_survive_the_merging_of_manifests() {
    let warehouse = Storage::memory();
    let sink = sink(&warehouse)
        .partition_by([bucket(4, "id"), identity("note")])
        .create_property("commit.manifest.min-count-to-merge", "3");
    let mut pipeline = open(sink).await;
    for epoch in 0..7 {
        let first = i64::try_from(epoch).unwrap() * 4;
        pipeline.append(epoch, &[rows(first..first + 4)]).await;
    }
    let manifests = manifests(&warehouse).await;
    assert!(manifests.len() < 4, "{}", manifests.len());
    for (path, partition) in manifests.iter().flat_map(|(_, entries)| entries) {
        let Some(Literal::Primitive(bucket)) = &partition[0] else { panic!("{partition:?}") };
        let expected = format!("{bucket:?}");
        let number = directory(path);
        let number = number.split('/').next().unwrap().strip_prefix("id_bucket_4=").unwrap();
        assert_eq!(expected, format!("Int({number})"));
    }
    assert_eq!(ids(&warehouse).await, (0..28).collect::<Vec<_>>());
}

#[tokio::test]
async fn partitions_that_rest_are_closed_when_memory_is_short() {
    let batches: Vec<_> = (0..40).map(|batch| rows(batch * 50..batch * 50 + 50)).collect();
    let staged = |memory: usize| {
        let batches = batches.clone();
        async move {
            let warehouse = Storage::memory();
            let sink = sink(&warehouse).partition_by([truncate(500, "id"), bucket(4, "id")]);
            let mut pipeline = open(sink.writer_memory(memory)).await;
            let staged = pipeline.stage(0, &batches).await;
            let mine = pipeline.marker(0).id;
            assert_eq!(pipeline.commit(0, &staged).await, Ended::Committed(mine));
            assert_eq!(ids(&warehouse).await, (0..2000).collect::<Vec<_>>());
            staged
        }
    };
    // Four ranges of ids one after the other, four buckets each.
    assert_eq!(staged(64 << 20).await.len(), 16);
    assert!(staged(1).await.len() > 100);
    // Room for the buckets of one range: those of the ranges before are closed, and only once.
    let some = staged(100 << 10).await;
    assert_eq!(some.len(), 16);
    let first = |file: &Staged| directory(&file.path);
    assert!(first(&some[0]).starts_with("id_trunc_500=0/"), "{some:?}");
}

#[test]
fn partitions_are_checked_before_anything_runs() {
    for (fields, problem) in [
        (vec![day("absent")], "there is no column absent"),
        (vec![bucket(0, "id")], "it needs a number from 1 to 2147483647"),
        (vec![day("id")], "id is long, which it does not take"),
    ] {
        let sink = sink(&Storage::memory()).partition_by(fields.clone());
        let error = sink.resolve(&StreamInfo::new(schema())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let text = format!("table demo.orders cannot be partitioned by {}", fields[0]);
        assert_eq!(error.to_string(), format!("iceberg: {text}: {problem}"));
    }
}
