//! What cannot be written is said before anything is.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use highwater_core::ErrorKind;
use highwater_parquet::{Compression, FileOptions, FileWriter};
use highwater_storage::Storage;

use crate::{field, schema, written};

fn refused(fields: Vec<Field>, options: &FileOptions) -> String {
    let upload = Storage::memory().upload("d/a");
    let error = FileWriter::try_new(Arc::new(Schema::new(fields)), options, upload).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    error.to_string()
}

#[test]
fn schemas_and_options_are_checked_first() {
    let id = || field(1, "id", DataType::Int64, false);
    let none = Field::new("b", DataType::Int64, false);
    let options = FileOptions::default();
    assert!(
        refused(vec![id(), none.clone()], &options).contains("column b of memory://storage/d/a")
    );
    let nested = field(2, "s", DataType::Struct(vec![none].into()), true);
    assert!(refused(vec![id(), nested], &options).contains("s.b"));
    assert!(refused(vec![id(), id()], &options).contains("field id 1"));
    let union =
        DataType::Union(arrow::datatypes::UnionFields::empty(), arrow::datatypes::UnionMode::Dense);
    refused(vec![field(1, "u", union, true)], &options);
    let level = options.with_compression(Compression::Zstd(23));
    assert!(refused(vec![id()], &level).contains("23"));
}

#[test]
fn batches_of_another_schema_are_refused_and_the_file_goes_on() {
    let schema =
        schema([field(1, "id", DataType::Int64, false), field(2, "name", DataType::Utf8, true)]);
    let storage = Storage::memory();
    let options = FileOptions::default();
    let mut file = FileWriter::try_new(Arc::clone(&schema), &options, storage.upload("a")).unwrap();
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let names: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let batch = |columns: Vec<(&str, ArrayRef)>| RecordBatch::try_from_iter(columns).unwrap();
    for (rows, says) in [
        (batch(vec![("id", Arc::clone(&ids))]), "batch of 1 columns"),
        (
            batch(vec![("id", Arc::clone(&names)), ("name", Arc::clone(&names))]),
            "is Int64, not Utf8",
        ),
        (batch(vec![("id", Arc::clone(&ids)), ("name", Arc::clone(&names))]), "id of"),
    ] {
        let error = file.write(&rows).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(says), "{error}");
    }
    let good: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    file.write(&batch(vec![("other name", good), ("name", names)])).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(file.finish()).unwrap().rows, 2);
}

#[test]
fn a_dictionary_array_is_another_type() {
    let schema = schema([field(1, "name", DataType::Utf8, true)]);
    let dictionary: arrow::array::DictionaryArray<arrow::datatypes::Int32Type> =
        ["a", "b"].into_iter().collect();
    let rows = RecordBatch::try_from_iter([("name", Arc::new(dictionary) as ArrayRef)]).unwrap();
    assert!(written(&schema, &FileOptions::default(), &[rows]).is_err());
}
