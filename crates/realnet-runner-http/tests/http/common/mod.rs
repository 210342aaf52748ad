//! What every test needs: a server of its own, a client that sends exactly the given bytes, a few types.

pub mod client;
pub mod resources;
pub mod server;
pub mod storage;

pub use client::Answer;
pub use server::TestServer;
