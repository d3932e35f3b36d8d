//! Runs pipelines on many threads, on `timely` dataflow. No type of timely is public.
//!
//! [`Threads`] is the [`ExecutorSpec`](highwater_pipeline::ExecutorSpec) to give to
//! [`Options::executor`](highwater_pipeline::Options::executor). The tables come out as those of
//! [`Inline`](highwater_pipeline::Inline), with any number of threads, and each start may choose anew.
//!
//! # How it works
//! Every worker thread builds the same dataflow: a *cell* for each source, step and sink. A plan enters
//! on worker 0 and reaches every cell of every worker. A cell that is done with its part of it says so
//! behind its rows, to every worker that may get some, so a cell has seen the last row of an epoch when
//! every worker has ended each of its inputs. What a cell has done goes to worker 0, which counts:
//! only when every cell of every worker has said that it is done is an epoch prepared.
//!
//! A reader takes the bytes of each payload from a budget and gets them back when the last piece of it
//! is written, so a slow writer slows its readers. Workers do no I/O: futures are polled
//! there, and woken by the caller's tokio runtime. Whatever fails or panics on one worker ends all of
//! them, and comes out of the executor as its error.
#![forbid(unsafe_code)]

mod budget;
mod cell;
mod container;
mod dataflow;
mod egress;
mod executor;
mod fault;
mod ingress;
mod ports;
mod route;
mod sink;
mod source;
mod step;
mod threads;
mod turn;
mod wake;
mod worker;

pub use threads::Threads;
