//! The bare handler: what actix-web and diesel reach on the same database when nothing stands between them. It runs one
//! SELECT per read and one change row with each INSERT, returns the same bytes as RealNet and is as durable, but has
//! neither accounts, types nor rules: the limit that RealNet is measured against.
//!
//! It works on a copy of a store that RealNet has filled, and understands the requests of
//! [`crate::load::requests::Requests`] only.

// Before the stores, which use its macros.
#[macro_use]
mod statement;

mod memo;
mod postgres;
mod row;
mod sqlite;
mod writer;

use std::fmt::Display;
use std::io::{Error, Result};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use actix_web::http::header::ContentType;
use actix_web::web::{self, Bytes, Data, Json, Path, Query};
use actix_web::{App, HttpResponse, HttpServer};
use serde::Deserialize;
use structopt::StructOpt;
use uuid::Uuid;

use memo::Body;

/// The store to serve, and where.
#[derive(Debug, StructOpt)]
pub struct Options {
    /// Port on 127.0.0.1
    #[structopt(long)]
    port: u16,
    /// A SQLite file of RealNet's
    #[structopt(long, parse(from_os_str))]
    sqlite: Option<PathBuf>,
    /// URL of a PostgreSQL database of RealNet's
    #[structopt(long)]
    postgres: Option<String>,
}

/// As many as the machine that the targets are meant for has processors.
const WORKERS: usize = 2;

/// A store that is served.
enum Store {
    Sqlite(sqlite::Store),
    Postgres(postgres::Store),
}

/// A list that is asked for.
#[derive(Debug, Clone, Copy)]
struct List<'a> {
    state: &'a str,
    by_priority: bool,
    with_total: bool,
}

/// Parameters of a list.
#[derive(Debug, Deserialize)]
struct ListParameters {
    state: String,
    order: String,
    count: Option<String>,
}

/// Serves until the process is ended.
///
/// # Errors
/// The store can not be opened, or the port is taken.
pub fn run(options: &Options) -> Result<()> {
    actix_web::rt::System::new().block_on(async {
        let store = match (&options.sqlite, &options.postgres) {
            (Some(file), None) => Store::Sqlite(sqlite::Store::open(file)?),
            (None, Some(url)) => Store::Postgres(postgres::Store::open(url).await?),
            _ => return Err(Error::other("either --sqlite or --postgres is needed")),
        };
        let store = Data::from(Arc::new(store));
        let server = HttpServer::new(move || App::new().app_data(store.clone()).configure(routes));
        server.workers(WORKERS).bind((Ipv4Addr::LOCALHOST, options.port))?.run().await
    })
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/api/memo/{id}", web::get().to(get))
        .route("/api/memo", web::get().to(list))
        .route("/api/memo", web::post().to(create))
        .route("/readyz", web::get().to(HttpResponse::Ok));
}

async fn get(store: Data<Store>, id: Path<Uuid>) -> actix_web::Result<HttpResponse> {
    let body = match store.get_ref() {
        Store::Sqlite(store) => store.get(*id),
        Store::Postgres(store) => store.get(*id).await,
    };
    Ok(json(HttpResponse::Ok(), body.map_err(internal)?))
}

async fn list(store: Data<Store>, parameters: Query<ListParameters>) -> actix_web::Result<HttpResponse> {
    let list = List {
        state: parameters.state.strip_prefix("eq.").unwrap_or(&parameters.state),
        by_priority: parameters.order == "priority.desc",
        with_total: parameters.count.is_some(),
    };
    let page = match store.get_ref() {
        Store::Sqlite(store) => store.list(list),
        Store::Postgres(store) => store.list(list).await,
    };
    let (body, total) = page.map_err(internal)?;
    let mut response = HttpResponse::Ok();
    if let Some(total) = total {
        response.insert_header(("Content-Range", format!("items 0-49/{total}")));
    }
    Ok(json(response, body))
}

async fn create(store: Data<Store>, body: Json<Body>) -> actix_web::Result<HttpResponse> {
    let answer = match store.get_ref() {
        Store::Sqlite(store) => store.create(body.0).await,
        Store::Postgres(store) => store.create(body.0).await,
    };
    Ok(json(HttpResponse::Created(), answer.map_err(internal)?))
}

fn json(mut response: actix_web::HttpResponseBuilder, body: Vec<u8>) -> HttpResponse {
    response.content_type(ContentType::json()).body(Bytes::from(body))
}

fn internal(error: impl Display) -> actix_web::Error {
    actix_web::error::ErrorInternalServerError(error.to_string())
}
