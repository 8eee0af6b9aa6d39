//! Who may come in, against the real binary: the matrix of credentials and calls, what changes without a restart, what
//! one identity may use, and that no secret is ever written.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod calls;
mod limits;
mod matrix;
mod pki;
mod reload;
mod start;
#[path = "../support/mod.rs"]
mod support;
