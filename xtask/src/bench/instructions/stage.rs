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
const TABLES: &str = "driver and tables";
const ZSTD: &str = "zstd";
const ALLOCATOR: &str = "allocator";
/// Copied, set or compared by the C library.
const MEMORY: &str = "memory copies";
/// Code of the standard library, whoever it works for.
const GENERIC: &str = "standard library";
const REST: &str = "rest";

/// What names of functions without a crate begin with.
const BEGINNINGS: &[(&str, &[&str])] = &[
    (ZSTD, &["ZSTD_", "HUF_", "FSE_", "HIST_"]),
    (ALLOCATOR, &["__rustc::__"]),
    (MEMORY, &["memcpy", "memmove", "memset", "memcmp", "bcmp", "__mem"]),
];

/// The stage that a function of this name belongs to.
fn stage(name: &str) -> &'static str {
    if is_allocator(name) {
        return ALLOCATOR;
    }
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

/// Where memory is asked for.
const ALLOCATIONS: &[&str] =
    &["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"];
/// The rest of the allocator. What Rust calls by names of its own leads there, where these are not compiled
/// into the caller.
const INNER: &[&str] = &[
    "free",
    "_int_malloc",
    "_int_free",
    "_int_realloc",
    "_int_memalign",
    "_mid_memalign",
    "malloc_consolidate",
    "unlink_chunk",
    "sysmalloc",
    "systrim",
    "arena_get2",
    "tcache_init",
];

/// Of the C library, which all of the process shares.
fn is_allocator(name: &str) -> bool {
    // Of a function that calls itself, and of one with versions.
    let name = name.split(['\'', '@', '.']).next().unwrap_or(name);
    ALLOCATIONS.contains(&name) || INNER.contains(&name)
}

/// Whether a call from one function to another asks for memory. What the allocator calls is part of one.
fn asks_for_memory(from: &str, to: &str) -> bool {
    ALLOCATIONS.contains(&to) && !is_allocator(from)
}

/// A turn of the driver, and in it the work on the rows of an epoch until they are staged. Plan, log and commit
/// are around that.
const TURN: &str = "highwater_pipeline::driver::Driver::turn::{{closure}}";
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
    let around = profile.within(TURN).zip(profile.within(ROWS));
    let around = around.map(|(turns, rows)| turns.saturating_sub(rows));
    Counts { rows, epochs, stages, allocations, around }
}

#[cfg(test)]
mod tests;
