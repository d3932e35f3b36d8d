//! Tables from the outside: append, conflict, rollback, schemas, metadata files.
#![cfg(test)]

mod append;
mod conflict;
mod conformance;
mod crashes;
mod fixture;
mod lake;
mod locks;
mod metadata;
mod rollback;
mod schema;
mod sql;
