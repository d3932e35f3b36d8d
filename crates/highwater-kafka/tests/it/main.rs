//! The source against brokers: one within the process, and a real one where there is one.
#![cfg(test)]

mod codecs;
mod faults;
mod groups;
mod hostile;
mod interleaving;
mod loss;
mod metadata;
mod patterns;
mod plans;
mod reading;
mod real;
mod security;
