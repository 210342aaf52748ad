//! The bare handler's reads on SQLite: on the worker that got the request, with a connection of its own.

use std::cell::RefCell;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::sql_types as sql;
use diesel::{Connection, QueryResult, RunQueryDsl, SqliteConnection};
use uuid::Uuid;

use super::List;
use super::memo::{Body, Common, Memo, keys_of};
use super::row::{Row, write_page};
use super::statement::{Statement, Value};
use super::writer::Writer;

type SqliteRow = Row<Option<String>>;

reads! {
    id: sql::Binary, tags: sql::Nullable<sql::Text>, items: "CROSS JOIN items i ON i.seq = k.seq",
    above_all: "x'ff'", fence: ""
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
        Ok(row.json())
    }

    /// A page as JSON, and the total when it is wanted.
    pub fn list(&self, list: List<'_>) -> Result<(Vec<u8>, Option<i64>)> {
        let rows: Vec<SqliteRow> = self.read(|connection| {
            if list.by_priority {
                Statement::<ByPriority>::new(self.common.by_priority(list)).load(connection)
            } else {
                Statement::<Newest>::new(self.common.in_state(list)).load(connection)
            }
        })?;
        let total = || Statement::<Total>::new(self.common.in_state(list));
        let total = list.with_total.then(|| self.read(|connection| total().get_result::<i64>(connection)));
        Ok((write_page(&rows), total.transpose()?))
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
    let fields = [field_of(state)?, field_of(priority)?];
    Ok(Common::new(&sample, fields))
}
