//! Partitions as the Java client chooses them.

use super::*;

/// The cases of `UtilsTest.testMurmur2` of Apache Kafka.
#[test]
fn murmur2_is_that_of_the_java_client() {
    let cases: [(&[u8], i32); 6] = [
        (b"21", -973_932_308),
        (b"foobar", -790_332_482),
        (b"a-little-bit-long-string", -985_981_536),
        (b"a-little-bit-longer-string", -1_486_304_829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        (b"abc", 479_470_107),
    ];
    for (key, expected) in cases {
        assert_eq!(murmur2(key).cast_signed(), expected, "{key:?}");
    }
}

#[test]
fn a_key_always_has_the_same_partition() {
    assert_eq!(partition_of(b"21", 7), (-973_932_308_i32 & 0x7fff_ffff) as usize % 7);
    assert_eq!(partition_of(b"", 1), 0);
}
