//! Tables from the outside: append, update, complete, conflict, rollback, compaction, other writers, schemas,
//! partitions, crashes, and versions as sources.
#![cfg(test)]

mod append;
mod compaction;
mod complete;
mod conflict;
mod conformance;
mod crashes;
mod fixture;
mod foreign;
mod maintenance;
mod model;
mod orphans;
mod partition;
mod rollback;
mod schema;
mod soak;
mod source;
mod update;
mod valued;
