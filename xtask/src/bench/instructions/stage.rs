//! Whose work a function is, by its name.

use std::collections::BTreeMap;

use super::figures::Counts;
use super::profile::Profile;

/// Crates of each stage. The first that a name mentions decides: `<highwater_codec::A as arrow_array::B>::c`
/// is of the codec.
const CRATES: &[(&str, &[&str])] = &[
    ("codec", &["highwater_codec"]),
    ("SHA-256", &["sha2"]),
    ("kafka", &["highwater_kafka", "kafka_protocol", "crc_fast", "lz4_flex"]),
    ("parquet", &["highwater_parquet"]),
    ("arrow", &[ARROW, "parquet"]),
    (ZSTD, &["zstd", "zstd_safe"]),
    (
        TABLES,
        &[
            "highwater_pipeline",
            "highwater_checkpoint",
            "highwater_iceberg",
            "highwater_storage",
            "highwater_core",
            "iceberg",
            "object_store",
            "apache_avro",
            "serde_core",
            "serde_json",
            "regex_lite",
        ],
    ),
    (GENERIC, &["hashbrown"]),
];

/// Arrow is many crates.
const ARROW: &str = "arrow_";
const TABLES: &str = "driver, log, tables";
const ZSTD: &str = "zstd";
const ALLOCATOR: &str = "allocator";
const MEMORY: &str = "memory copied, set, compared";
/// Code of the standard library, whoever it works for.
const GENERIC: &str = "standard library";
const REST: &str = "rest";

/// What names of functions without a crate begin with.
const BEGINNINGS: &[(&str, &[&str])] = &[
    (ZSTD, &["ZSTD_", "HUF_", "FSE_", "HIST_"]),
    (ALLOCATOR, &["mi_", "_mi_", "__mi_", "__rustc::__rust_"]),
    (MEMORY, &["mem", "bcmp", "__mem"]),
];

/// The stage that a function of this name belongs to.
fn stage(name: &str) -> &'static str {
    let begins = |beginnings: &[&str]| beginnings.iter().any(|with| name.starts_with(with));
    match BEGINNINGS.iter().find(|(_, beginnings)| begins(beginnings)) {
        Some((stage, _)) => stage,
        None => crates(name).find_map(stage_of_crate).unwrap_or_else(|| generic(name)),
    }
}

/// The words that begin paths: `<alloc::vec::Vec<a::B> as c::D>::e` has `alloc`, `a` and `c`.
fn crates(name: &str) -> impl Iterator<Item = &str> {
    let words = |c: char| !(c.is_alphanumeric() || c == '_' || c == ':');
    name.split(words).filter_map(|path| path.split_once("::")).map(|(first, _)| first)
}

fn stage_of_crate(of: &str) -> Option<&'static str> {
    let same = |known: &&str| *known == of || *known == ARROW && of.starts_with(ARROW);
    let found = CRATES.iter().find(|(_, crates)| crates.iter().any(same));
    found.map(|(stage, _)| *stage)
}

fn generic(name: &str) -> &'static str {
    let standard = |of| matches!(of, "core" | "alloc" | "std");
    if crates(name).next().is_some_and(standard) { GENERIC } else { REST }
}

/// Whether a call from one function to another asks the allocator for memory. Its own calls are part of one.
fn asks_for_memory(from: &str, to: &str) -> bool {
    let gives = ["malloc", "zalloc", "calloc", "realloc", "memalign", "aligned_alloc"];
    let called = is_allocator(to) && gives.iter().any(|gives| to.contains(gives));
    called && !is_allocator(from)
}

/// Of this process: mimalloc for Rust, the C library for C. What Rust calls by its own names leads there,
/// where it is not compiled into the caller.
fn is_allocator(name: &str) -> bool {
    let of_c = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "_int_malloc"];
    name.starts_with("mi_") || name.starts_with("_mi_") || of_c.contains(&name)
}

/// An epoch, and in it the work on its rows until they are staged. Between both are plan, log and commit.
const EPOCH: &str =
    "highwater_pipeline::epoch::<impl highwater_pipeline::driver::Driver>::epoch::{{closure}}";
const ROWS: &str = "<highwater_pipeline::inline::InlineExecutor as \
                    highwater_pipeline::executor::Executor>::next::{{closure}}";

/// What a run counts.
pub(super) fn counts(profile: &Profile, rows: u64, epochs: u64) -> Counts {
    let mut stages = BTreeMap::new();
    for (name, own) in profile.own() {
        *stages.entry(stage(name).to_owned()).or_default() += own;
    }
    let asking = profile.calls().filter(|(from, to, _)| asks_for_memory(from, to));
    let allocations = asking.map(|(_, _, count)| count).sum();
    let around = profile.within(EPOCH).zip(profile.within(ROWS));
    let around = around.map(|(epochs, rows)| epochs.saturating_sub(rows));
    Counts { rows, epochs, stages, allocations, around }
}

#[cfg(test)]
mod tests;
