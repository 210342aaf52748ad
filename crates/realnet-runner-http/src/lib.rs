#![doc = include_str!("../README.md")]

mod answer;
mod call;
mod config;
mod handlers;
mod metrics;
mod openapi;
mod problem;
mod request;
mod request_id;
mod router;
mod routes;
mod serve;
mod server;
mod state;
mod who;

pub use config::HttpConfig;
pub use server::HttpServer;
