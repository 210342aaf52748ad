//! Walking along an index page by page, keyset style: ties by id ascending and nulls last, also downwards.
//!
//! An index read backwards gives ties in the wrong order. So a descending walk reads whole groups of equal values
//! backwards and turns each around; a group that a page cuts is read by itself, forwards.

use realnet_core::index::NULL_KEY;
use realnet_core::query::{Cursor, Direction};
use uuid::Uuid;

use super::order::{Column, Start, Walk};
use super::part::Part;
use super::source::Source;
use crate::dialect::Joined;
use crate::row::Row;
use crate::statement::{Bind, Statement};

/// A stretch of the walk, read by one or more statements.
#[derive(Debug, Clone, PartialEq)]
enum Segment {
    /// Ascending by value and id: behind a place, or from a value on.
    Up { value: Option<Bind>, behind: Option<Uuid> },
    /// By id alone, either way.
    Ids { behind: Option<Uuid> },
    /// Descending values, below one if given.
    Down { below: Option<Bind> },
    /// Items of one value, ascending by id.
    Group { value: Bind, behind: Option<Uuid> },
}

/// The state of a walk.
pub(crate) struct Walker<'p, 'a> {
    part: &'p Part<'a>,
    direction: Direction,
    next: Option<Segment>,
    limit: usize,
}

impl<'p, 'a> Walker<'p, 'a> {
    /// A walk along an ordered part from its beginning or from behind a cursor.
    ///
    /// When the walk is not the whole order, it begins with all rows that share the cursor's first key; the
    /// collector drops those before the cursor.
    pub(crate) fn new(part: &'p Part<'a>, after: Option<&Cursor>) -> Self {
        let (direction, next) = match &part.walk {
            Walk::Newest | Walk::Unordered => (Direction::Ascending, None),
            Walk::ById(direction) => {
                (*direction, Some(Segment::Ids { behind: after.map(|cursor| cursor.id) }))
            }
            Walk::ByKey(_, direction) => {
                let start = after
                    .and_then(|cursor| cursor.keys.first())
                    .map(|key| Start { value: key.clone().into(), is_cut: false });
                let floor = Some(NULL_KEY.to_vec().into());
                (*direction, Some(part.first_segment(*direction, start, floor, after)))
            }
            Walk::ByColumn(column, direction) => {
                let start = after.and_then(|cursor| cursor.keys.first()).and_then(|key| column.start(key));
                (*direction, Some(part.first_segment(*direction, start, None, after)))
            }
        };
        Self { part, direction, next, limit: 0 }
    }

    /// The statement for the next rows, about `limit` of them; `None` at the end.
    pub(crate) fn statement(&mut self, limit: usize) -> Option<Statement> {
        let segment = self.next.as_ref()?;
        self.limit = size_class(limit.max(2));
        Some(self.part.page_statement(segment, self.direction, self.limit))
    }

    /// Whether there are no rows left.
    pub(crate) fn is_at_end(&self) -> bool {
        self.next.is_none()
    }

    /// Whether enough rows of one statement are a whole page. On the way down, groups of equal values are read one by one
    /// where a page cuts them.
    pub(crate) fn is_straight(&self) -> bool {
        matches!(self.next, Some(Segment::Up { .. } | Segment::Ids { .. }))
    }

    /// Says that only so many rows of the last statement were read: there are more.
    pub(crate) fn shorten(&mut self, rows: usize) {
        self.limit = self.limit.min(rows);
    }

    /// Takes the rows of the last statement; answers those that are next in the order.
    pub(crate) fn advance(&mut self, mut rows: Vec<Row>) -> Vec<Row> {
        let is_end = rows.len() < self.limit;
        let Some(segment) = self.next.take() else { return Vec::new() };
        let last = rows.last().map(|row| (self.value_of(row), row.item.id));
        match segment {
            Segment::Up { .. } | Segment::Ids { .. } if is_end => {}
            Segment::Ids { .. } => self.next = Some(Segment::Ids { behind: last.map(|(_, id)| id) }),
            Segment::Up { .. } => {
                self.next = last.map(|(value, id)| Segment::Up { value, behind: Some(id) });
            }
            Segment::Group { value, .. } if is_end => self.next = below(value),
            Segment::Group { value, .. } => {
                self.next = Some(Segment::Group { value, behind: last.map(|(_, id)| id) });
            }
            Segment::Down { .. } => {
                let cut = last.and_then(|(value, _)| value).filter(|_| !is_end);
                self.next = match &cut {
                    Some(value) => Some(Segment::Group { value: value.clone(), behind: None }),
                    None => self.nulls(),
                };
                if let Some(value) = cut {
                    rows.retain(|row| self.value_of(row).as_ref() != Some(&value));
                }
                self.turn_groups(&mut rows);
            }
        }
        rows
    }

