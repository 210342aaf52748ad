#![doc = include_str!("../README.md")]

mod answer;
mod call;
mod config;
mod connection;
mod handlers;
mod listener;
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
pub use listener::HttpListener;
pub use server::HttpServer;
