//! The ledger from outside: processes, their output and their exit codes.
#![cfg(test)]

mod bad_input;
mod binary;
mod encoded;
mod generated;
mod lives;
mod other;
mod partitioned;
mod secrets;
mod verified;
