//! Records that nobody has checked: what the decoder stops in takes nothing of others with it.

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Field, Int32Type, Schema};

use super::*;
use crate::avro::node::Node;
use crate::avro::resolve::Resolver;

const WRITER: &str = r#"{"type":"record","name":"R","fields":[
    {"name":"text","type":"string"},{"name":"number","type":["null","int"]},{"name":"last","type":"string"}]}"#;

/// An engine that reads the numbers alone, or all of it.
fn engine(fields: &[(&str, DataType, bool)]) -> Engine {
    let writer = serde_json::from_str(WRITER).unwrap();
    let Node::Record(mut reader) = Node::build(&writer, &[]).unwrap() else { panic!() };
    reader.fields.retain(|field| fields.iter().any(|(name, ..)| *name == field.names.name));
    let field =
        |(name, kind, null): &(&str, DataType, bool)| Field::new(*name, kind.clone(), *null);
    let schema = Arc::new(Schema::new(fields.iter().map(field).collect::<Vec<_>>()));
    let writer = Node::build(&writer, &[]).unwrap();
    let resolution = Resolver::new(false).resolve(&writer, &reader, schema.fields()).unwrap();
    Engine::try_new(SchemaId::Registry(1), schema, resolution).unwrap()
}

#[test]
fn the_good_records_of_a_call_are_decoded_once_more_without_the_bad_ones() {
    let good = |number: u8| vec![0, 0, 0, 0, 1, 2, b'a', 2, 2 * number, 2, b'z'];
    let bad = [
        vec![0, 0, 0, 0, 1, 2, b'a', 2, 8, 9, b'z'],
        vec![0, 0, 0, 0, 1, 2, b'a'],
        vec![0, 0, 0, 0, 1],
        vec![0, 0, 0, 0, 1, 2, b'a', 2, 8, 2, b'z', 0],
        vec![0, 0, 0, 0, 1, 2, 0xff, 2, 8, 2, b'z'],
        vec![0, 0, 0, 0, 2, 2, b'a', 2, 8, 2, b'z'],
    ];
    let whole = [
        ("text", DataType::Utf8, false),
        ("number", DataType::Int32, true),
        ("last", DataType::Utf8, false),
    ];
    let mut engine = engine(&whole);
    for bad in bad {
        let values = [good(1), bad.clone(), good(2), good(3)];
        let mut outcomes = vec![None; 4];
        for _ in 0..2 {
            engine.waiting = (0..4).collect();
            let rows = engine.decode(|place| &values[place], &mut outcomes).unwrap();
            let numbers = rows.column(1).as_primitive::<Int32Type>();
            assert_eq!(numbers.values(), &[1, 2, 3], "{bad:?}");
            assert_eq!(engine.waiting, [0, 2, 3]);
            let rejected: Vec<_> = outcomes.iter().map(Option::is_some).collect();
            assert_eq!(rejected, [false, true, false, false]);
        }
    }
}

#[test]
fn a_value_that_its_column_cannot_hold_is_rejected_alone() {
    let mut engine = engine(&[("number", DataType::Int32, false)]);
    let null = [0, 0, 0, 0, 1, 0, 0, 0];
    let one = [0, 0, 0, 0, 1, 0, 2, 2, 0];
    let values: [&[u8]; 3] = [&one, &null, &one];
    let mut outcomes = vec![None; 3];
    engine.waiting = (0..3).collect();
    let rows = engine.decode(|place| values[place], &mut outcomes).unwrap();
    assert_eq!(rows.num_rows(), 2);
    assert!(outcomes[1].as_ref().unwrap().to_string().starts_with("not decoded: "));
}
