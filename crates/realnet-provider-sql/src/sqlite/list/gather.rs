//! Groups of rows by the text of their columns, in a table of bounded size: what is too much goes on to the tally.

use std::collections::HashMap;

use realnet_core::Result;
use realnet_core::query::aggregate::{Summary, Tally};
use realnet_core::query::{Aggregate, Query};
use realnet_core::registry::TypeRegistry;

use super::super::connection::Columns;
use crate::compile::Grouping;

/// Rows on their way to a tally.
pub(super) struct Gather<'a> {
    grouping: &'a Grouping<'a>,
    groups: HashMap<Vec<Option<String>>, (u64, Vec<Summary>)>,
    /// Of what is kept.
    bytes: usize,
    /// The columns of the present row.
    columns: Vec<Option<String>>,
}

impl<'a> Gather<'a> {
    pub(super) fn new(grouping: &'a Grouping<'a>) -> Self {
        Self { grouping, groups: HashMap::new(), bytes: 0, columns: vec![None; grouping.grouped()] }
    }

    /// Takes a row; `registry` and `tally` are for those that there is no more room for.
    pub(super) fn row(
        &mut self,
        row: &Columns<'_, '_>,
        registry: &TypeRegistry,
        tally: &mut Tally<'_>,
    ) -> Result<()> {
        for (index, column) in self.columns.iter_mut().enumerate() {
            copy(row, index, column)?;
        }
        let measures = self.grouping.measures();
        if !self.groups.contains_key(&self.columns) {
            let summaries = vec![Summary::default(); measures.len()];
            let texts: usize = self.columns.iter().flatten().map(String::len).sum();
            let columns = size_of_val(self.columns.as_slice()) + texts;
            self.bytes += columns + summaries.iter().map(Summary::size).sum::<usize>();
            self.groups.insert(self.columns.clone(), (0, summaries));
        }
        if let Some((count, summaries)) = self.groups.get_mut(&self.columns) {
            *count += 1;
            for (index, (summary, measure)) in summaries.iter_mut().zip(measures).enumerate() {
                let before = summary.size();
                let place = self.columns.len() + index;
                if row.text(place, |json| summary.add_stored(Some(json), measure.wants))?.is_none() {
                    summary.add_stored(None, measure.wants);
                }
                self.bytes = (self.bytes + summary.size()).saturating_sub(before);
            }
        }
        if self.groups.len() > Aggregate::MAX_GROUPS || self.bytes > Query::MAX_PAGE_BYTES {
            self.end(registry, tally)?;
        }
        Ok(())
    }

    /// Gives everything to the tally.
    pub(super) fn end(&mut self, registry: &TypeRegistry, tally: &mut Tally<'_>) -> Result<()> {
        self.bytes = 0;
        for (columns, (count, summaries)) in self.groups.drain() {
            tally.partial(self.grouping.read(registry, columns, count, summaries)?)?;
        }
        Ok(())
    }
}

/// Copies a column into a text that may be there already.
fn copy(row: &Columns<'_, '_>, index: usize, column: &mut Option<String>) -> Result<()> {
    let copied = row.text(index, |text| {
        let copy = column.get_or_insert_with(String::new);
        copy.clear();
        copy.push_str(text);
    })?;
    if copied.is_none() {
        *column = None;
    }
    Ok(())
}
