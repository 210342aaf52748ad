//! The bare handler's reads on SQLite: on the worker that got the request, with a connection of its own.

use std::cell::RefCell;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, SmallInt, Text};
use diesel::{Connection, QueryResult, RunQueryDsl, SqliteConnection};
use uuid::Uuid;

use super::List;
use super::memo::{Body, Common, Memo, keys_of, state_key};
use super::row::{Row, write_page};
use super::statement::{Statement, Value};
use super::writer::Writer;

type Columns = (Head, Tail);
type Head = (
    Binary,
    Binary,
    Binary,
    Nullable<Text>,
    Text,
    Text,
    Nullable<Text>,
    Nullable<Text>,
    SmallInt,
    Nullable<Text>,
);
type Tail = (
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<Binary>,
    Nullable<Binary>,
    Nullable<Binary>,
    Bool,
    BigInt,
    BigInt,
    BigInt,
    Nullable<Text>,
);

/// Tags are a JSON list, or absent.
type SqliteRow = Row<Option<String>>;

kinds! {
    /// One by id.
    ById: Columns = [columns!("items i WHERE i.id = "), ""];
    /// A page in a state, the newest first.
    Newest: Columns = [
        columns!("keys k CROSS JOIN items i ON i.seq = k.seq WHERE k.field = "), " AND k.org = ", " AND k.value = ",
        " ORDER BY k.item DESC LIMIT 50",
    ];
    /// A page in a state, the highest priority first.
    ByPriority: Columns = [
        columns!("keys k CROSS JOIN items i ON i.seq = k.seq WHERE k.field = "), " AND k.org = ",
        " AND k.value < x'ff' AND EXISTS (SELECT 1 FROM keys s WHERE s.org = k.org AND s.item = k.item AND s.field = ",
        " AND s.value = ", ") ORDER BY k.value DESC, k.item DESC LIMIT 50",
    ];
    /// How many are in a state.
    Total: BigInt = ["SELECT count(*) FROM keys k WHERE k.field = ", " AND k.org = ", " AND k.value = ", ""];
    /// Any of the notes.
    Sample: Columns = [columns!(
        "items i WHERE i.type = (SELECT type FROM items GROUP BY type ORDER BY count(*) DESC LIMIT 1) LIMIT 1"
    )];
    /// The field whose index has this value for an item.
    FieldOf: BigInt = ["SELECT field FROM keys WHERE item = ", " AND value = ", " LIMIT 1"];
}

/// A SQLite file that RealNet has made.
pub struct Store {
    file: PathBuf,
    common: Common,
    writer: Writer,
}

thread_local! {
    static READER: RefCell<Option<SqliteConnection>> = const { RefCell::new(None) };
}

/// Opens a connection with the settings of the limit: full durability, pages read in place.
pub fn connect(file: &Path) -> Result<SqliteConnection> {
    let mut connection = SqliteConnection::establish(&file.to_string_lossy()).map_err(Error::other)?;
    connection
        .batch_execute(
            "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             PRAGMA mmap_size = 2147483648; PRAGMA cache_size = -32000;",
        )
        .map_err(Error::other)?;
    Ok(connection)
}

impl Store {
    /// Opens a file that holds notes.
    pub fn open(file: &Path) -> Result<Self> {
        let mut connection = connect(file)?;
        let common = common(&mut connection).map_err(Error::other)?;
        let writer = Writer::start(connection, common.clone())?;
        Ok(Self { file: file.to_owned(), common, writer })
    }

    /// One note as JSON.
    pub fn get(&self, id: Uuid) -> Result<Vec<u8>> {
        let row: SqliteRow =
            self.read(|connection| Statement::<ById>::new(vec![Value::Id(id)]).get_result(connection))?;
        let mut out = Vec::new();
        row.write(row.head.tags.as_deref().unwrap_or("[]"), &mut out);
        Ok(out)
    }

    /// A page as JSON, and the total when it is wanted.
    pub fn list(&self, list: List<'_>) -> Result<(Vec<u8>, Option<i64>)> {
        let Common { org, state_field, priority_field, .. } = self.common;
        let state = || Value::Bytes(state_key(list.state));
        let in_state = || vec![Value::Int(state_field), Value::Id(org), state()];
        let rows: Vec<SqliteRow> = self.read(|connection| {
            if list.by_priority {
                let values =
                    vec![Value::Int(priority_field), Value::Id(org), Value::Int(state_field), state()];
                Statement::<ByPriority>::new(values).load(connection)
            } else {
                Statement::<Newest>::new(in_state()).load(connection)
            }
        })?;
        let total = list.with_total.then(|| {
            self.read(|connection| Statement::<Total>::new(in_state()).get_result::<i64>(connection))
        });
        let body = write_page(&rows, |tags| tags.clone().unwrap_or_else(|| "[]".to_owned()));
        Ok((body, total.transpose()?))
    }

    /// Stores a note durably and gives it as JSON.
    pub async fn create(&self, body: Body) -> Result<Vec<u8>> {
        self.writer.create(Memo::new(&body)?).await
    }

    fn read<T>(&self, run: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>) -> Result<T> {
        READER.with_borrow_mut(|reader| {
            let connection = match reader {
                Some(connection) => connection,
                None => reader.insert(connect(&self.file)?),
            };
            run(connection).map_err(Error::other)
        })
    }
}

fn common(connection: &mut SqliteConnection) -> QueryResult<Common> {
    let sample: SqliteRow = Statement::<Sample>::new(Vec::new()).get_result(connection)?;
    let broken = |error| diesel::result::Error::DeserializationError(Box::new(error));
    let [state, priority] = keys_of(&sample.head.attributes).map_err(broken)?;
    let mut field_of = |key| {
        Statement::<FieldOf>::new(vec![Value::Id(sample.head.id.0), Value::Bytes(key)]).get_result(connection)
    };
    Ok(Common {
        org: sample.head.org.0,
        type_id: sample.head.type_id.0,
        owner: sample.tail.owner.map(|id| id.0),
        state_field: field_of(state)?,
        priority_field: field_of(priority)?,
    })
}
