//! Workers behind a broker under fire: gateways, workers and the broker are processes of their own, and whichever of them
//! goes away, clients are answered as if nothing had. `system` has the processes, each other file a scenario or two.

mod broker;
mod broker_kills;
mod gateway;
mod system;
mod worker;
mod worker_kills;

pub(crate) use broker_kills::broker_kills;
pub(crate) use worker_kills::worker_kills;
