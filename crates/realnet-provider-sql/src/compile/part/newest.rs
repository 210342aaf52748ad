//! Rows from the newest on, to be ranked: one statement that is read as far as it takes.
//!
//! The newest rows are those with the highest numbers, which is also how the index of words gives its matches: a search for
//! a common word ends after the first of them.

use super::Part;
use crate::compile::order::Walk;
use crate::compile::source::Source;
use crate::dialect::{Index, Words};
use crate::statement::Statement;

impl Part<'_> {
    /// Whether the rows are asked for from the newest on, however few of them are read.
    pub(crate) fn is_newest_first(&self) -> bool {
        self.walk == Walk::Newest
    }

    /// All rows from the newest on, with these columns.
    pub(in crate::compile) fn newest(&self, columns: &str) -> Statement {
        let row = self.dialect.row();
        let mut statement = Statement::new();
        if let Source::Search(tokens) = &self.source {
            self.dialect.search_walk(columns, tokens, Words::Indexed, &mut statement);
            self.write_scope(&mut statement);
            statement.push(" UNION ALL ");
            self.dialect.search_walk(columns, tokens, Words::Waiting, &mut statement);
            self.write_scope(&mut statement);
            statement.push(" ORDER BY r DESC");
        } else {
            statement.push(format!("SELECT {columns}, i.{row}"));
            self.write_rows(None, Index::Type, true, &mut statement);
            // The sign keeps the planner from reading all items backwards.
            statement.push(format!(" ORDER BY +i.{row} DESC"));
        }
        statement
    }
}
