//! The bare handler's creates on SQLite: one thread that writes what has come in meanwhile in one durable transaction,
//! as RealNet does.

use std::io::{Error, Result};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use diesel::connection::SimpleConnection;
use diesel::{QueryResult, RunQueryDsl, SqliteConnection};
use tokio::sync::oneshot;

use super::memo::{Common, Memo};
use super::statement::{Kind, Statement, Value};

/// The most creates of one transaction.
const MOST: usize = 512;

struct InsertItem;
impl Kind for InsertItem {
    type SqlType = ();
    const PIECES: &'static [&'static str] = &[
        "INSERT INTO items (id, org, type, name, attributes, visibility, owner, public, version, created_at, \
         updated_at) VALUES (",
        ", ",
        ", ",
        ", ",
        ", ",
        ", 0, ",
        ", 0, 1, ",
        ", ",
        ")",
    ];
}

struct InsertKeys;
impl Kind for InsertKeys {
    type SqlType = ();
    const PIECES: &'static [&'static str] = &[
        "INSERT INTO keys (field, org, value, item, seq, type, visibility, marks) VALUES (",
        ", ",
        ", ",
        ", ",
        ", last_insert_rowid(), ",
        ", 0, 0), (",
        ", ",
        ", ",
        ", ",
        ", last_insert_rowid(), ",
        ", 0, 0)",
    ];
}

struct InsertChange;
impl Kind for InsertChange {
    type SqlType = ();
    const PIECES: &'static [&'static str] = &[
        "INSERT INTO changes (org, revision, item, type, kind, version, after, actor, at, request) VALUES (",
        ", ",
        ", ",
        ", ",
        ", 'create', 1, ",
        ", ",
        ", ",
        ", '')",
    ];
}

struct LastRevision;
impl Kind for LastRevision {
    type SqlType = diesel::sql_types::BigInt;
    const PIECES: &'static [&'static str] =
        &["SELECT coalesce(max(revision), 0) FROM changes WHERE org = ", ""];
}

struct SetRevision;
impl Kind for SetRevision {
    type SqlType = ();
    const PIECES: &'static [&'static str] = &[
        "INSERT INTO revisions (org, revision) VALUES (",
        ", ",
        ") ON CONFLICT DO UPDATE SET revision = excluded.revision",
    ];
}

/// A create that waits, and where its answer goes.
struct Job {
    memo: Memo,
    answer: oneshot::Sender<Result<Vec<u8>>>,
}

/// The thread that writes.
pub struct Writer {
    jobs: Sender<Job>,
}

impl Writer {
    /// Starts it on a connection.
    pub fn start(mut connection: SqliteConnection, common: Common) -> Result<Self> {
        let mut revision: i64 = Statement::<LastRevision>::new(vec![Value::Id(common.org)])
            .get_result(&mut connection)
            .map_err(Error::other)?;
        let (jobs, waiting) = channel();
        thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || run(&waiting, &mut connection, &common, &mut revision))?;
        Ok(Self { jobs })
    }

    /// Stores a note; answers when it is on disk.
    pub async fn create(&self, memo: Memo) -> Result<Vec<u8>> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job { memo, answer }).map_err(|_| Error::other("the writer has ended"))?;
        answered.await.map_err(Error::other)?
    }
}

fn run(waiting: &Receiver<Job>, connection: &mut SqliteConnection, common: &Common, revision: &mut i64) {
    while let Ok(first) = waiting.recv() {
        let mut jobs = vec![first];
        jobs.extend(waiting.try_iter().take(MOST - 1));
        let last = *revision;
        let written = write(connection, common, revision, &jobs);
        if written.is_err() {
            *revision = last;
            // Nothing to undo when the transaction has not begun.
            let _ = connection.batch_execute("ROLLBACK");
        }
        let failure = written.as_ref().err().map(ToString::to_string);
        for (index, job) in jobs.into_iter().enumerate() {
            let answer = match (&written, &failure) {
                (Ok(documents), _) => Ok(documents[index].clone()),
                (_, failure) => Err(Error::other(failure.clone().unwrap_or_default())),
            };
            // Who has gone away needs no answer.
            let _ = job.answer.send(answer);
        }
    }
}

fn write(
    connection: &mut SqliteConnection,
    common: &Common,
    revision: &mut i64,
    jobs: &[Job],
) -> QueryResult<Vec<Vec<u8>>> {
    connection.batch_execute("BEGIN IMMEDIATE")?;
    let mut documents = Vec::with_capacity(jobs.len());
    for job in jobs {
        *revision += 1;
        documents.push(insert(connection, common, *revision, &job.memo)?);
    }
    Statement::<SetRevision>::new(vec![Value::Id(common.org), Value::Int(*revision)]).execute(connection)?;
    connection.batch_execute("COMMIT")?;
    Ok(documents)
}

fn insert(
    connection: &mut SqliteConnection,
    common: &Common,
    revision: i64,
    memo: &Memo,
) -> QueryResult<Vec<u8>> {
    let (id, org, type_id) = (Value::Id(memo.id), Value::Id(common.org), Value::Id(common.type_id));
    let at = Value::Int(memo.at);
    let document = memo.to_json(common);
    Statement::<InsertItem>::new(memo.values(common)).execute(connection)?;
    let key = |field: i64, key: &[u8]| {
        [Value::Int(field), org.clone(), Value::Bytes(key.to_vec()), id.clone(), type_id.clone()]
    };
    let keys =
        [key(common.state_field, &memo.state_key), key(common.priority_field, &memo.priority_key)].concat();
    Statement::<InsertKeys>::new(keys).execute(connection)?;
    let after = Value::Text(String::from_utf8_lossy(&document).into_owned());
    let change = vec![org, Value::Int(revision), id, type_id, after, Value::OptionalId(common.owner), at];
    Statement::<InsertChange>::new(change).execute(connection)?;
    Ok(document)
}
