//! A network that swallows what is sent: no error, no answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use realnet_core::change::Operation;
use realnet_core::model::TypeDefinition;
use realnet_core::provider::TypeProvider as _;
use realnet_provider_sql::postgres::{PostgresConfig, PostgresStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::world;

/// Passes bytes on between two sockets until it is told to swallow them.
async fn pass(from: TcpStream, to: TcpStream, swallows: Arc<AtomicBool>) {
    async fn one_way(
        mut from: tokio::net::tcp::OwnedReadHalf,
        mut to: tokio::net::tcp::OwnedWriteHalf,
        swallows: Arc<AtomicBool>,
    ) {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            if !swallows.load(Ordering::Relaxed) && to.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
    }
    let ((read_here, write_here), (read_there, write_there)) = (from.into_split(), to.into_split());
    tokio::join!(
        one_way(read_here, write_there, Arc::clone(&swallows)),
        one_way(read_there, write_here, swallows)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn types_are_followed_after_the_connection_has_gone_deaf() {
    let (database, world) = world().await;
    let mut config = PostgresConfig::from_url(database.url()).unwrap();
    let place = format!("{}:{}", config.host, config.port);
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (config.host, config.port) = ("127.0.0.1".to_owned(), proxy.local_addr().unwrap().port());
    config.statement_timeout = Duration::from_millis(200);
    let deaf = Arc::new(AtomicBool::new(false));
    let present = Arc::clone(&deaf);
    tokio::spawn(async move {
        while let Ok((client, _)) = proxy.accept().await {
            // Connections made later are sound.
            let is_first = !present.load(Ordering::Relaxed);
            let swallows = if is_first { Arc::clone(&present) } else { Arc::default() };
            tokio::spawn(pass(client, TcpStream::connect(&place).await.unwrap(), swallows));
        }
    });
    let replica = PostgresStore::connect(config).await.unwrap();
    let mut signals = replica.type_changes();
    tokio::time::sleep(Duration::from_millis(700)).await;
    deaf.store(true, Ordering::Relaxed);
    let registry = world.registry.current();
    let mut note = TypeDefinition::clone(registry.by_id(world.type_id("Note")).unwrap().definition());
    note.version += 1;
    world.change_types(&world.system(), vec![Operation::PutType(Box::new(note))]).await.unwrap();
    let revision = world.load().await.revision;
    let heard = async { while signals.next().await.is_some_and(|heard| heard < revision) {} };
    tokio::time::timeout(Duration::from_secs(20), heard).await.expect("the replica hears of it");
}
