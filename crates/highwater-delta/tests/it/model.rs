//! A table beside a list of rows: updates, replacements, crashes, and what others do meanwhile.

use std::collections::BTreeMap;

use highwater_core::{Ended, Staged, Swap};
use highwater_delta::{DeltaSink, DeltaTable};
use highwater_storage::Storage;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use crate::fixture::{Pipeline, active, compact, foreign, foreign_files, info, table};
use crate::valued::{How, cx, rows, seen, updating};

/// What happens to a table.
#[derive(Clone, Debug)]
enum Event {
    /// An epoch of the sink, and what befalls it.
    Epoch { mode: Mode, rows: BTreeMap<i64, i64>, fate: Fate },
    /// Another writer adds rows, whatever is there.
    Append(Vec<(i64, i64)>),
    /// Another writer puts every so manyth file and its neighbour into one.
    Compact(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Update,
    Complete,
}

/// What befalls an epoch.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Nothing,
    /// The process dies before its commit, and another one commits what was staged.
    DiesBefore,
    /// It dies after its commit, and another one does not know that.
    DiesAfter,
    /// Files are compacted between its load and its swap.
    Conflicts,
    /// Another process sends the same commit first.
    Twin,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let fate = prop_oneof![
        4 => Just(Fate::Nothing),
        1 => Just(Fate::DiesBefore),
        1 => Just(Fate::DiesAfter),
        1 => Just(Fate::Conflicts),
        1 => Just(Fate::Twin),
    ];
    let mode = prop_oneof![5 => Just(Mode::Update), 1 => Just(Mode::Complete)];
    let rows = proptest::collection::btree_map(0..12_i64, 0..100_i64, 0..6);
    let epoch = (mode, rows, fate).prop_map(|(mode, rows, fate)| Event::Epoch { mode, rows, fate });
    let append = vec((0..12_i64, 100..200_i64), 1..4).prop_map(Event::Append);
    let compact = (1..4_usize).prop_map(Event::Compact);
    vec(prop_oneof![6 => epoch, 1 => append, 1 => compact], 1..14)
}

/// A table, and the rows that it should have.
struct Run {
    storage: Storage,
    how: How,
    partitioned: bool,
    mode: Mode,
    pipeline: Pipeline,
    rows: Vec<(i64, i64)>,
    epoch: u64,
}

impl Run {
    async fn new(how: How, partitioned: bool) -> Self {
        let (storage, mode) = (Storage::memory(), Mode::Update);
        let sink = sink(&storage, how, partitioned, mode);
        let pipeline = Pipeline::try_open_with(sink, cx()).await.unwrap();
        Self { storage, how, partitioned, mode, pipeline, rows: Vec::new(), epoch: 0 }
    }

    async fn open(&self) -> Pipeline {
        let sink = sink(&self.storage, self.how, self.partitioned, self.mode);
        Pipeline::try_open_with(sink, cx()).await.unwrap()
    }

    async fn meet(&mut self, event: &Event) {
        match event {
            Event::Epoch { mode, rows, fate } => self.epoch(*mode, rows, *fate).await,
            Event::Append(pairs) => {
                let mut actions = foreign_files(&self.storage, &[rows(pairs)], true).await;
                actions.push(info("WRITE", &json!({})));
                foreign(&self.storage, &actions).await;
                self.rows.extend(pairs);
            }
            Event::Compact(every) => self.compact(*every).await,
        }
        self.rows.sort_unstable();
        assert_eq!(seen(&self.storage).await, self.rows, "after {event:?}");
        active(&self.storage).await;
    }

