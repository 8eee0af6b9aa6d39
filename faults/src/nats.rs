//! Workers behind a broker under fire: gateways, workers and the broker are processes of their own, and whichever of them
//! goes away, clients are answered as if nothing had. `system` has the processes, each other file a scenario or two.

mod batches;
mod broker;
mod broker_kills;
mod flood;
mod gateway;
mod gateway_kills;
mod load;
mod network;
mod partition;
mod poison;
mod slow_worker;
mod system;
mod versions;
mod worker;
mod worker_kills;

pub(crate) use broker_kills::broker_kills;
pub(crate) use flood::flood;
pub(crate) use gateway_kills::gateway_kills;
pub(crate) use network::enter;
pub(crate) use partition::{partition, possible as partition_is_possible};
pub(crate) use poison::poison;
pub(crate) use slow_worker::slow_worker;
pub(crate) use versions::versions;
pub(crate) use worker_kills::worker_kills;
