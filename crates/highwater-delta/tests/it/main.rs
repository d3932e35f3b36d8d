//! Tables from the outside: append, conflict, rollback, other writers, schemas, partitions,
//! crashes.
#![cfg(test)]

mod append;
mod conflict;
mod conformance;
mod crashes;
mod fixture;
mod foreign;
mod maintenance;
mod orphans;
mod partition;
mod rollback;
mod schema;
