//! What would be refused by the server, as far as that can be told before anything is written there: all of it at once.

use realnet_core::{Uuid, Violation};

use super::work::Work;
use crate::cli::Failure;
use crate::exchange::lookup;
use crate::exchange::report::NAMED;
use crate::exchange::types::Fate;

/// So many documents are looked at until others may do something.
const TURN: u32 = 64;

impl Work<'_> {
    /// Sees that types can be declared, and that the items that are not there yet can be made.
    pub(super) async fn check(&self, is_admin: bool) -> Result<(), Failure> {
        if !is_admin {
            self.types.check_declared()?;
        }
        let mut faulty: Vec<(u32, Vec<Violation>)> = Vec::new();
        for (number, _) in (0_u32..).zip(&self.listing.entries) {
            if number.is_multiple_of(TURN) {
                tokio::task::yield_now().await;
            }
            let violations = self.violations(number)?;
            if !violations.is_empty() {
                faulty.push((number, violations));
            }
        }
        // What is there has been good enough.
        let known: Vec<Uuid> = faulty.iter().filter_map(|(number, _)| self.id(*number)).collect();
        let present = lookup::present(self.import.client, "items", &known, None).await?;
        faulty.retain(|(number, _)| self.id(*number).is_none_or(|id| !present.contains(&id)));
        if faulty.is_empty() {
            return Ok(());
        }
        let mut told: Vec<String> = Vec::new();
        for (number, violations) in &faulty {
            let path = self.listing.entries[*number as usize].path();
            told.extend(violations.iter().map(|one| format!("{path}: {}: {}", one.pointer, one.detail)));
        }
        let count = told.len();
        told.truncate(NAMED);
        if count > NAMED {
            told.push(format!("and {} more", count - NAMED));
        }
        told.extend(self.types.told_others());
        let root = self.listing.root.display();
        Err(format!("{root}: nothing was imported:\n  {}", told.join("\n  ")).into())
    }

    fn violations(&self, number: u32) -> Result<Vec<Violation>, Failure> {
        let type_name = &self.listing.entries[number as usize].type_name;
        let Some(rules) = self.types.rules(type_name) else { return Ok(Vec::new()) };
        let mut document = self.listing.document(number)?;
        self.types.fields(type_name).decide(&mut document, &mut |link| {
            if self.missing.contains(&link.target) { Fate::Drop } else { Fate::Keep }
        });
        self.drop_readonly(number, &mut document);
        Ok(rules.violations(&document))
    }
}
