//! The rows of a part in SQL: from `FROM` to the last condition.

use realnet_core::query::OrgScope;
use uuid::Uuid;

use super::super::access::Check;
use super::super::source::{Names, Source};
use super::Part;
use crate::dialect::{Index, Joined};
use crate::field_id::field_id;
use crate::statement::Statement;

impl Part<'_> {
    /// From `FROM` to the last condition. `pair`: one branch of [`Source::Types`].
    pub(in crate::compile) fn write_rows(
        &self,
        pair: Option<(Uuid, Uuid)>,
        index: Index,
        with_items: bool,
        statement: &mut Statement,
    ) {
        let with_items = with_items || self.uses_items;
        match &self.source {
            Source::Types(pairs) => self.write_types(pair, pairs, index, statement),
            Source::Everything => {
                statement.push(" FROM items i WHERE 1 = 1");
                self.write_org(statement);
            }
            Source::Keys(_) => self.write_keys(with_items, statement),
            Source::Children(parent) => {
                statement.push(" FROM items i").push(self.dialect.index(Index::Parent));
                statement.push(" WHERE i.parent = ").bind((*parent).into());
                self.write_org(statement);
            }
            Source::Descendants(root) => {
                statement
                    .push(" FROM (WITH RECURSIVE down(id) AS (SELECT c.id FROM items c WHERE c.parent = ");
                statement.bind((*root).into());
                statement.push(
                    " UNION ALL SELECT c.id FROM items c JOIN down ON c.parent = down.id) SELECT id FROM down) d",
                );
                statement.push(self.dialect.join(Joined::Descendants)).push(" WHERE 1 = 1");
                self.write_org(statement);
            }
            Source::Ids(ids) if ids.is_empty() => {
                statement.push(" FROM items i WHERE 1 = 0");
            }
            Source::Ids(ids) => {
                statement.push(" FROM items i WHERE ");
                self.dialect.ids_in("i.id", ids, statement);
                self.write_org(statement);
            }
            Source::Granted => {
                statement.push(" FROM (");
                if let Check::Grants(check) = &self.grants {
                    check.write_granted(self.dialect, statement);
                }
                statement.push(") g").push(self.dialect.join(Joined::Grants)).push(" WHERE 1 = 1");
            }
            Source::Search(tokens) => {
                self.dialect.search_source(tokens, true, statement);
                self.write_org(statement);
            }
            Source::Boxes(boxes) => {
                self.dialect.boxes_source(boxes, true, statement);
                self.write_org(statement);
            }
        }
        self.write_conditions(pair, statement);
    }

    fn write_conditions(&self, pair: Option<(Uuid, Uuid)>, statement: &mut Statement) {
        statement.append(self.conditions.clone());
        let names = Names::new(self.dialect, &self.source);
        match pair {
            Some((_, type_id)) => self.check.restricted_to(&[type_id]).write(&names, statement),
            None => self.check.write(&names, statement),
        }
    }

    /// The conditions behind those of a search.
    pub(super) fn write_scope(&self, statement: &mut Statement) {
        self.write_org(statement);
        self.write_conditions(None, statement);
    }

    fn write_types(
        &self,
        pair: Option<(Uuid, Uuid)>,
        pairs: &[(Uuid, Uuid)],
        index: Index,
        statement: &mut Statement,
    ) {
        statement.push(" FROM items i");
        if let Some((org, type_id)) = pair {
            statement.push(self.dialect.index(index));
            statement.push(" WHERE i.org = ").bind(org.into());
            if index == Index::Type && self.dialect.reads_groups_by_range() {
                statement.push(" AND i.type >= ").bind(type_id.into());
                statement.push(" AND i.type <= ").bind(type_id.into());
            } else {
                statement.push(" AND i.type = ").bind(type_id.into());
            }
        } else if pairs.is_empty() {
            statement.push(" WHERE 1 = 0");
        } else {
            statement.push(" WHERE ");
            self.dialect.ids_in("i.type", &self.types, statement);
            if let OrgScope::One(org) = self.request.scope {
                statement.push(" AND i.org = ").bind(org.into());
            }
        }
    }

    fn write_keys(&self, with_items: bool, statement: &mut Statement) {
        let Source::Keys(keys) = &self.source else { return };
        statement.push(" FROM keys k").append(self.joins.clone());
        if with_items {
            statement.push(self.dialect.join(Joined::Keys));
        }
        statement.push(" WHERE k.field = ").bind(field_id(&keys.field).into());
        if let OrgScope::One(org) = self.request.scope {
            statement.push(" AND k.org = ").bind(org.into());
        }
        keys.test.write("k", statement);
    }

    fn write_org(&self, statement: &mut Statement) {
        if let OrgScope::One(org) = self.request.scope {
            let (before, behind) = self.dialect.aside();
            statement.push(format!(" AND {before}i.org = ")).bind(org.into()).push(behind);
        }
    }
}
