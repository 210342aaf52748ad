//! A connection: settings, running statements, reading rows.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::Path;

use diesel::Connection as _;
use diesel::connection::{CacheSize, DefaultLoadingMode, LoadConnection, SimpleConnection as _};
use diesel::row::{Field as _, Row as _};
use diesel::sqlite::SqliteConnection;
use realnet_core::{Error, Result, Uuid};

use super::error::{copy, to_error};
use super::fragment::Filled;
use super::patience::Patience;
use crate::page::timeout;
use crate::statement::Statement;

/// So many different statements stay prepared before all are forgotten: filters come in endless forms.
const MAX_PREPARED: usize = 400;

/// The size of a page, about.
const PAGE: usize = 4096;

/// A connection to the database file.
pub(super) struct Connection {
    inner: SqliteConnection,
    prepared: HashSet<u64>,
    in_transaction: bool,
    marks: Marks,
    work: usize,
    patience: Patience,
}

/// What has become of the work on a connection since it was last asked.
#[derive(Default)]
pub(super) struct Marks {
    /// Whether a statement may have changed anything.
    pub(super) has_written: bool,
    /// The last failure of the database. SQLite may have taken the transaction back then.
    pub(super) failure: Option<Error>,
}

impl Marks {
    /// Whether there may be anything to take back.
    pub(super) fn is_any(&self) -> bool {
        self.has_written || self.failure.is_some()
    }
}

