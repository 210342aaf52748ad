//! A number that stands for what a part of a list reads: stores remember by it how long that took.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::mem::discriminant;

use realnet_core::query::OrgScope;

use super::order::Walk;
use super::part::Part;
use super::source::{Names, Source};
use crate::statement::Statement;

impl Part<'_> {
    /// The same for parts that read and judge the same rows in the same order.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let mut check = Statement::new();
        self.check.write(&Names::new(self.dialect, &self.source), &mut check);
        for statement in [&self.conditions, &self.joins, &check] {
            statement.hash_into(&mut hasher);
        }
        // How many rows are passed over depends on what the core judges and on where the walk begins.
        if let Some(residual) = self.residual() {
            format!("{residual:?}").hash(&mut hasher);
        }
        self.decides().hash(&mut hasher);
        self.request.query.after.is_some().hash(&mut hasher);
        discriminant(&self.source).hash(&mut hasher);
        match &self.source {
            Source::Keys(keys) => (&keys.field, &keys.test).hash(&mut hasher),
            Source::Types(pairs) => pairs.hash(&mut hasher),
            Source::Ids(ids) => ids.hash(&mut hasher),
            Source::Children(id) | Source::Descendants(id) => id.hash(&mut hasher),
            Source::Search(tokens) => tokens.hash(&mut hasher),
            Source::Boxes(boxes) => {
                for edge in boxes.iter().flat_map(|one| [one.min_lon, one.max_lon, one.min_lat, one.max_lat])
                {
                    edge.to_bits().hash(&mut hasher);
                }
            }
            Source::Everything | Source::Granted => {}
        }
        discriminant(&self.walk).hash(&mut hasher);
        match &self.walk {
            Walk::ByKey(field, direction) => (field, discriminant(direction)).hash(&mut hasher),
            Walk::ById(direction) | Walk::ByColumn(_, direction) => discriminant(direction).hash(&mut hasher),
            Walk::Newest | Walk::Unordered => {}
        }
        if let OrgScope::One(org) = self.request.scope {
            org.hash(&mut hasher);
        }
        hasher.finish()
    }
}
