//! What differs between the SQL of the two stores, as far as the compiler of queries has to know.

use realnet_core::model::Bounds;
use realnet_core::query::Property;
use uuid::Uuid;

use crate::statement::Statement;

/// What the items are joined to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joined {
    /// Rows `k` of `keys`.
    Keys,
    /// Rows `g`: distinct items (columns `item` and what [`Dialect::row`] names) of `grants`.
    Grants,
    /// Rows `p` of a page: column `r` holds what [`Dialect::row`] names.
    Page,
    /// Rows `d` of descendants: column `id`.
    Descendants,
}

/// The indexes of `items` that a walk relies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Index {
    /// `(org, type, id)`.
    Type,
    /// `(org, type, name, id)`.
    Name,
    /// `(org, type, updated_at, id)`.
    Update,
    /// `(parent, id)`.
    Parent,
}

/// The indexes of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    /// The index itself.
    Indexed,
    /// What waits to be written there.
    Waiting,
}

/// One backend's way of saying things. Aliases are fixed: items `i`, keys `k`, grants `g`.
pub(crate) trait Dialect: Send + Sync {
    /// The columns of an item in the order in which the store decodes them.
    fn columns(&self) -> &'static str;

    /// The columns of an item that are enough to judge and place many candidates, if the store has such: id, name,
    /// location, version, times of creation and change, and the length of the attributes in bytes.
    fn light_columns(&self) -> Option<&'static str> {
        None
    }

    /// A statement that gives about the number of all items at once: it may be too high, or zero when it is not known.
    fn size(&self) -> &'static str;

    /// Whether the number of items decides between reading all rows that a field's index gives and walking along an order.
    fn weighs_keys(&self) -> bool {
        false
    }

    /// What a row passed over on a walk costs, where places are asked for, as hundredths of what an item costs that is found by
    /// its place, read and sorted.
    fn passing(&self) -> usize;

    /// The column by which rows of other tables join the items: `seq` or `id`.
    fn row(&self) -> &'static str;

    /// The column of `keys` and `grants` that holds [`Self::row`] of the item.
    fn row_of_entry(&self) -> &'static str;

    /// The join of the items as `i` behind the given rows, which stay the outer loop.
    fn join(&self, to: Joined) -> &'static str;

    /// What behind `FROM items i` makes the planner take an index; empty where it needs no telling.
    fn index(&self, index: Index) -> &'static str;

    /// The column of `keys` with a copy of a property of the item, so that the item need not be read.
    fn key_column(&self, property: Property) -> Option<&'static str>;

    /// The column of `keys` with the marks of the item (see [`crate::marks`]), if there is one.
    fn marks(&self) -> Option<&'static str> {
        None
    }

    /// A condition on each row looked at that ends the statement when its time is over, with `AND` before it; empty where
    /// the server sees to that. `of_keys`: the rows are those of `keys`.
    fn guard(&self, _of_keys: bool) -> &'static str {
        ""
    }

    /// Whether a look-up in `keys` by a row of `keys` goes into the joins, where that is faster than `EXISTS`.
    fn joins_keys(&self) -> bool {
        false
    }

    /// `column IN (ids)`.
    fn ids_in(&self, column: &str, ids: &[Uuid], statement: &mut Statement);

    /// What ends the statement within `EXISTS (…)`, so that it is asked row by row and never turned into a join.
    fn end_of_exists(&self) -> &'static str;

    /// What stands around a condition that rows are checked by, but never found by: other sources are better.
    fn aside(&self) -> (&'static str, &'static str) {
        ("", "")
    }

    /// Whether the items of one value, or of one type, are asked for as a range, so that only the index of the walk fits:
    /// a planner that knows of one type only takes any index that gives the order.
    fn reads_groups_by_range(&self) -> bool {
        false
    }

    /// An id as text; empty or absent where there is none.
    fn id_text(&self, column: &str) -> String;

    /// A value of item `i` by its key, as JSON; absent where the item has none of its own.
    fn attribute(&self, key: &str, statement: &mut Statement);

    /// The same as text.
    fn attribute_text(&self, key: &str, statement: &mut Statement) {
        self.attribute(key, statement);
    }

    /// A column with text or a number as JSON.
    fn as_json(&self, column: &str) -> String;

    /// The condition that item `i` is public.
    fn is_public(&self) -> &'static str;

    /// The condition that item `i` carries all the tags.
    fn has_tags(&self, tags: &[String], statement: &mut Statement);

    /// The items in whose own words all tokens occur, from `FROM` to the first condition behind `WHERE`.
    /// Without `with_items`, only the number of rows counts.
    fn search_source(&self, tokens: &[String], with_items: bool, statement: &mut Statement);

    /// Whether matches come one by one, the newest first, when they are asked for by the numbers of their rows
    /// ([`Self::row`]) downwards.
    fn finds_newest_first(&self) -> bool {
        false
    }

    /// `SELECT` these columns and the number of the row as `r`, of the matches that one of the two indexes of words knows, up
    /// to the first condition behind `WHERE`: only where [`Self::finds_newest_first`].
    fn search_walk(&self, _columns: &str, _tokens: &[String], _words: Words, _statement: &mut Statement) {}

    /// The condition that all tokens occur in item `i`, where a row can be asked; answers whether it can.
    fn has_words(&self, _tokens: &[String], _statement: &mut Statement) -> bool {
        false
    }

    /// Where the index of words has to read all matches before it gives the first one: a statement whose number is at most
    /// `few` when it is worth asking, as few of the newest rows (of these pairs of org and type, of all if not known) match.
    fn search_probe(
        &self,
        _tokens: &[String],
        _pairs: Option<&[(Uuid, Uuid)]>,
        _few: usize,
    ) -> Option<Statement> {
        None
    }

    /// The condition that the bounds of item `i` touch one of the boxes, for rows that are not found by it, where a row can be
    /// asked; answers whether it can.
    fn touches(&self, _boxes: &[Bounds], _statement: &mut Statement) -> bool {
        false
    }

    /// The items whose bounds touch one of the boxes, each item once, from `FROM` to the first condition
    /// behind `WHERE`. Without `with_items`, only the number of rows counts.
    fn boxes_source(&self, boxes: &[Bounds], with_items: bool, statement: &mut Statement);
}
