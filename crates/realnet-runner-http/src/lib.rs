#![doc = include_str!("../README.md")]

mod answer;
mod call;
mod client;
mod config;
mod connection;
mod cookies;
mod cors;
mod handlers;
mod keys;
mod limits;
mod listener;
mod metrics;
mod notices;
mod openapi;
mod problem;
mod proxies;
mod request;
mod request_id;
mod router;
mod routes;
mod serve;
mod server;
mod state;
mod tls;
mod who;

pub use config::HttpConfig;
pub use cors::CorsOrigins;
pub use limits::RateLimits;
pub use listener::HttpListener;
pub use proxies::TrustedProxies;
pub use routes::{Offer, offers};
pub use server::HttpServer;
pub use tls::TlsFiles;
