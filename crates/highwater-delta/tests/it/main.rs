//! Tables from the outside: append, update, complete, conflict, rollback, other writers, schemas,
//! partitions, crashes.
#![cfg(test)]

mod append;
mod complete;
mod conflict;
mod conformance;
mod crashes;
mod fixture;
mod foreign;
mod maintenance;
mod model;
mod orphans;
mod outside;
mod partition;
mod rollback;
mod schema;
mod update;
mod valued;
