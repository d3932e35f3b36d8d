//! Storage in a directory and in memory, from the outside.
#![cfg(test)]

mod both;
mod local;
mod upload;
