//! Files from outside.
#![cfg(test)]

mod bad_input;
mod conformance;
mod directory;
mod guarded;
mod losses;
mod reading;
