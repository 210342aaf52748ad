//! Rows of SQLite, read column by column.

use realnet_core::{Error, Result, Uuid};

use super::connection::Columns;
use crate::access::Fields;

/// The place in a row.
pub(super) struct RowFields<'r, 'c, 'q> {
    row: &'r Columns<'c, 'q>,
    index: usize,
}

impl<'r, 'c, 'q> RowFields<'r, 'c, 'q> {
    /// The first column.
    pub(super) fn new(row: &'r Columns<'c, 'q>) -> Self {
        Self { row, index: 0 }
    }

    fn next(&mut self) -> usize {
        let index = self.index;
        self.index += 1;
        index
    }
}

impl Fields for RowFields<'_, '_, '_> {
    fn id(&mut self) -> Result<Uuid> {
        let index = self.next();
        self.row.id(index)
    }

    fn optional_id(&mut self) -> Result<Option<Uuid>> {
        let index = self.next();
        self.row.optional_id(index)
    }

    fn integer(&mut self) -> Result<i64> {
        let index = self.next();
        self.row.integer(index)
    }

    fn optional_integer(&mut self) -> Result<Option<i64>> {
        let index = self.next();
        self.row.optional_integer(index)
    }

    fn text(&mut self) -> Result<String> {
        let index = self.next();
        self.row.string(index)
    }

    fn optional_text(&mut self) -> Result<Option<String>> {
        let index = self.next();
        self.row.text(index, str::to_owned)
    }

    fn bytes(&mut self) -> Result<Vec<u8>> {
        let missing = || Error::internal("a stored row lacks bytes that it must have");
        self.optional_bytes()?.ok_or_else(missing)
    }

    fn optional_bytes(&mut self) -> Result<Option<Vec<u8>>> {
        let index = self.next();
        self.row.bytes(index)
    }

    fn boolean(&mut self) -> Result<bool> {
        Ok(self.integer()? != 0)
    }
}
