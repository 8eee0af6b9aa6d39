//! What is seen of the real binary from outside: metrics, health over HTTP, and its log.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
mod support;

mod admin;
mod logs;
mod metrics;
mod scrape;
