//! Filters with parameters of their own: search, geography, tree, tags, validity.

use serde_json::Value;
use uuid::Uuid;

use super::literal::{expected_time, moment};
use super::names::Names;
use super::parameters::Parameters;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::index::{is_searched, text_tokens, texts_of, tokens};
use crate::model::{Location, Map, value};
use crate::query::{Area, Predicate};
use crate::registry::TypeInfo;

/// The most distinct words of a search.
const MAX_WORDS: usize = 32;
/// The most tags of a filter.
const MAX_TAGS: usize = 100;

/// All of them that are given.
pub(super) fn read(names: &Names<'_>, parameters: &Parameters<'_>, now: Timestamp) -> Result<Predicate> {
    let mut all = tree(parameters)?;
    if let Some(text) = parameters.get("tags") {
        all = all.and(tags(text)?);
    }
    if let Some(text) = parameters.get("valid_at") {
        let at = if text == "now" { Some(now) } else { moment(text) };
        let at = at.ok_or_else(|| Error::malformed_at("valid_at", expected_time()))?;
        all = all.and(Predicate::ValidAt(at));
    }
    if let Some(text) = parameters.get("near") {
        all = all.and(near(text)?);
    }
    if let Some(text) = parameters.get("within") {
        all = all.and(Predicate::Within(area(text)?));
    }
    if let Some(text) = parameters.get("search") {
        all = all.and(search(&names.types, text)?);
    }
    Ok(all)
}

fn tree(parameters: &Parameters<'_>) -> Result<Predicate> {
    let any_level = parameters.flag("any_level")?;
    let Some(text) = parameters.get("parent") else { return Ok(Predicate::All) };
    let id = text.strip_prefix("eq.").unwrap_or(text);
    let id = Uuid::parse_str(id)
        .map_err(|_| Error::malformed_at("parent", "expected the id (UUID) of an item"))?;
    Ok(if any_level { Predicate::DescendantOf(id) } else { Predicate::ChildOf(id) })
}

fn tags(text: &str) -> Result<Predicate> {
    let inner = text.strip_prefix("cs.{").and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    let tags: Vec<String> = inner.split(',').map(|tag| tag.trim().to_owned()).collect();
    if tags.len() > MAX_TAGS || tags.iter().any(String::is_empty) {
        let detail = format!("expected 1 to {MAX_TAGS} tags separated by commas");
        return Err(Error::malformed_at("tags", detail));
    }
    Ok(Predicate::Tags(tags))
}

/// Finite numbers separated by commas.
fn numbers<const N: usize>(text: &str) -> Option<[f64; N]> {
    let numbers: Option<Vec<f64>> = text
        .split(',')
        .map(|part| part.trim().parse().ok().filter(|number: &f64| number.is_finite()))
        .collect();
    numbers?.try_into().ok()
}

fn is_on_earth(lon: f64, lat: f64) -> bool {
    (-180.0..=180.0).contains(&lon) && (-90.0..=90.0).contains(&lat)
}

fn near(text: &str) -> Result<Predicate> {
    let [lon, lat, metres] =
        numbers(text).ok_or_else(|| Error::malformed_at("near", "expected longitude,latitude,metres"))?;
    if !is_on_earth(lon, lat) || metres < 0.0 {
        let detail = "longitude is from -180 to 180, latitude from -90 to 90, metres from 0: in this order";
        return Err(Error::malformed_at("near", detail));
    }
    Ok(Predicate::Near { lon, lat, metres })
}

fn area(text: &str) -> Result<Area> {
    if text.trim_start().starts_with('{') {
        let polygon = value::parse(text.as_bytes()).and_then(|value| Location::from_json(&value));
        return match polygon {
            Ok(location @ Location::Polygon(_)) => Ok(Area::Polygon(location)),
            Ok(Location::Point(_)) => Err(Error::malformed_at("within", "expected a polygon, not a point")),
            Err(error) => {
                let detail =
                    error.violations().first().map_or(error.message(), |violation| &violation.detail);
                Err(Error::malformed_at("within", detail))
            }
        };
    }
    let bounds = numbers(text).filter(|[west, south, east, north]| {
        is_on_earth(*west, *south) && is_on_earth(*east, *north) && south <= north
    });
    bounds.map(Area::Box).ok_or_else(|| {
        Error::malformed_at("within", "expected minlon,minlat,maxlon,maxlat or a GeoJSON polygon")
    })
}

/// Words that constants of types hold are kept apart: stores index own values only.
fn search(types: &[&TypeInfo], text: &str) -> Result<Predicate> {
    let mut words = tokens(text);
    words.sort_unstable();
    words.dedup();
    if words.is_empty() || words.len() > MAX_WORDS {
        return Err(Error::malformed_at("search", format!("expected 1 to {MAX_WORDS} words")));
    }
    let (shared, own): (Vec<String>, Vec<String>) =
        words.into_iter().partition(|word| types.iter().any(|info| is_in_constants(info, word)));
    let mut all = Predicate::All;
    if !own.is_empty() {
        all = all.and(Predicate::Search(own));
    }
    if !shared.is_empty() {
        all = all.and(Predicate::SearchEffective(shared));
    }
    Ok(all)
}

fn is_in_constants(info: &TypeInfo, word: &str) -> bool {
    let holds = |constants: &Map| {
        let searched = constants.iter().filter(|(key, _)| is_searched(info, key));
        searched
            .flat_map(|(_, value): (_, &Value)| texts_of(value))
            .any(|text| text_tokens(text).any(|token| token == *word))
    };
    holds(info.constants()) || info.instances().iter().any(|instance| holds(&instance.constants))
}