    /// Turns each run of equal values around.
    fn turn_groups(&self, rows: &mut [Row]) {
        let mut start = 0;
        while start < rows.len() {
            let value = self.value_of(&rows[start]);
            let more = rows[start..].iter().take_while(|row| self.value_of(row) == value).count();
            rows[start..start + more].reverse();
            start += more;
        }
    }

    /// The rows without a value, which end a walk down a key index.
    fn nulls(&self) -> Option<Segment> {
        matches!(self.part.walk, Walk::ByKey(..))
            .then(|| Segment::Group { value: NULL_KEY.to_vec().into(), behind: None })
    }

    fn value_of(&self, row: &Row) -> Option<Bind> {
        match &self.part.walk {
            Walk::ByColumn(Column::Name, _) => Some(row.item.name.as_str().into()),
            Walk::ByColumn(Column::UpdatedAt, _) => Some(row.item.updated_at.as_micros().into()),
            Walk::ByKey(..) => row.key.clone().map(Bind::Bytes),
            Walk::ById(_) | Walk::Newest | Walk::Unordered => None,
        }
    }
}

impl Part<'_> {
    fn first_segment(
        &self,
        direction: Direction,
        start: Option<Start>,
        floor: Option<Bind>,
        after: Option<&Cursor>,
    ) -> Segment {
        let Some(start) = start else {
            return match direction {
                Direction::Ascending => Segment::Up { value: None, behind: None },
                Direction::Descending => Segment::Down { below: floor },
            };
        };
        // Where more order terms follow, all rows of the value are looked at again.
        let behind = after.map(|cursor| cursor.id).filter(|_| self.is_exact());
        match (direction, start) {
            (Direction::Ascending, start) => Segment::Up { value: Some(start.value), behind },
            (Direction::Descending, Start { value: Bind::Text(text), is_cut: true }) => {
                Segment::Down { below: Some(format!("{text}{}", char::MAX).into()) }
            }
            (Direction::Descending, start) => Segment::Group { value: start.value, behind },
        }
    }

    fn page_statement(&self, segment: &Segment, direction: Direction, limit: usize) -> Statement {
        match &self.source {
            Source::Types(pairs) if pairs.len() > 1 => self.union(pairs, segment, direction, limit),
            _ if self.sorts() => self.sorted(segment, direction, limit),
            _ => {
                let pair = match &self.source {
                    Source::Types(pairs) => pairs.first().copied(),
                    _ => None,
                };
                let key = if matches!(self.walk, Walk::ByKey(..)) { "k.value" } else { "NULL" };
                let mut statement = Statement::of(format!("SELECT {}, {key}", self.dialect.columns()));
                self.write_rows(pair, self.walk_index(), true, &mut statement);
                self.write_segment(pair, segment, direction, limit, &mut statement);
                statement
            }
        }
    }

    /// The first rows by id, then their items: what is sorted stays small.
    fn sorted(&self, segment: &Segment, direction: Direction, limit: usize) -> Statement {
        let mut statement = Statement::of(format!("SELECT {}, NULL FROM (", self.dialect.columns()));
        if self.sorts_entries() {
            statement.push(format!("SELECT k.{} AS r, k.item AS t", self.dialect.row_of_entry()));
        } else {
            statement.push(format!("SELECT i.{} AS r, i.id AS t", self.dialect.row()));
        }
        self.write_rows(None, self.walk_index(), !self.sorts_entries(), &mut statement);
        self.write_segment(None, segment, direction, limit, &mut statement);
        statement.push(") p").push(self.dialect.join(Joined::Page));
        statement.push(format!(" ORDER BY p.t{}", sort_word(segment, direction)));
        statement
    }

    /// One limited branch per pair, so that each is read in the order of its index, then the first of all.
    fn union(
        &self,
        pairs: &[(Uuid, Uuid)],
        segment: &Segment,
        direction: Direction,
        limit: usize,
    ) -> Statement {
        let mut statement = Statement::of(format!("SELECT {}, NULL FROM (", self.dialect.columns()));
        let value = self.walk_column().map(|column| format!(", {column} AS v")).unwrap_or_default();
        for (index, pair) in pairs.iter().enumerate() {
            statement.push(if index > 0 { " UNION ALL SELECT * FROM (" } else { "SELECT * FROM (" });
            statement.push(format!("SELECT i.{} AS r, i.id AS t{value}", self.dialect.row()));
            self.write_rows(Some(*pair), self.walk_index(), true, &mut statement);
            self.write_segment(Some(*pair), segment, direction, limit, &mut statement);
            statement.push(format!(") b{index}"));
        }
        let word = sort_word(segment, direction);
        let has_value = self.walk_column().is_some();
        let by = |prefix: &str| {
            let value = if has_value { format!("{prefix}v{word}, ") } else { String::new() };
            format!(" ORDER BY {value}{prefix}t{word}")
        };
        statement.push(format!("{} LIMIT {limit}) p", by("")));
        statement.push(self.dialect.join(Joined::Page)).push(by("p."));
        statement
    }

    fn write_segment(
        &self,
        pair: Option<(Uuid, Uuid)>,
        segment: &Segment,
        direction: Direction,
        limit: usize,
        statement: &mut Statement,
    ) {
        let id = self.id_column();
        let column = self.walk_column().unwrap_or(id);
        let by_type = pair.filter(|_| self.walks_by_type());
        match segment {
            Segment::Ids { behind } => {
                let sign = if direction == Direction::Ascending { ">" } else { "<" };
                match (behind, by_type) {
                    (None, _) => {}
                    (Some(behind), None) => {
                        statement.push(format!(" AND {id} {sign} ")).bind((*behind).into());
                    }
                    (Some(behind), Some((_, type_id))) => {
                        statement.push(format!(" AND (i.type, {id}) {sign} (")).bind(type_id.into());
                        statement.push(", ").bind((*behind).into()).push(")");
                    }
                }
            }
            Segment::Up { value: Some(value), behind: Some(behind) } => {
                statement.push(format!(" AND ({column}, {id}) > (")).bind(value.clone());
                statement.push(", ").bind((*behind).into()).push(")");
            }
            Segment::Up { value: Some(value), behind: None } => {
                statement.push(format!(" AND {column} >= ")).bind(value.clone());
            }
            Segment::Up { value: None, .. } | Segment::Down { below: None } => {}
            Segment::Down { below: Some(value) } => {
                statement.push(format!(" AND {column} < ")).bind(value.clone());
            }
            Segment::Group { value, behind: None } if self.dialect.reads_groups_by_range() => {
                statement.push(format!(" AND {column} >= ")).bind(value.clone());
                statement.push(format!(" AND {column} <= ")).bind(value.clone());
            }
            Segment::Group { value, behind: Some(behind) } if self.dialect.reads_groups_by_range() => {
                statement.push(format!(" AND ({column}, {id}) > (")).bind(value.clone());
                statement.push(", ").bind((*behind).into());
                statement.push(format!(") AND {column} <= ")).bind(value.clone());
            }
            Segment::Group { value, behind } => {
                statement.push(format!(" AND {column} = ")).bind(value.clone());
                if let Some(behind) = behind {
                    statement.push(format!(" AND {id} > ")).bind((*behind).into());
                }
            }
        }
        let word = sort_word(segment, direction);
        let by_value = match segment {
            Segment::Up { .. } | Segment::Down { .. } => format!("{column}{word}, "),
            Segment::Group { .. } if self.dialect.reads_groups_by_range() => format!("{column}{word}, "),
            Segment::Ids { .. } if by_type.is_some() => format!("i.type{word}, "),
            Segment::Ids { .. } | Segment::Group { .. } => String::new(),
        };
        statement.push(format!(" ORDER BY {by_value}{id}{word} LIMIT {limit}"));
    }
}

/// What follows the group of a value on the way down; absent values are the end.
fn below(value: Bind) -> Option<Segment> {
    (value != Bind::Bytes(NULL_KEY.to_vec())).then_some(Segment::Down { below: Some(value) })
}

fn sort_word(segment: &Segment, direction: Direction) -> &'static str {
    match segment {
        Segment::Down { .. } => " DESC",
        Segment::Ids { .. } if direction == Direction::Descending => " DESC",
        _ => "",
    }
}

/// Limits are written into the text, as a bound one makes SQLite compile a statement anew at each run: so few
/// different ones are used.
fn size_class(limit: usize) -> usize {
    match limit {
        0..=64 => limit,
        65..=1024 => limit.next_multiple_of(64),
        _ => limit.next_power_of_two(),
    }
}
