//! The generator from outside.
#![cfg(test)]

mod conformance;
