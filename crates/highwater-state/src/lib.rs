//! Keyed state: what an operator keeps from epoch to epoch, in Arrow columns.
#![forbid(unsafe_code)]

mod object;

pub use object::{ObjectError, ObjectFooter, ObjectSection, StepSave, encode_object};
