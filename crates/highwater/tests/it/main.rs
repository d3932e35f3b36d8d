//! The libraries together, and as a guest in the process of somebody else.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod embedding;
mod enrich;

/// A second allocator would not link: no library brings one.
#[global_allocator]
static ALLOCATOR: std::alloc::System = std::alloc::System;
