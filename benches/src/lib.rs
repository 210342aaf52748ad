//! Benchmarks. [`load`] puts a load on whole servers and sets RealNet beside its limits, of which [`bare`] is one;
//! [`scale`] asks a server on few rows and on many, [`files`] moves large contents. What can be measured without a
//! server is in the `benches` folder.

pub mod bare;
pub mod files;
pub mod load;
pub mod sample;
pub mod scale;

// The engine's source is included rather than depended on: the test kit changes with the suites in it, which have no
// part in a measurement.
#[path = "../../crates/realnet-testkit/src/engines/server/mod.rs"]
#[allow(dead_code, reason = "this program only starts and stops the server")]
mod engine;
