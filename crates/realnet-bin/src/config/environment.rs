//! Where settings come from: flags over the environment over a `.env` file.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;
use std::str::FromStr;

use super::names::{PREFIX, Unknown};

/// The settings, by variable name. Values are never shown.
#[derive(Clone, Default)]
pub struct Environment {
    values: HashMap<String, String>,
    /// Which of them stand in the file and nowhere else.
    of_file: HashSet<String>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&String> = self.values.keys().collect();
        names.sort();
        f.debug_tuple("Environment").field(&names).finish()
    }
}

impl Environment {
    /// The process's environment over the `.env` file of the working directory, if there is one.
    pub fn of_process() -> Result<Self, Problems> {
        let mut environment = Self::default();
        environment.add_file(Path::new(".env"))?;
        let own = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok().filter(|name| name.starts_with(PREFIX))?;
            Some((name, value.to_string_lossy().into_owned()))
        });
        for (name, value) in own {
            environment.of_file.remove(&name);
            environment.values.insert(name, value);
        }
        Ok(environment)
    }

    fn add_file(&mut self, path: &Path) -> Result<(), Problems> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => literal(&text),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Problems::one(".env", &format!("can not be read: {error}"))),
        };
        for line in dotenvy::from_read_iter(text.as_bytes()) {
            match line {
                Ok((name, value)) => {
                    self.of_file.insert(name.clone());
                    self.values.insert(name, value);
                }
                // The line may hold a secret, so it is not shown.
                Err(error) => {
                    let place =
                        number_of(&text, &error).map_or("a line".to_owned(), |line| format!("line {line}"));
                    return Err(Problems::one(".env", &format!("{place} is not NAME=value")));
                }
            }
        }
        Ok(())
    }

    /// The names that no setting has, sorted. Values are left out: what was mistyped may be a secret.
    pub fn unknown(&self) -> Vec<Unknown> {
        let given = self.values.iter().filter(|(_, value)| !value.trim().is_empty());
        let mut unknown: Vec<Unknown> = given.filter_map(|(name, _)| Unknown::of(name)).collect();
        unknown.sort_by(|one, other| one.name.cmp(&other.name));
        unknown
    }

    /// Sets a value that wins over what was read, as a flag does.
    pub fn set(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.values.insert(name.to_owned(), value.to_string());
        }
    }

    /// The value of a variable; empty counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Whether the value of a variable is the file's: of whoever has written it, who may be anybody.
    pub fn is_of_file(&self, name: &str) -> bool {
        self.of_file.contains(name)
    }

    /// Whether any variable that begins with `prefix` is set.
    pub fn has_any(&self, prefix: &str) -> bool {
        self.values.iter().any(|(name, value)| name.starts_with(prefix) && !value.trim().is_empty())
    }

    /// A parsed value, or the default; a value that does not parse is a problem that says what is expected.
    pub fn parse<T: FromStr>(&self, name: &str, default: T, expected: &str, problems: &mut Problems) -> T {
        let Some(text) = self.get(name) else { return default };
        if let Ok(value) = text.parse() {
            return value;
        }
        problems.add(name, format!("expected {expected}"));
        default
    }

    /// A number within bounds, or the default.
    pub fn bounded<T: FromStr + PartialOrd + fmt::Display + Copy>(
        &self,
        name: &str,
        default: T,
        (least, most): (T, T),
        problems: &mut Problems,
    ) -> T {
        let expected = format!("a whole number from {least} to {most}");
        let value = self.parse(name, default, &expected, problems);
        if value < least || value > most {
            problems.add(name, format!("expected {expected}"));
            return default;
        }
        value
    }

    /// A truth value: true/false, 1/0, yes/no, on/off.
    pub fn flag(&self, name: &str, default: bool, problems: &mut Problems) -> bool {
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            None => default,
            Some("true" | "1" | "yes" | "on") => true,
            Some("false" | "0" | "no" | "off") => false,
            Some(_) => {
                problems.add(name, "expected true or false".to_owned());
                default
            }
        }
    }
}

