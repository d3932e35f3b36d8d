//! The ledger from outside: processes, their output and their exit codes.
#![cfg(test)]

mod bad_input;
mod binary;
mod bombs;
mod deduped;
mod delta;
mod directories;
mod encoded;
mod explained;
mod generated;
mod lives;
mod other;
mod partitioned;
mod scraped;
mod secrets;
mod spark;
mod verified;
