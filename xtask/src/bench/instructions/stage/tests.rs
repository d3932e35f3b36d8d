//! Names as callgrind writes them.

use super::*;

#[test]
fn the_first_crate_of_a_name_decides() {
    let of = [
        ("sha2::sha256::soft::unroll::compress", "SHA-256"),
        ("highwater_codec::json::compiled::<impl highwater_codec::json::Object>::read", "codec"),
        ("<highwater_kafka::decoder::D as highwater_core::source::Decoder>::decode", "kafka"),
        ("<&mut serde_json::ser::Serializer<W,F> as serde_core::ser::Serializer>::a", TABLES),
        ("<iceberg::avro::A as iceberg::spec::V>::map'2", TABLES),
        ("core::ptr::drop_in_place<highwater_codec::error::CodecError>", "codec"),
        ("core::ptr::drop_in_place<alloc::vec::Vec<arrow_array::A>>", "arrow"),
        ("<alloc::vec::Vec<T> as alloc::vec::SpecFromIter<T,I>>::from_iter", GENERIC),
        ("hashbrown::map::HashMap<K,V,S,A>::insert", GENERIC),
        ("<tokio::task::Task as core::future::Future>::poll", REST),
        ("highwater_parquet::zstd::put", "parquet"),
        ("parquet::file::writer::write", "arrow"),
        ("HUF_compress1X_usingCTable_internal_bmi2", ZSTD),
        ("__memcpy_avx_unaligned_erms", MEMORY),
        ("__rustc::__rust_dealloc", ALLOCATOR),
        ("_int_free'2", ALLOCATOR),
        ("unlink_chunk.constprop.0", ALLOCATOR),
        ("freeaddrinfo", REST),
        ("memchr::memmem::find", REST),
        ("sqlite3_step", REST),
    ];
    for (name, wanted) in of {
        assert_eq!(stage(name), wanted, "{name}");
    }
}

#[test]
fn an_allocation_is_counted_once() {
    let run = "\
fn=(1) highwater_codec::json::read
1 1
cfn=(2) __rustc::__rust_alloc
calls=5 1
1 50
cfn=(3) malloc
calls=2 1
1 20
cfn=(4) free
calls=7 1
1 7
fn=(2)
cfn=(3)
calls=5 1
1 45
fn=(3)
cfn=(5) _int_malloc
calls=1 1
1 3
fn=(6) ZSTD_createCCtx
cfn=(7) calloc
calls=3 1
1 9
fn=(8) realloc
cfn=(3)
calls=4 1
1 9
totals: 1
";
    let counts = counts(&Profile::read(run).unwrap(), 10, 1);
    assert_eq!(counts.allocations, 5 + 2 + 3);
    assert_eq!(counts.stages, BTreeMap::from([("codec".to_owned(), 1)]));
    assert_eq!(counts.around, None);
}

#[test]
fn around_the_rows_of_an_epoch_are_its_log_and_commit() {
    let run = format!(
        "fn=(1) {TURN}\n1 6\ncfn=(2) {ROWS}\ncalls=3 1\n1 90\nfn=(2)\n1 90\nfn=(3) main\n1 1\n\
         cfn=(1)\ncalls=2 1\n1 96\ntotals: 97\n"
    );
    assert_eq!(counts(&Profile::read(&run).unwrap(), 10, 2).around, Some(6));
}
