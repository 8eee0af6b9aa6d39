//! Hostile clients against the real binary: no input brings it down or spoils another client's stream. Each attack has
//! a healthy client beside it, on a connection of its own, that must not notice.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod beside;
mod case;
mod floods;
mod frames;
mod messages;
mod numbers;
mod raw;
mod requests;
mod small_frames;
#[path = "../support/mod.rs"]
mod support;
mod text;
