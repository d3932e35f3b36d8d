//! Files from outside.
#![cfg(test)]

mod bad_input;
mod conformance;
mod directory;
mod losses;
mod reading;
