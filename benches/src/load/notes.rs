//! The notes that every contestant holds: made from their number, so that all hold the same.

use serde_json::{Value, json};

/// The states of a note; a quarter of the notes is in each.
pub const STATES: [&str; 4] = ["open", "active", "done", "dropped"];

/// How many distinct rare words there are; each note has one, for searches.
const RARE_WORDS: u64 = 10_000;

const WORDS: [&str; 32] = [
    "river", "stone", "paper", "winter", "garden", "market", "bridge", "letter", "window", "engine",
    "harbour", "silver", "meadow", "copper", "island", "forest", "candle", "mirror", "basket", "ladder",
    "thunder", "velvet", "orange", "saddle", "pepper", "marble", "feather", "lantern", "compass", "anchor",
    "kettle", "violin",
];

/// A note: about 300 bytes as JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// `Note 17 about winter`.
    pub title: String,
    /// Some 200 letters, a rare word among them.
    pub text: String,
    /// One of [`STATES`].
    pub state: &'static str,
    /// Below a million, all equally likely.
    pub priority: u64,
    /// Longitude and latitude in degrees, evenly over the map.
    pub place: [f64; 2],
}

impl Note {
    /// The note with that number.
    pub fn number(number: u64) -> Self {
        let mut random = Random::new(number);
        let title = format!("Note {number} about {}", WORDS[random.below(32) as usize]);
        let mut text = rare_word(random.below(RARE_WORDS));
        while text.len() < 200 {
            text.push(' ');
            text.push_str(WORDS[random.below(32) as usize]);
        }
        let state = STATES[random.below(4) as usize];
        let priority = random.below(1_000_000);
        let degrees = |range: u64, random: &mut Random| {
            (random.below(range * 10_000) as f64) / 10_000.0 - range as f64 / 2.0
        };
        let place = [degrees(360, &mut random), degrees(180, &mut random)];
        Self { title, text, state, priority, place }
    }

    /// As the body of a create; the attributes lie flat.
    pub fn body(&self) -> Value {
        json!({ "title": self.title, "text": self.text, "state": self.state, "priority": self.priority })
    }

    /// As [`body`](Self::body), with the place.
    pub fn body_with_place(&self) -> Value {
        let mut body = self.body();
        body["location"] = json!({ "type": "Point", "coordinates": self.place });
        body
    }

    /// The rare word in it.
    pub fn rare_word(&self) -> &str {
        self.text.split(' ').next().unwrap_or_default()
    }
}

/// A word that one note in [`RARE_WORDS`] has.
fn rare_word(number: u64) -> String {
    format!("rare{number}")
}

/// Numbers that look random and are the same in each run (splitmix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A sequence of its own for each seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    /// The next number below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_the_same_each_time_and_of_the_size_told() {
        assert_eq!(Note::number(7), Note::number(7));
        assert_ne!(Note::number(7).text, Note::number(8).text);
        let sizes = (0..1000).map(|number| Note::number(number).body().to_string().len());
        assert!(sizes.clone().all(|size| (250..350).contains(&size)), "{:?}", sizes.max());
    }

    #[test]
    fn states_are_evenly_spread() {
        let open = (0..4000).filter(|number| Note::number(*number).state == "open").count();
        assert!((900..1100).contains(&open), "{open}");
    }
}
