//! Copying a whole store into an empty one.

use realnet_core::clock::{Clock as _, System};
use realnet_core::provider::{Census, MARK_SETTING};
use realnet_core::transfer::{Filling, Summary};

use super::super::store::Store;
use super::keys;
use super::open::{Others, source};
use super::progress::Bar;
use crate::cli::Failure;
use crate::config::DatabaseSection;

/// What to copy, and how.
#[derive(Debug)]
pub struct Copy {
    /// From where.
    pub from: DatabaseSection,
    /// To where.
    pub to: DatabaseSection,
    /// Go on with what was broken off.
    pub resume: bool,
}

/// What was copied.
#[derive(Debug)]
pub struct Copied {
    /// What both hold now.
    pub summary: Summary,
    /// What is left to be done by the operator.
    pub next: Option<String>,
}

impl Copy {
    fn check(&self) -> Result<(), Failure> {
        if self.from.to_string() == self.to.to_string() {
            return Err(format!("--from and --to are the same store: {}", self.to).into());
        }
        Ok(())
    }

    /// What would be copied. The target is looked at, too, and nothing is changed or made.
    pub async fn rehearse(&self) -> Result<Census, Failure> {
        self.check()?;
        let now = System.now();
        let counts = source(&self.from, Others::Refused).await?.census(now).await?;
        // One that is not there yet is an empty one in memory here.
        let (target, _) = Store::look(&self.to).await?;
        let begun = Filling::begin(target.target(), now, self.resume).await.map(drop);
        target.close().await?;
        begun?;
        Ok(counts)
    }
}

/// Copies everything and compares both.
pub async fn copy(plan: &Copy) -> Result<Copied, Failure> {
    plan.check()?;
    let source = source(&plan.from, Others::Refused).await?;
    let store = Store::open(&plan.to).await?;
    let copied = async {
        let target = store.target();
        let mut filling = Filling::begin(target, System.now(), plan.resume).await?;
        let total = source.census(filling.now()).await?.total();
        let records = source.dump(filling.now()).await?;
        let bar = Bar::new("copying", total);
        let summary = filling.write(records, &mut bar.steps()).await?;
        drop(bar);
        let bar = Bar::new("comparing", total);
        filling.compare(&summary, &mut bar.steps()).await?;
        let next = keys::hand_over(&plan.from, &plan.to, target).await?;
        filling.finish().await?;
        Ok::<_, Failure>(Copied { summary, next })
    };
    let copied = copied.await;
    let is_begun =
        copied.is_err() && store.target().setting(MARK_SETTING).await.is_ok_and(|mark| mark.is_some());
    store.close().await?;
    copied.map_err(|failure| if is_begun { super::unfinished(&failure, &plan.to) } else { failure })
}
