//! The bare handler on PostgreSQL: a pool for reads, one for writes, one statement per request.

use std::io::{Error, Result};

use diesel::sql_types as sql;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::List;
use super::memo::{Body, Common, Memo, keys_of};
use super::row::{Row, write_page};
use super::statement::{Statement, Value};

type PostgresRow = Row<Vec<String>>;

reads! {
    id: sql::Uuid, tags: sql::Array<sql::Text>, items: "JOIN items i ON i.id = k.item",
    above_all: "'\\xff'", fence: " OFFSET 0"
}

kinds! {
    /// A note with its rows in the key index and the change log.
    Insert: () = [
        "WITH item AS (INSERT INTO items (id, org, type, name, attributes, tags, visibility, owner, public, version, \
         created_at, updated_at, search) VALUES (", ", ", ", ", ", ", ", ", ", '{}', 0, ", ", false, 1, ", ", ", ", '')), \
         keys AS (INSERT INTO keys (field, org, value, item) VALUES (", ", ", ", ", ", ", "), (", ", ", ", ", ", ", ")) \
         INSERT INTO changes (org, item, type, kind, version, after, actor, at, request) VALUES (", ", ", ", ",
        ", 'create', 1, ", ", ", ", ", ", '')",
    ];
}

/// How many connections read; more than the processors can serve only get in each other's way.
const READERS: usize = 8;

/// How many connections write: they wait for the disk most of the time.
const WRITERS: usize = 16;

/// A PostgreSQL database that RealNet has made.
pub struct Store {
    read: Pool<AsyncPgConnection>,
    write: Pool<AsyncPgConnection>,
    common: Common,
}

impl Store {
    /// Opens a database that holds notes.
    pub async fn open(url: &str) -> Result<Self> {
        let (read, write) = (pool(url, READERS)?, pool(url, WRITERS)?);
        let common = common(&mut *connection(&read).await?).await.map_err(Error::other)?;
        Ok(Self { read, write, common })
    }

    /// One note as JSON.
    pub async fn get(&self, id: Uuid) -> Result<Vec<u8>> {
        let mut connection = connection(&self.read).await?;
        let statement = Statement::<ById>::new(vec![Value::Id(id)]);
        let row: PostgresRow = statement.get_result(&mut connection).await.map_err(Error::other)?;
        Ok(row.json())
    }

    /// A page as JSON, and the total when it is wanted.
    pub async fn list(&self, list: List<'_>) -> Result<(Vec<u8>, Option<i64>)> {
        let mut connection = connection(&self.read).await?;
        let rows: diesel::QueryResult<Vec<PostgresRow>> = if list.by_priority {
            Statement::<ByPriority>::new(self.common.by_priority(list)).load(&mut connection).await
        } else {
            Statement::<Newest>::new(self.common.in_state(list)).load(&mut connection).await
        };
        let total = if list.with_total {
            let total = Statement::<Total>::new(self.common.in_state(list));
            Some(total.get_result::<i64>(&mut connection).await.map_err(Error::other)?)
        } else {
            None
        };
        Ok((write_page(&rows.map_err(Error::other)?), total))
    }

    /// Stores a note durably and gives it as JSON.
    pub async fn create(&self, body: Body) -> Result<Vec<u8>> {
        let memo = Memo::new(&body)?;
        let document = memo.to_json(&self.common);
        let statement = insert(&self.common, &memo, &document);
        let mut connection = connection(&self.write).await?;
        statement.execute(&mut connection).await.map_err(Error::other)?;
        Ok(document)
    }
}

fn insert(common: &Common, memo: &Memo, document: &[u8]) -> Statement<Insert> {
    let (id, org, type_id) = (Value::Id(memo.id), Value::Id(common.org), Value::Id(common.type_id));
    let (at, owner) = (Value::Int(memo.at), Value::OptionalId(common.owner));
    let key =
        |field: i64, key: &[u8]| [Value::Int(field), org.clone(), Value::Bytes(key.to_vec()), id.clone()];
    let mut values = memo.values(common);
    values.extend(key(common.state_field, &memo.state_key));
    values.extend(key(common.priority_field, &memo.priority_key));
    let after = Value::Text(String::from_utf8_lossy(document).into_owned());
    values.extend([org, id, type_id, after, owner, at]);
    Statement::new(values)
}

fn pool(url: &str, size: usize) -> Result<Pool<AsyncPgConnection>> {
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new_with_config(url, config);
    Pool::builder(manager).max_size(size).build().map_err(Error::other)
}

async fn connection(pool: &Pool<AsyncPgConnection>) -> Result<Object<AsyncPgConnection>> {
    pool.get().await.map_err(Error::other)
}

async fn common(connection: &mut AsyncPgConnection) -> diesel::QueryResult<Common> {
    let sample: PostgresRow = Statement::<Sample>::new(Vec::new()).get_result(connection).await?;
    let broken = |error| diesel::result::Error::DeserializationError(Box::new(error));
    let [state, priority] = keys_of(&sample.head.attributes).map_err(broken)?;
    let field_of = |key| Statement::<FieldOf>::new(vec![Value::Id(sample.head.id.0), Value::Bytes(key)]);
    let fields =
        [field_of(state).get_result(connection).await?, field_of(priority).get_result(connection).await?];
    Ok(Common::new(&sample, fields))
}