/// The text of a file in which `$` stands for itself: it does not bring the values of other variables in.
fn literal(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let (mut quote, mut before) = (None, '\n');
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (None, '#') if before.is_whitespace() => {
                written.push(character);
                // A comment, up to the end of its line.
                for rest in characters.by_ref() {
                    written.push(rest);
                    if rest == '\n' {
                        break;
                    }
                }
                before = '\n';
                continue;
            }
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None | Some('"'), '\\') => {
                written.push(character);
                if let Some(next) = characters.next() {
                    written.push(next);
                    before = next;
                }
                continue;
            }
            (None | Some('"'), '$') => written.push('\\'),
            _ => {}
        }
        written.push(character);
        before = character;
    }
    written
}

/// The number of the line that could not be read, from 1.
fn number_of(text: &str, error: &dotenvy::Error) -> Option<usize> {
    let dotenvy::Error::LineParse(found, _) = error else { return None };
    let first = found.lines().next()?.trim();
    text.lines().position(|line| line.trim() == first).map(|index| index + 1)
}

/// What is wrong with the settings: variable and what is expected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<(String, String)>);

impl Problems {
    /// A single problem.
    pub fn one(name: &str, detail: &str) -> Self {
        Self(vec![(name.to_owned(), detail.to_owned())])
    }

    /// Adds a problem.
    pub fn add(&mut self, name: &str, detail: String) {
        if !self.0.iter().any(|(known, _)| known == name) {
            self.0.push((name.to_owned(), detail));
        }
    }

    /// `value` when there is no problem.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is not valid:")?;
        for (name, detail) in &self.0 {
            write!(f, "\n  {name}: {detail}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(pairs: [(&str, &str); N]) -> Self {
        let values = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { values: values.collect(), of_file: HashSet::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Environment, Problems> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        std::fs::write(&path, text).unwrap();
        let mut environment = Environment::default();
        environment.add_file(&path).map(|()| environment)
    }

    #[test]
    fn a_line_that_can_not_be_read_is_counted_and_not_shown() {
        let words = read("# ours\nREALNET_DEBUG=true\n\nREALNET_DB_PASS hunter2\n").unwrap_err().to_string();
        assert!(words.contains("line 4") && !words.contains("hunter2"), "{words}");
        let read = read("export REALNET_NAME='My shop' # here\n").unwrap();
        assert_eq!(read.get("REALNET_NAME"), Some("My shop"));
        assert!(Environment::default().add_file(Path::new("/nowhere/.env")).is_ok(), "it need not be there");
    }

    #[test]
    fn a_file_reads_no_other_variables() {
        let path = std::env::var("PATH").unwrap();
        let text = "REALNET_A=x${PATH}\nREALNET_B=\"$PATH\"\nREALNET_C='$PATH'\nREALNET_D=\\$PATH\nREALNET_E=a # it's $PATH\nREALNET_F=\"a\\\"$PATH\"\nREALNET_G=${REALNET_A}\n";
        let environment = read(text).unwrap();
        for (name, expected) in [
            ("REALNET_A", "x${PATH}"),
            ("REALNET_B", "$PATH"),
            ("REALNET_C", "$PATH"),
            ("REALNET_D", "$PATH"),
            ("REALNET_E", "a"),
            ("REALNET_F", "a\"$PATH"),
            ("REALNET_G", "${REALNET_A}"),
        ] {
            assert_eq!(environment.get(name), Some(expected), "{name}");
            assert!(environment.is_of_file(name));
        }
        assert!(environment.values.values().all(|value| !value.contains(&path)));
        assert!(!environment.is_of_file("PATH"));
    }

    #[test]
    fn unknown_names_are_found_without_their_values() {
        let environment = Environment::from([
            ("REALNET_SREVER_PORT", "9"),
            ("REALNET_X", ""),
            ("OTHER", "1"),
            ("REALNET_NAME", "a"),
        ]);
        let unknown = environment.unknown();
        let words: Vec<String> = unknown.iter().map(ToString::to_string).collect();
        assert_eq!(words, ["REALNET_SREVER_PORT is no setting: is REALNET_SERVER_PORT meant?"]);
    }
}