impl Connection {
    /// Opens the file, creating it when it is absent.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let text = path.to_str().ok_or_else(|| {
            Error::malformed(format!("the path {} of the database is not valid UTF-8", path.display()))
        })?;
        let inner = SqliteConnection::establish(text).map_err(|error| {
            Error::unavailable(format!("the database file {text} can not be opened")).with_source(error)
        })?;
        let patience = Patience::of(&inner).map_err(to_error)?;
        let (prepared, marks) = (HashSet::new(), Marks::default());
        Ok(Self { inner, prepared, in_transaction: false, marks, work: 0, patience })
    }

    /// Runs SQL that has no values, several statements if need be.
    pub(super) fn batch(&mut self, sql: &str) -> Result<()> {
        self.inner.batch_execute(sql).map_err(to_error)
    }

    /// Whether the file can be written to.
    pub(super) fn is_writable(&mut self) -> Result<bool> {
        // Only a write tells: a transaction for writing begins on a read-only file, too.
        let written = self.batch("BEGIN IMMEDIATE; PRAGMA user_version = 0");
        let ended = self.batch("ROLLBACK");
        match written {
            Ok(()) => ended.map(|()| true),
            Err(error) if error.message().contains("read-only") => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// How long what runs now may take; without end for whoever never begins to count.
    pub(super) fn patience(&self) -> &Patience {
        &self.patience
    }

    /// diesel's connection, for migrations.
    pub(super) fn inner(&mut self) -> &mut SqliteConnection {
        &mut self.inner
    }

    /// Begins a transaction: `how` is `BEGIN` or `BEGIN IMMEDIATE`.
    pub(super) fn begin(&mut self, how: &'static str) -> Result<()> {
        self.control(how)?;
        self.in_transaction = true;
        Ok(())
    }

    /// Ends a transaction and keeps what was done. On failure it may still be open.
    pub(super) fn commit(&mut self) -> Result<()> {
        self.control("COMMIT")?;
        self.in_transaction = false;
        Ok(())
    }

    /// Ends a transaction and takes it back. Fails when SQLite has done so by itself.
    pub(super) fn roll_back(&mut self) -> Result<()> {
        self.in_transaction = false;
        self.control("ROLLBACK")
    }

    /// Whether a transaction has been begun and not ended.
    pub(super) fn is_in_transaction(&self) -> bool {
        self.in_transaction
    }

    /// Runs a statement that steers transactions.
    pub(super) fn control(&mut self, sql: &'static str) -> Result<()> {
        let statement = Statement::of(sql);
        let filled = Filled { statement: &statement, late: &[] };
        self.inner.execute_returning_count(&filled).map(drop).map_err(to_error)
    }

    /// What has become of the work since [`Self::take_marks`] was last called.
    pub(super) fn marks(&self) -> &Marks {
        &self.marks
    }

    /// What has become of the work since this was last called.
    pub(super) fn take_marks(&mut self) -> Marks {
        std::mem::take(&mut self.marks)
    }

    /// How much has been written since this was last called: a statement counts once, and more for each page of its values.
    pub(super) fn take_work(&mut self) -> usize {
        std::mem::take(&mut self.work)
    }

    /// Runs a statement; answers how many rows it changed.
    pub(super) fn run(&mut self, statement: &Statement) -> Result<usize> {
        self.run_with(statement, &[])
    }

    /// Runs a statement with the numbers that were not known while it was made; answers how many rows it changed.
    pub(super) fn run_with(&mut self, statement: &Statement, late: &[i64]) -> Result<usize> {
        match self.inner.execute_returning_count(&Filled { statement, late }) {
            Ok(rows) => {
                if rows > 0 {
                    self.marks.has_written = true;
                    self.work += 1 + statement.size() / PAGE;
                }
                Ok(rows)
            }
            Err(error) => Err(self.failed(to_error(error))),
        }
    }

    /// Has several statements read the same: what others commit meanwhile is in none of them.
    pub(super) fn snapshot<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.begin("BEGIN")?;
        self.end_snapshot(read)
    }

    /// Begins a transaction that reads what is there now: one that has only begun takes what its first statement finds.
    pub(super) fn begin_snapshot(&mut self) -> Result<()> {
        self.begin("BEGIN")?;
        self.number(&Statement::of("SELECT revision FROM type_revision")).map(drop)
    }

    /// Reads what is in the snapshot, and ends it.
    pub(super) fn end_snapshot<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let result = read(self);
        self.commit()?;
        result
    }

    /// Calls `visit` with each row until it breaks.
    pub(super) fn each(
        &mut self,
        statement: &Statement,
        visit: impl FnMut(&Columns<'_, '_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        #[cfg(test)]
        before_statement();
        self.marks.has_written |= !statement.is_read();
        let visited = visit_rows(&mut self.inner, statement, visit);
        visited.map_err(|error| {
            // SQL that was told so fails by a message like any other.
            let error = if self.patience.is_over() { timeout() } else { error };
            self.failed(error)
        })
    }

    fn failed(&mut self, error: Error) -> Error {
        self.marks.failure = Some(copy(&error));
        error
    }

    /// All rows.
    pub(super) fn rows<T>(
        &mut self,
        statement: &Statement,
        mut read: impl FnMut(&Columns<'_, '_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut all = Vec::new();
        self.each(statement, |row| {
            all.push(read(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(all)
    }

    /// The first row.
    pub(super) fn first<T>(
        &mut self,
        statement: &Statement,
        read: impl FnOnce(&Columns<'_, '_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut read = Some(read);
        let mut found = None;
        self.each(statement, |row| {
            if let Some(read) = read.take() {
                found = Some(read(row)?);
            }
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// The number in the first column of the first row.
    pub(super) fn number(&mut self, statement: &Statement) -> Result<i64> {
        let number = self.first(statement, |row| row.integer(0))?;
        number.ok_or_else(|| Error::internal("a statement that counts gave no row"))
    }

    /// Makes room for a statement whose text depends on a query, so that prepared ones do not pile up.
    pub(super) fn admit(&mut self, statement: &Statement) {
        self.admit_shape(statement.shape());
    }

    /// As [`Self::admit`], by the number of the statement's text.
    pub(super) fn admit_shape(&mut self, shape: u64) {
        if self.prepared.insert(shape) && self.prepared.len() > MAX_PREPARED {
            self.prepared.clear();
            self.inner.set_prepared_statement_cache_size(CacheSize::Disabled);
            self.inner.set_prepared_statement_cache_size(CacheSize::Unbounded);
        }
    }
}

#[cfg(test)]
thread_local! {
    /// What a test does before each statement that gives rows, on its own thread.
    pub(super) static BEFORE: std::cell::RefCell<Option<Box<dyn FnMut()>>> = const { std::cell::RefCell::new(None) };
}

#[cfg(test)]
fn before_statement() {
    // Taken out meanwhile: what it does takes statements itself.
    if let Some(mut act) = BEFORE.take() {
        act();
        BEFORE.set(Some(act));
    }
}

fn visit_rows(
    connection: &mut SqliteConnection,
    statement: &Statement,
    mut visit: impl FnMut(&Columns<'_, '_>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let rows = connection.load(Filled { statement, late: &[] }).map_err(to_error)?;
    for row in rows {
        let row = Columns(row.map_err(to_error)?);
        if visit(&row)?.is_break() {
            break;
        }
    }
    Ok(())
}

/// A row as diesel gives it.
type RawRow<'c, 'q> = <SqliteConnection as LoadConnection<DefaultLoadingMode>>::Row<'c, 'q>;

/// The columns of a row, by number.
pub(super) struct Columns<'c, 'q>(RawRow<'c, 'q>);

impl Columns<'_, '_> {
    /// A whole number.
    pub(super) fn integer(&self, index: usize) -> Result<i64> {
        self.optional_integer(index)?.ok_or_else(|| missing(index))
    }

    /// A whole number, if there is one.
    pub(super) fn optional_integer(&self, index: usize) -> Result<Option<i64>> {
        let field = self.0.get(index).ok_or_else(|| missing(index))?;
        Ok(field.value().map(|mut value| value.read_long()))
    }

    /// Text, if there is any, made into something else while it is still the database's.
    pub(super) fn text<T>(&self, index: usize, make: impl FnOnce(&str) -> T) -> Result<Option<T>> {
        let field = self.0.get(index).ok_or_else(|| missing(index))?;
        Ok(field.value().map(|mut value| make(value.read_text())))
    }

    /// Text that must be there.
    pub(super) fn string(&self, index: usize) -> Result<String> {
        self.text(index, str::to_owned)?.ok_or_else(|| missing(index))
    }

    /// Bytes, if there are any.
    pub(super) fn bytes(&self, index: usize) -> Result<Option<Vec<u8>>> {
        let field = self.0.get(index).ok_or_else(|| missing(index))?;
        Ok(field.value().map(|mut value| value.read_blob().to_vec()))
    }

    /// An id.
    pub(super) fn id(&self, index: usize) -> Result<Uuid> {
        self.optional_id(index)?.ok_or_else(|| missing(index))
    }

    /// An id, if there is one.
    pub(super) fn optional_id(&self, index: usize) -> Result<Option<Uuid>> {
        let field = self.0.get(index).ok_or_else(|| missing(index))?;
        let Some(mut value) = field.value() else { return Ok(None) };
        let id = Uuid::from_slice(value.read_blob());
        id.map(Some).map_err(|error| Error::internal("a stored id is not 16 bytes long").with_source(error))
    }
}

fn missing(index: usize) -> Error {
    Error::internal(format!("column {index} of a stored row has no value"))
}
