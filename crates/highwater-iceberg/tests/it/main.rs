//! Tables from the outside: append, conflict, rollback, schemas, partitions, order, metadata files,
//! and snapshots as sources.
#![cfg(test)]

mod append;
mod conflict;
mod conformance;
mod crashes;
mod evolution;
mod fixture;
mod foreign;
mod lake;
mod locks;
mod metadata;
mod orphans;
mod partition;
mod rollback;
mod schema;
mod sorted;
mod source;
mod sql;
