//! What outlives the pipeline that dies: its sources, its storage and its tables.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use highwater_storage::Storage;

use super::Feed;
use crate::memory::MemoryTable;
use crate::memory_source::MemorySource;
use crate::memory_versions::MemoryVersions;

type Read = Box<dyn Fn() -> Vec<RecordBatch>>;

/// The sources, storage and tables of one run. They outlive the pipeline that dies.
pub struct World {
    sources: RefCell<BTreeMap<String, MemorySource>>,
    versions: RefCell<BTreeMap<String, MemoryVersions>>,
    tables: RefCell<BTreeMap<String, MemoryTable>>,
    storage: Storage,
    reads: RefCell<BTreeMap<String, Read>>,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            sources: RefCell::default(),
            versions: RefCell::default(),
            tables: RefCell::default(),
            storage: Storage::memory(),
            reads: RefCell::default(),
        }
    }

    /// The source `name` with rows of `schema`, in one partition.
    pub fn source(&self, name: &str, schema: SchemaRef) -> MemorySource {
        self.partitioned_source(name, schema, 1)
    }

    /// The source `name` with rows of `schema`, in several partitions.
    pub fn partitioned_source(
        &self,
        name: &str,
        schema: SchemaRef,
        partitions: usize,
    ) -> MemorySource {
        let make = || MemorySource::new(name, schema, partitions);
        self.sources.borrow_mut().entry(name.to_owned()).or_insert_with(make).clone()
    }

    /// The table `name` with rows of `schema`, to be read at its newest version.
    pub fn versions(&self, name: &str, schema: SchemaRef) -> MemoryVersions {
        let make = || MemoryVersions::new(name, schema);
        self.versions.borrow_mut().entry(name.to_owned()).or_insert_with(make).clone()
    }

    /// The table `name` in memory. It is compared without a word about how it is read.
    pub fn table(&self, name: &str) -> MemoryTable {
        let table = {
            let make = || MemoryTable::new(name);
            self.tables.borrow_mut().entry(name.to_owned()).or_insert_with(make).clone()
        };
        let read = table.clone();
        self.read_with(name, move || read.rows());
        table
    }

    /// The storage of tables of any other kind, such as the warehouse of a catalog. It is in
    /// memory, and apart from the checkpoint.
    pub fn storage(&self) -> Storage {
        self.storage.clone()
    }

    /// Says how what is called `name` is read when a run is over, to be compared with the
    /// undisturbed run: the rows of a table, or anything else about it that has to come out the
    /// same. Who says it again says it anew.
    pub fn read_with(&self, name: &str, read: impl Fn() -> Vec<RecordBatch> + 'static) {
        self.reads.borrow_mut().insert(name.to_owned(), Box::new(read));
    }

    /// All that is read at the end, sorted, each row as its columns in words.
    pub(super) fn rows(&self) -> BTreeMap<String, Vec<String>> {
        let rows = |read: &Read| {
            let mut rows: Vec<_> = read().iter().flat_map(in_words).collect();
            rows.sort_unstable();
            rows
        };
        self.reads.borrow().iter().map(|(name, read)| (name.clone(), rows(read))).collect()
    }

    pub(super) fn take(&self, feed: &Feed) {
        let (Feed::Rows(name, _) | Feed::Rejected(name, ..) | Feed::Version(name, _)) = feed;
        if let Feed::Version(_, rows) = feed {
            let versions = self.versions.borrow();
            let Some(table) = versions.get(name) else { panic!("no table {name} to be read") };
            return table.put(rows.clone());
        }
        let sources = self.sources.borrow();
        let Some(source) = sources.get(name) else { panic!("no source {name} in the pipeline") };
        match feed {
            Feed::Rows(_, partitions) => {
                for (partition, rows) in partitions.iter().enumerate() {
                    source.append(partition, rows.clone());
                }
            }
            Feed::Rejected(_, raw, reason) => source.append_rejected(0, raw.clone(), reason),
            Feed::Version(..) => {}
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("sources", &self.sources.borrow().keys())
            .field("read", &self.reads.borrow().keys())
            .finish_non_exhaustive()
    }
}

fn in_words(rows: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default().with_null("null");
    let columns: Vec<_> =
        rows.columns().iter().map(|column| ArrayFormatter::try_new(column, &options)).collect();
    let cell = |row| {
        let cells = columns.iter().map(|column| match column {
            Ok(column) => column.value(row).to_string(),
            Err(error) => error.to_string(),
        });
        cells.collect::<Vec<_>>().join(" | ")
    };
    (0..rows.num_rows()).map(cell).collect()
}
