//! From page to page of a list. A server that names pages in a circle would be asked for ever.

use realnet_client::ListQuery;

use super::Outcome;

/// Which page comes next. Of those that were asked for, one is looked for again, later and later ones in turn: a circle of any length
/// comes back to it (Brent).
#[derive(Debug, Default)]
pub struct Pages {
    cursor: Option<String>,
    mark: Option<String>,
    /// Since the mark was set, and how many until the next one is.
    steps: u64,
    most: u64,
}

impl Pages {
    /// Where the next page begins; `None`: the first.
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// A query for the next page.
    pub fn of(&self, query: &ListQuery) -> ListQuery {
        self.cursor().map_or_else(|| query.clone(), |cursor| query.clone().with("cursor", cursor))
    }

    /// Goes on to a page, unless that has been asked for, as far as that is known.
    pub fn go_on(&mut self, next: String) -> Outcome {
        if [&self.cursor, &self.mark].into_iter().flatten().any(|asked| *asked == next) {
            return Err(
                "the server names the same page as the next one again: what it has shown may not be all"
                    .into(),
            );
        }
        self.steps += 1;
        if self.steps > self.most {
            (self.mark, self.steps) = (Some(next.clone()), 0);
            self.most = self.most.saturating_mul(2).max(1);
        }
        self.cursor = Some(next);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_of_pages_ends() {
        for (ahead, length) in [(0, 1), (0, 2), (5, 1), (3, 7), (100, 40), (1, 1000)] {
            let mut pages = Pages::default();
            let named = (0..ahead).map(|page| format!("a{page}"));
            let circle = (0..length).map(|page| format!("b{page}")).cycle();
            let asked = named.chain(circle).take_while(|next| pages.go_on(next.clone()).is_ok()).count();
            assert!(asked >= ahead + length && asked <= 4 * (ahead + length), "{ahead} {length}: {asked}");
        }
        let mut pages = Pages::default();
        assert!((0..10_000).all(|page| pages.go_on(page.to_string()).is_ok()), "a long list has none");
        assert_eq!(pages.cursor(), Some("9999"));
    }
}
