//! What is counted before the choice: bounded counts of the sources, of the caller's grants and of all items.

use crate::compile::access::Check;
use crate::compile::order::Walk;
use crate::compile::part::{Making, Part};
use crate::compile::source::{Keys, Source};
use crate::dialect::Index;
use crate::statement::Statement;

use super::{Analysis, Candidate};

/// How many times more rows are few where testing row by row costs much.
const COSTLY: usize = 10;
/// How many times more entries of an index are few where they are sorted before the items are read.
const SORTED: usize = 20;
/// Of so many rows passed over on a walk each costs as much as one entry sorted: their items are read and judged.
const JUDGED: usize = 1333;
/// Of so many rows passed over on a walk each costs as much as an item read and placed, times a hundred: most are seen
/// not to match by their marks.
const PASSED: usize = 125;
/// Of so many matches of a search passed over each costs as much as an item whose words are looked through.
const SOUGHT: usize = 94;

impl Analysis<'_> {
    /// The statements to run before [`Self::choose`], each of one row with one number.
    pub(crate) fn probes(&self) -> &[Statement] {
        &self.probes
    }

    /// Whether the probes may take long themselves.
    pub(crate) fn probes_long(&self) -> bool {
        self.candidates.iter().any(|candidate| {
            matches!(candidate.source, Source::Search(..) | Source::Boxes(_) | Source::Descendants(_))
        })
    }

    pub(super) fn few_costly(&self) -> usize {
        self.request.catalog.few() * COSTLY
    }

    pub(super) fn few_in_range(&self, few: usize) -> usize {
        let sorts = self.dialect.weighs_keys() && matches!(self.order.walk, Walk::ById(_));
        few * if sorts { SORTED } else { COSTLY }
    }

    /// How many rows of a candidate are few, in a store of so many items: reading and sorting them all then costs less
    /// than walking along the order until enough of them have come by. The one grows with their number, the other with
    /// the distance between them.
    pub(super) fn few(&self, candidate: &Candidate, size: Option<usize>) -> usize {
        let Some(size) = size.filter(|size| *size > 0) else { return candidate.few };
        let weighs = self.dialect.weighs_keys();
        let least = match (&candidate.source, &self.order.walk) {
            (Source::Search(..) | Source::Ids(_), _) => candidate.few,
            _ if self.ranks_newest_first() => (SOUGHT * size).isqrt(),
            (Source::Keys(_), Walk::ById(_)) if weighs => (JUDGED * size).isqrt(),
            (Source::Keys(_), Walk::ByKey(..)) if weighs => (PASSED * size / 100).isqrt(),
            // A walk passes over as many for each item that it has to find.
            (Source::Boxes(_), Walk::ById(_)) => {
                let wanted = self.query().limit + self.query().offset;
                (wanted.saturating_mul(size) / 100 * self.dialect.passing()).isqrt()
            }
            _ => candidate.few,
        };
        least.min(candidate.few)
    }

    /// Counts are only needed where there is a choice.
    pub(super) fn add_probes(&mut self) {
        let bounded = self.candidates.iter().all(|candidate| candidate.few < usize::MAX);
        let natural = matches!(self.candidates.as_slice(), [only] if self.is_natural(&only.source));
        let chooses = !self.ranks_newest_first() || self.candidates.len() > 1;
        let mut weighs = chooses && self.ranks_newest_first();
        if (bounded || self.ranks_newest_first()) && !natural && chooses {
            for index in 0..self.candidates.len() {
                self.bound(index);
                let candidate = &self.candidates[index];
                if candidate.few < usize::MAX {
                    let probe = self.sample(candidate);
                    let probe = probe.unwrap_or_else(|| self.probe(&candidate.source, candidate.few + 1));
                    weighs |= match candidate.source {
                        Source::Keys(_) => self.dialect.weighs_keys(),
                        Source::Boxes(_) => matches!(self.order.walk, Walk::ById(_)),
                        _ => false,
                    };
                    self.candidates[index].probe = Some(self.add_probe(probe));
                }
            }
        }
        if bounded
            && let Check::Grants(check) = &self.check.restricted_to(&self.types)
            && !check.closed.is_empty()
        {
            let probe = check.probe(self.dialect, self.request.catalog.few() + 1);
            self.grants_probe = Some(self.add_probe(probe));
        }
        if weighs {
            self.size_probe = Some(self.add_probe(Statement::of(self.dialect.size())));
        }
    }

    /// Lowers what is few of a candidate where it is known already how many items there are: no more is counted then. In
    /// steps of an eighth to a quarter, as each number is a statement of its own.
    fn bound(&mut self, index: usize) {
        let candidate = &self.candidates[index];
        if matches!((&candidate.source, &self.order.walk), (Source::Boxes(_), Walk::ById(_))) {
            let size = self.request.catalog.size(&Statement::of(self.dialect.size()));
            let size = size.and_then(|size| usize::try_from(size).ok());
            let few = self.few(candidate, size);
            let step = few.checked_ilog2().unwrap_or(0).saturating_sub(2);
            self.candidates[index].few = few >> step << step;
        }
    }

    /// Adds a probe; answers its number.
    fn add_probe(&mut self, probe: Statement) -> usize {
        self.probes.push(probe);
        self.probes.len() - 1
    }

    /// What tells how common the words of a search are, where that is asked otherwise than of their index.
    fn sample(&self, candidate: &Candidate) -> Option<Statement> {
        let Source::Search(tokens) = &candidate.source else { return None };
        self.dialect.search_probe(tokens, self.pairs.as_deref(), candidate.few)
    }

    fn probe(&self, source: &Source, limit: usize) -> Statement {
        let mut statement = Statement::of("SELECT count(*) FROM (SELECT 1");
        match source {
            Source::Search(tokens) => self.dialect.search_source(tokens, false, &mut statement),
            Source::Boxes(boxes) => self.dialect.boxes_source(boxes, false, &mut statement),
            other => {
                let making = Making {
                    request: self.request,
                    dialect: self.dialect,
                    source: without_types(other),
                    types: self.types.clone(),
                    is_whole: true,
                    is_any: true,
                    check: &Check::Nothing,
                    conjuncts: &[],
                };
                Part::new(making).write_rows(None, Index::Type, false, &mut statement);
            }
        }
        statement.push(format!(" LIMIT {limit}) p"));
        statement
    }
}

/// A source for counting its own rows.
fn without_types(source: &Source) -> Source {
    match source {
        Source::Keys(keys) => Source::Keys(Keys { has_other_types: false, ..keys.clone() }),
        other => other.clone(),
    }
}
