//! What would be refused by the server, as far as that can be told before anything is written there: all of it at once.

use std::sync::Arc;

use realnet_core::Uuid;

use super::work::Work;
use crate::cli::Failure;
use crate::exchange::lookup;
use crate::exchange::order::Need;
use crate::exchange::report::NAMED;
use crate::exchange::rules::Rules;
use crate::exchange::types::Fate;

/// So many documents are looked at until others may do something.
const TURN: u32 = 64;

/// What is wrong, as far as it is told, of how much.
#[derive(Default)]
struct Faults {
    count: usize,
    told: Vec<String>,
}

/// What is wrong with one document.
struct Faulty {
    number: u32,
    faults: Faults,
}

impl Work<'_> {
    /// Finds the ids that others have here, and refuses references to them: nothing that comes from elsewhere is put below what somebody
    /// has here, or refers to it. `needs`: of each item.
    pub(super) async fn find_others(&mut self, needs: &[Vec<Need>]) -> Result<(), Failure> {
        let numbers: Vec<u32> = (0_u32..).zip(needs).map(|(number, _)| number).collect();
        for numbers in numbers.chunks(lookup::CHUNK) {
            let known: Vec<Uuid> = numbers.iter().filter_map(|number| self.id(*number)).collect();
            let found = lookup::outlines(self.import.client, &known).await?;
            for number in numbers {
                let found = self.id(*number).and_then(|id| found.get(&id));
                if found.is_some_and(|found| !self.is_that(*number, found)) {
                    self.others.insert(*number);
                }
            }
        }
        if self.others.is_empty() || self.import.options.drop_missing {
            return Ok(());
        }
        let mut faults = Faults::default();
        let made = (0_u32..).zip(needs).filter(|(number, _)| !self.others.contains(number));
        for (number, needs) in made {
            for need in needs.iter().filter(|need| self.others.contains(&need.target)) {
                faults.count += 1;
                if faults.told.len() < NAMED {
                    let [path, target] =
                        [number, need.target].map(|number| self.listing.entries[number as usize].path());
                    faults.told.push(format!("{path} refers to {target}"));
                }
            }
        }
        if faults.count == 0 {
            return Ok(());
        }
        Err(format!(
            "{}: nothing was imported: items refer to others whose ids other items have here ({}); --new-ids makes items of their own, \
             --drop-missing leaves such references out:\n  {}",
            self.listing.root.display(),
            faults.count,
            faults.told.join("\n  ")
        )
        .into())
    }

    /// Sees that types can be declared, and that the items that are not there yet can be made.
    pub(super) async fn check(&self, is_admin: bool) -> Result<(), Failure> {
        if !is_admin {
            self.types.check_declared()?;
        }
        let (mut faults, mut faulty) = (Faults::default(), Vec::new());
        // Items come type by type.
        let mut rules: Option<(Arc<str>, Option<Rules>)> = None;
        for (number, entry) in (0_u32..).zip(&self.listing.entries) {
            if number.is_multiple_of(TURN) {
                tokio::task::yield_now().await;
            }
            if rules.as_ref().is_none_or(|(name, _)| *name != entry.type_name) {
                rules = Some((Arc::clone(&entry.type_name), self.types.rules(&entry.type_name)));
            }
            let Some((_, Some(rules))) = &rules else { continue };
            let found = self.faults(number, rules)?;
            if found.count > 0 {
                faulty.push(Faulty { number, faults: found });
            }
            if faulty.len() >= lookup::CHUNK {
                self.sort_out(std::mem::take(&mut faulty), &mut faults).await?;
            }
        }
        self.sort_out(faulty, &mut faults).await?;
        if faults.count == 0 {
            return Ok(());
        }
        let Faults { count, mut told } = faults;
        if count > told.len() {
            told.push(format!("and {} more", count - told.len()));
        }
        told.extend(self.types.told_others());
        let root = self.listing.root.display();
        Err(format!("{root}: nothing was imported:\n  {}", told.join("\n  ")).into())
    }

    /// Counts the faults of those that are not there: what is there has been good enough.
    async fn sort_out(&self, faulty: Vec<Faulty>, faults: &mut Faults) -> Result<(), Failure> {
        let known: Vec<Uuid> = faulty.iter().filter_map(|one| self.id(one.number)).collect();
        let present = lookup::present(self.import.client, "items", &known, None).await?;
        for one in faulty {
            if self.id(one.number).is_some_and(|id| present.contains(&id)) {
                continue;
            }
            faults.count += one.faults.count;
            let room = NAMED - faults.told.len();
            faults.told.extend(one.faults.told.into_iter().take(room));
        }
        Ok(())
    }

    /// What is wrong with the document of a new item.
    fn faults(&self, number: u32, rules: &Rules) -> Result<Faults, Failure> {
        let entry = &self.listing.entries[number as usize];
        let mut document = self.listing.document(number)?;
        let fields = self.types.fields(&entry.type_name);
        fields.decide(&mut document, &mut |link| {
            if self.leads_nowhere(link.target) { Fate::Drop } else { Fate::Keep }
        });
        self.drop_readonly(number, &mut document);
        let mut violations = rules.violations(&document);
        violations.retain(|one| {
            let name = one.pointer.strip_prefix("/attributes/").unwrap_or_default();
            fields.get(name).is_none_or(|field| !field.readonly)
        });
        let path = entry.path();
        let told = violations.iter().take(NAMED);
        let told = told.map(|one| format!("{path}: {}: {}", one.pointer, one.detail)).collect();
        Ok(Faults { count: violations.len(), told })
    }
}
