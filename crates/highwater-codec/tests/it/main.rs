//! Tests of the codec through its public interface.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking; clippy sees that only inside of test functions"
)]

mod avro;
mod avro_oracle;
mod casts;
mod decode;
mod neighbours;
mod oracle;
mod rows;
