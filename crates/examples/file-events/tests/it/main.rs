//! The binary from outside: processes, their output and their exit codes.
#![cfg(test)]

mod bad_input;
mod binary;
mod deduped;
mod enriched;
mod events;
mod generated;
mod lives;
mod queries;
mod tables;
mod verified;
