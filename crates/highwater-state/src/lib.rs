//! Keyed state: what an operator keeps from epoch to epoch, in Arrow columns.
#![forbid(unsafe_code)]
