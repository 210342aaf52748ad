//! The filter tree. Every predicate is true or false: a comparison with an absent value is false.

use uuid::Uuid;

use super::Operand;
use crate::clock::Timestamp;
use crate::model::Location;

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// Equal; on a list: one of its elements is (the same goes for the other comparisons).
    Eq,
    /// Not [`Comparison::Eq`]: true for absent values.
    Neq,
    /// Greater, in the order of lists; values of another class (text, number, …) are neither greater nor less.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// Text pattern: `*` or `%` any characters, `_` one character, `\` takes the next literally.
    Like,
    /// The same without regard to case (Unicode folding).
    Ilike,
}

/// A value to compare with.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Text.
    Text(String),
    /// A number.
    Number(f64),
    /// An exact decimal, canonical.
    Decimal(String),
    /// true or false.
    Boolean(bool),
    /// A moment.
    Time(Timestamp),
    /// An id.
    Id(Uuid),
    /// From text, for an undeclared attribute: equal to that text, to the number or to the boolean that it reads as.
    Untyped(String),
}

/// An area on earth.
#[derive(Debug, Clone, PartialEq)]
pub enum Area {
    /// West, south, east, north, in degrees. West may be greater than east: across the antimeridian.
    Box([f64; 4]),
    /// A polygon.
    Polygon(Location),
}

/// A filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicate {
    /// True.
    All,
    /// False.
    Nothing,
    /// All of them.
    And(Vec<Predicate>),
    /// One of them.
    Or(Vec<Predicate>),
    /// Not.
    Not(Box<Predicate>),
    /// A comparison.
    Compare {
        /// The left side.
        operand: Operand,
        /// How.
        comparison: Comparison,
        /// The right side.
        value: Literal,
    },
    /// Equal to one of the values.
    In {
        /// The left side.
        operand: Operand,
        /// The values.
        values: Vec<Literal>,
    },
    /// Absent or null.
    IsNull(Operand),
    /// A list that contains all values.
    Contains {
        /// The list.
        operand: Operand,
        /// The values.
        values: Vec<Literal>,
    },
    /// Carries all these tags.
    Tags(Vec<String>),
    /// All these search tokens occur in name or text attributes. The grammar puts here only tokens that no constant
    /// of the query's types holds, so the tokens of [`crate::index::entries`] decide.
    Search(Vec<String>),
    /// The same for tokens that also occur in constants of types or instances: effective values decide.
    SearchEffective(Vec<String>),
    /// Within a great-circle distance, in metres, of a position (longitude, latitude). An item that is a polygon
    /// is as near as its nearest point; 0 inside.
    Near {
        /// Degrees east.
        lon: f64,
        /// Degrees north.
        lat: f64,
        /// Metres.
        metres: f64,
    },
    /// Wholly inside an area.
    Within(Area),
    /// `valid_from <= at < valid_to`, open where absent.
    ValidAt(Timestamp),
    /// The direct children of an item.
    ChildOf(Uuid),
    /// The descendants of an item.
    DescendantOf(Uuid),
    /// One of these items.
    Ids(Vec<Uuid>),
    /// Of one of these types themselves (derived ones are listed). The grammar makes it of filters on `type`.
    Types(Vec<Uuid>),
}

impl Predicate {
    /// Both, without needless nesting.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, other) => other,
            (this, Self::All) => this,
            (Self::And(mut all), Self::And(more)) => {
                all.extend(more);
                Self::And(all)
            }
            (Self::And(mut all), other) => {
                all.push(other);
                Self::And(all)
            }
            (this, Self::And(mut more)) => {
                more.insert(0, this);
                Self::And(more)
            }
            (this, other) => Self::And(vec![this, other]),
        }
    }
}
