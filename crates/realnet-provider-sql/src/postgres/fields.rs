//! Rows of PostgreSQL, read column by column.

use realnet_core::{Result, Uuid};

use super::error::to_error;
use super::run::Reader;
use crate::access::Fields;

impl Fields for Reader<'_> {
    fn id(&mut self) -> Result<Uuid> {
        self.next().map_err(to_error)
    }

    fn optional_id(&mut self) -> Result<Option<Uuid>> {
        self.next().map_err(to_error)
    }

    fn integer(&mut self) -> Result<i64> {
        self.next().map_err(to_error)
    }

    fn optional_integer(&mut self) -> Result<Option<i64>> {
        self.next().map_err(to_error)
    }

    fn text(&mut self) -> Result<String> {
        self.next().map_err(to_error)
    }

    fn optional_text(&mut self) -> Result<Option<String>> {
        self.next().map_err(to_error)
    }

    fn bytes(&mut self) -> Result<Vec<u8>> {
        self.next().map_err(to_error)
    }

    fn optional_bytes(&mut self) -> Result<Option<Vec<u8>>> {
        self.next().map_err(to_error)
    }

    fn boolean(&mut self) -> Result<bool> {
        self.next().map_err(to_error)
    }
}