    async fn epoch(&mut self, mode: Mode, upserts: &BTreeMap<i64, i64>, fate: Fate) {
        if mode != self.mode {
            self.mode = mode;
            self.pipeline = self.open().await;
        }
        let pairs: Vec<_> = upserts.iter().map(|(key, value)| (*key, *value)).collect();
        let halves = pairs.split_at(pairs.len() / 2);
        let batches: Vec<_> = [halves.0, halves.1].into_iter().map(rows).collect();
        let batches = if pairs.is_empty() { &[][..] } else { &batches[..] };
        let staged = self.pipeline.stage(self.epoch, batches).await;
        match fate {
            Fate::Nothing | Fate::DiesAfter => {}
            Fate::DiesBefore => self.pipeline = self.open().await,
            Fate::Conflicts => self.conflicts(&staged).await,
            Fate::Twin => {
                let mut twin = self.open().await;
                self.pipeline.found().await;
                assert_eq!(twin.commit(self.epoch, &staged).await, self.committed());
                let marker = self.pipeline.marker(self.epoch);
                let swap = self.pipeline.committer.swap(&marker, &staged).await;
                assert!(matches!(swap, Swap::Committed), "{swap:?}");
            }
        }
        assert_eq!(self.pipeline.commit(self.epoch, &staged).await, self.committed());
        if matches!(fate, Fate::DiesAfter) {
            self.pipeline = self.open().await;
            assert_eq!(self.pipeline.commit(self.epoch, &staged).await, self.committed());
        }
        self.epoch += 1;
        match mode {
            Mode::Complete if pairs.is_empty() => {}
            Mode::Complete => self.rows.clear(),
            Mode::Update => self.rows.retain(|(key, _)| !upserts.contains_key(key)),
        }
        self.rows.extend(pairs);
    }

    fn committed(&self) -> Ended {
        Ended::Committed(self.pipeline.marker(self.epoch).id)
    }

    async fn conflicts(&mut self, staged: &[Staged]) {
        self.pipeline.found().await;
        self.compact(1).await;
        foreign(&self.storage, &[info("WRITE", &json!({}))]).await;
        let marker = self.pipeline.marker(self.epoch);
        let swap = self.pipeline.committer.swap(&marker, staged).await;
        assert!(matches!(swap, Swap::Conflicted), "{swap:?}");
    }

    /// Puts files together: the rows of a table are all that another engine knows of them.
    async fn compact(&mut self, every: usize) {
        let files = active(&self.storage).await;
        if files.is_empty() {
            return;
        }
        // Files of which some rows are deleted are read through a table of their own.
        let chosen: Vec<_> = files.keys().step_by(every).cloned().collect();
        let kept = files.keys().filter(|path| !chosen.contains(path)).cloned().collect::<Vec<_>>();
        let all = seen(&self.storage).await;
        let others = rows_in(&self.storage, &kept).await;
        let rest = without(all, others);
        let batches = if rest.is_empty() { vec![] } else { vec![rows(&rest)] };
        compact(&self.storage, &chosen, &batches).await;
    }
}

/// What a reader would see if the table had these files alone.
async fn rows_in(storage: &Storage, paths: &[String]) -> Vec<(i64, i64)> {
    let files = active(storage).await;
    let copy = Storage::memory();
    for object in storage.list("").await.unwrap() {
        let bytes = storage.read(&object.path).await.unwrap().unwrap();
        copy.replace(&object.path, bytes).await.unwrap();
    }
    let gone = files.iter().filter(|(path, _)| !paths.contains(path));
    let remove = gone.map(|(path, file)| {
        json!({"remove": {
            "path": path, "dataChange": true, "deletionTimestamp": 1,
            "deletionVector": file["deletionVector"],
        }})
    });
    let mut actions: Vec<_> = remove.collect();
    actions.push(info("DELETE", &json!({})));
    foreign(&copy, &actions).await;
    seen(&copy).await
}

fn without(mut all: Vec<(i64, i64)>, some: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    for row in some {
        let at = all.iter().position(|other| *other == row).expect("a row that is there");
        all.remove(at);
    }
    all
}

fn sink(storage: &Storage, how: How, partitioned: bool, mode: Mode) -> DeltaSink {
    let sink = match mode {
        Mode::Update => updating(storage, how),
        Mode::Complete => DeltaTable::new(storage.clone()).complete(),
    };
    if partitioned { sink.partition_by(["third"]) } else { sink }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_has_the_rows_of_the_model(
        events in events(),
        vectors in any::<bool>(),
        partitioned in any::<bool>(),
    ) {
        let how = if vectors { How::Vectors } else { How::Copies };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::new(how, partitioned).await;
            for event in &events {
                run.meet(event).await;
            }
            let version = table(&run.storage).await.version();
            assert!(version >= run.epoch, "{version}");
        });
    }
}
