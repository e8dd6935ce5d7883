//! What a candidate answered at one position, and what scoring made of it.

pub use crate::scoring::matching::NONE;
use crate::{bank::content::OptionSet, glyphs, points::Points};

/// The answer at one position of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Response {
    /// Presented and not answered.
    #[default]
    Blank,
    /// The options that were picked, by index in the question's own list; an empty set is a blank response.
    Choice(OptionSet),
    /// The statement was called true or false.
    Truth(bool),
    /// The texts of the blanks, in order; an empty text is an unfilled blank.
    Texts(Vec<String>),
    /// Free text.
    Text(String),
    /// A number as it was written.
    Number(Box<str>),
    /// For each prompt the index of the option that was taken for it, or [`NONE`].
    Pairs(Box<[u8]>),
    /// The indices of options, the first one first; those that are not there were not placed.
    Order(Box<[u8]>),
}

impl Response {
    /// Nothing was answered, or nothing that shows: blank under every policy.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Blank => true,
            Self::Choice(set) => set.is_empty(),
            Self::Truth(_) => false,
            Self::Texts(texts) => texts.iter().all(|t| glyphs::is_blank(t)),
            Self::Text(text) => glyphs::is_blank(text),
            Self::Number(text) => glyphs::is_blank(text),
            Self::Pairs(options) => options.iter().all(|option| *option == NONE),
            Self::Order(options) => options.is_empty(),
        }
    }
}

// Every submission holds fifty of these: what is larger than a text is put into a box.
const _: () = assert!(size_of::<Response>() <= 32);

/// What scoring made of one response. The maximum stands in the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Blank: earns nothing (and loses nothing), and is told apart from wrong.
    NotAnswered,
    /// Scored by rule.
    Scored(Points),
    /// Waits for a person; no zero.
    Awaiting,
}

impl Mark {
    /// The points so far; none for what waits.
    pub fn points(self) -> Points {
        match self {
            Self::Scored(points) => points,
            Self::NotAnswered | Self::Awaiting => Points::ZERO,
        }
    }
}
