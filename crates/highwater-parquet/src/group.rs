//! Row groups, one after the other.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::WriterPropertiesBuilder;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, SchemaDescriptor};

use crate::FileOptions;
use crate::chunk::Chunk;
use crate::codec::Compressor;
use crate::column::{Column, Longs, Shared, Texts, Values};
use crate::pieces::Pieces;
use crate::profile::{Otherwise, choose};

/// Encodes rows into the row groups of a file.
pub(crate) struct Groups {
    file: SerializedFileWriter<Pieces>,
    schema: SchemaRef,
    arrow: ArrowRowGroupWriterFactory,
    leaves: Vec<Leaf>,
    shared: Shared,
    /// Of the row group that is being made.
    rows: usize,
    most_rows: usize,
    most_bytes: usize,
}

/// A leaf column of the row group that is being made.
enum Leaf {
    Own(Box<Column>),
    /// None between two row groups.
    Arrow(Option<Box<ArrowColumnWriter>>),
}

impl Groups {
    /// Begins a file of `schema`, which is `descriptor` in the words of Parquet, for rows that begin
    /// with those of `sample`.
    pub(crate) fn try_new(
        pieces: Pieces,
        schema: SchemaRef,
        descriptor: &SchemaDescriptor,
        options: &FileOptions,
        mut properties: WriterPropertiesBuilder,
        sample: &[RecordBatch],
    ) -> Result<Self> {
        let mut leaves = Vec::new();
        let choices = choose(options.profile, descriptor.columns(), sample);
        for (column, choice) in descriptor.columns().iter().zip(choices) {
            let values = match choice.otherwise {
                Otherwise::Texts(encoding) => Values::Texts(Texts::new(encoding, choice.repeats)),
                Otherwise::Longs { differences } => {
                    Values::Longs(Longs::new(differences, choice.repeats))
                }
                Otherwise::Foreign => {
                    let path = column.path().clone();
                    properties = properties.set_column_dictionary_enabled(path, choice.repeats);
                    leaves.push(Leaf::Arrow(None));
                    continue;
                }
            };
            leaves.push(Leaf::Own(Box::new(Column::new(Chunk::new(Arc::clone(column)), values))));
        }
        let properties = Arc::new(properties.build());
        let compressor = Compressor::try_new(properties.compression(&ColumnPath::from("")))?;
        let file = SerializedFileWriter::new(pieces, descriptor.root_schema_ptr(), properties)?;
        let arrow = ArrowRowGroupWriterFactory::new(&file, Arc::clone(&schema));
        Ok(Self {
            file,
            schema,
            arrow,
            leaves,
            shared: Shared { compressor, page: Vec::new() },
            rows: 0,
            most_rows: options.row_group_rows,
            most_bytes: options.row_group_bytes,
        })
    }

    /// Encodes rows.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let mut begin = 0;
        while begin < rows.num_rows() {
            let count = self.room().min(rows.num_rows() - begin);
            self.encode(&rows.slice(begin, count))?;
            begin += count;
            if self.rows >= self.most_rows || self.bytes_of_group() >= self.most_bytes {
                self.end_group()?;
            }
        }
        Ok(())
    }

    /// The bytes written, and about those of the row group that is being made.
    pub(crate) fn bytes(&self) -> usize {
        self.file.bytes_written() + self.bytes_of_group()
    }

    /// About the memory that it takes.
    pub(crate) fn memory(&self) -> usize {
        let leaves = self.leaves.iter().map(|leaf| match leaf {
            Leaf::Own(column) => column.memory(),
            Leaf::Arrow(writer) => writer.as_ref().map_or(0, |writer| writer.memory_size()),
        });
        let shared = self.shared.compressor.memory() + self.shared.page.capacity();
        leaves.sum::<usize>() + shared + self.file.inner().memory()
    }

    pub(crate) fn pieces(&mut self) -> &mut Pieces {
        self.file.inner_mut()
    }

    /// Writes the footer.
    pub(crate) fn finish(&mut self) -> Result<ParquetMetaData> {
        if self.rows > 0 {
            self.end_group()?;
        }
        self.file.finish()
    }

    /// How many rows the row group has room for, at least one.
    fn room(&self) -> usize {
        let rows = self.most_rows.saturating_sub(self.rows);
        let bytes = self.bytes_of_group();
        let by_bytes = match bytes.checked_div(self.rows) {
            None | Some(0) => rows,
            Some(each) => self.most_bytes.saturating_sub(bytes) / each,
        };
        rows.min(by_bytes).max(1)
    }

    fn bytes_of_group(&self) -> usize {
        let leaves = self.leaves.iter().map(|leaf| match leaf {
            Leaf::Own(column) => column.bytes(),
            Leaf::Arrow(writer) => {
                writer.as_ref().map_or(0, |writer| writer.get_estimated_total_bytes())
            }
        });
        leaves.sum()
    }

    fn encode(&mut self, rows: &RecordBatch) -> Result<()> {
        if self.rows == 0 {
            self.begin_group()?;
        }
        let Self { leaves, shared, schema, .. } = self;
        let mut leaves = leaves.iter_mut();
        for (field, array) in schema.fields().iter().zip(rows.columns()) {
            let mut first = match leaves.next() {
                Some(Leaf::Own(column)) => {
                    column.write(array, shared)?;
                    continue;
                }
                Some(Leaf::Arrow(writer)) => writer.as_deref_mut(),
                None => None,
            };
            for values in compute_leaves(field, array)? {
                let writer = first.take().or_else(|| leaves.next().and_then(Leaf::arrow));
                writer.ok_or_else(no_writer)?.write(&values)?;
            }
        }
        self.rows += rows.num_rows();
        Ok(())
    }

    fn begin_group(&mut self) -> Result<()> {
        let writers = self.arrow.create_column_writers(self.file.flushed_row_groups().len())?;
        for (leaf, writer) in self.leaves.iter_mut().zip(writers) {
            if let Leaf::Arrow(free) = leaf {
                *free = Some(Box::new(writer));
            }
        }
        Ok(())
    }

    fn end_group(&mut self) -> Result<()> {
        let mut group = self.file.next_row_group()?;
        for leaf in &mut self.leaves {
            match leaf {
                Leaf::Own(column) => column.end(&mut group, &mut self.shared)?,
                Leaf::Arrow(writer) => {
                    let chunk = writer.take().ok_or_else(no_writer)?.close()?;
                    chunk.append_to_row_group(&mut group)?;
                }
            }
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

impl Leaf {
    fn arrow(&mut self) -> Option<&mut ArrowColumnWriter> {
        match self {
            Self::Arrow(writer) => writer.as_deref_mut(),
            Self::Own(_) => None,
        }
    }
}

fn no_writer() -> ParquetError {
    ParquetError::General("a column has more leaves than its schema".to_owned())
}
