//! Responses and marks of one attempt as compact bytes, by position: what an attempt row keeps.
//!
//! Byte 0 is the version of the encoding. Responses of a choice question with up to six options take one byte, marks
//! of whole points up to 127 take one byte, and trailing blanks take none. Bytes come from a database, so they are
//! not trusted: whatever does not decode is an [`Unpack`] error, never a panic and never a large allocation.
//! [`Glances`] reads answers without allocating, for statistics over millions of rows.
//!
//! ```text
//! response   00 blank · 01 false · 02 true · 03 n (len bytes)* texts · 04 len bytes text · 05 b b b b choice
//!            06 n b* pairs by prompt (0 none, else option + 1) · 07 n b* order · 08 len bytes number
//!            40..7f choice of the first 6 options · 80..ff b choice of the first 15 options
//! mark       00 not answered · 01 awaiting · 10..2c zigzag mantissa with 0..28 decimals · 80..ff whole points 0..127
//! ```

use rust_decimal::Decimal;

use super::response::{Mark, NONE, Response};
use crate::{bank::content::OptionSet, glyphs::is_blank, points::Points};

/// The version that is written; the only one so far that is read.
pub const VERSION: u8 = 1;

const BLANK: u8 = 0x00;
const FALSE: u8 = 0x01;
const TRUE: u8 = 0x02;
const TEXTS: u8 = 0x03;
const TEXT: u8 = 0x04;
const WIDE: u8 = 0x05;
const PAIRS: u8 = 0x06;
const ORDER: u8 = 0x07;
const NUMBER: u8 = 0x08;
const SIX: u8 = 0x40;
const HIGH: u8 = 0x80;

const AWAITING: u8 = 0x01;
const SCALED: u8 = 0x10;

/// Why bytes are no packed responses or marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unpack {
    /// Written by a version that this one does not know (or nothing at all).
    #[error("unknown version of the encoding")]
    Version,
    /// The bytes end in the middle of a value.
    #[error("the bytes end in the middle of a value")]
    Truncated,
    /// A tag or a number that is never written.
    #[error("a value that is never written")]
    Value,
    /// More positions than the form has.
    #[error("more positions than the form has")]
    TooMany,
}

/// Packs the responses, in the order of positions.
///
/// ```
/// use assessd::{attempt::{packed, response::Response}, bank::content::OptionSet};
/// let given = vec![Response::Choice(OptionSet::from_bits(0b0101)), Response::Truth(true), Response::Blank];
/// let bytes = packed::pack_responses(&given);
/// assert_eq!(bytes, [1, 0x45, 0x02]);
/// assert_eq!(packed::unpack_responses(&bytes, 3), Ok(given));
/// ```
pub fn pack_responses(responses: &[Response]) -> Vec<u8> {
    let used = responses.iter().rposition(|r| *r != Response::Blank).map_or(0, |last| last + 1);
    let mut out = Vec::with_capacity(1 + used * 2);
    out.push(VERSION);
    for response in &responses[..used] {
        match response {
            Response::Blank => out.push(BLANK),
            Response::Truth(value) => out.push(if *value { TRUE } else { FALSE }),
            Response::Choice(set) => match set.bits() {
                bits @ 0..=0x3f => out.push(SIX | low(bits)),
                bits @ 0x40..=0x7fff => out.extend([HIGH | low(bits >> 8), low(bits)]),
                bits => {
                    out.push(WIDE);
                    out.extend(bits.to_le_bytes());
                }
            },
            Response::Texts(texts) => {
                out.push(TEXTS);
                put_varint(&mut out, texts.len() as u128);
                texts.iter().for_each(|text| put_text(&mut out, text));
            }
            Response::Text(text) => {
                out.push(TEXT);
                put_text(&mut out, text);
            }
            Response::Number(text) => {
                out.push(NUMBER);
                put_text(&mut out, text);
            }
            Response::Pairs(options) => {
                out.push(PAIRS);
                put_varint(&mut out, options.len() as u128);
                out.extend(options.iter().map(|option| if *option == NONE { 0 } else { option + 1 }));
            }
            Response::Order(options) => {
                out.push(ORDER);
                put_varint(&mut out, options.len() as u128);
                out.extend_from_slice(options);
            }
        }
    }
    out
}

/// Unpacks the responses of a form with `slots` positions; positions without bytes are blank.
pub fn unpack_responses(bytes: &[u8], slots: usize) -> Result<Vec<Response>, Unpack> {
    let mut reader = Reader::open(bytes)?;
    let mut out = Vec::with_capacity(slots);
    while !reader.rest.is_empty() {
        if out.len() == slots {
            return Err(Unpack::TooMany);
        }
        out.push(reader.response()?);
    }
    out.resize_with(slots, Response::default);
    Ok(out)
}

/// Packs the marks, in the order of positions.
pub fn pack_marks(marks: &[Mark]) -> Vec<u8> {
    let used = marks.iter().rposition(|m| *m != Mark::NotAnswered).map_or(0, |last| last + 1);
    let mut out = Vec::with_capacity(1 + used * 2);
    out.push(VERSION);
    for mark in &marks[..used] {
        match mark {
            Mark::NotAnswered => out.push(BLANK),
            Mark::Awaiting => out.push(AWAITING),
            Mark::Scored(points) => {
                let value = points.decimal();
                let mantissa = value.mantissa();
                if value.scale() == 0 && (0..=127).contains(&mantissa) {
                    out.push(HIGH | mantissa as u8);
                } else {
                    out.push(SCALED + value.scale() as u8);
                    put_varint(&mut out, ((mantissa << 1) ^ (mantissa >> 127)) as u128);
                }
            }
        }
    }
    out
}

/// Unpacks the marks of a form with `slots` positions; positions without bytes are not answered.
pub fn unpack_marks(bytes: &[u8], slots: usize) -> Result<Vec<Mark>, Unpack> {
    let mut out = Vec::with_capacity(slots);
    for mark in Marks::open(bytes)? {
        if out.len() == slots {
            return Err(Unpack::TooMany);
        }
        out.push(mark?);
    }
    out.resize(slots, Mark::NotAnswered);
    Ok(out)
}

/// What statistics need to see of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glance {
    /// Nothing was answered.
    Blank,
    /// These options were picked (at least one).
    Choice(OptionSet),
    /// The statement was called true or false.
    Truth(bool),
    /// Something was written.
    Written,
}

/// Reads responses position by position without allocating. It ends where the bytes end (later positions are blank)
/// or after the first error.
#[derive(Clone, Debug)]
pub struct Glances<'a>(Reader<'a>);

impl<'a> Glances<'a> {
    /// Over packed responses.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Unpack> {
        Reader::open(bytes).map(Self)
    }
}

impl Iterator for Glances<'_> {
    type Item = Result<Glance, Unpack>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.step(Reader::glance)
    }
}

/// Reads marks position by position without allocating. It ends where the bytes end (later positions are not
/// answered) or after the first error.
#[derive(Clone, Debug)]
pub struct Marks<'a>(Reader<'a>);

impl<'a> Marks<'a> {
    /// Over packed marks.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Unpack> {
        Reader::open(bytes).map(Self)
    }
}

impl Iterator for Marks<'_> {
    type Item = Result<Mark, Unpack>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.step(Reader::mark)
    }
}

fn low(bits: u32) -> u8 {
    (bits & 0xff) as u8
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u128);
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u128) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, Unpack> {
        match bytes.split_first() {
            Some((&VERSION, rest)) => Ok(Self { rest }),
            _ => Err(Unpack::Version),
        }
    }

    /// Over bytes without a version of their own.
    pub(super) fn over(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn step<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Unpack>) -> Option<Result<T, Unpack>> {
        if self.rest.is_empty() {
            return None;
        }
        let value = read(self);
        if value.is_err() {
            self.rest = &[];
        }
        Some(value)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Unpack> {
        let (first, rest) = self.rest.split_first().ok_or(Unpack::Truncated)?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Unpack> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Unpack::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn varint(&mut self) -> Result<u128, Unpack> {
        let mut value = 0;
        for shift in (0..126).step_by(7) {
            let byte = self.byte()?;
            value |= u128::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Unpack::Value)
    }

    /// A length of something that takes at least one byte a piece, so no honest one exceeds what is left.
    fn length(&mut self) -> Result<usize, Unpack> {
        let length = usize::try_from(self.varint()?).map_err(|_| Unpack::Truncated)?;
        if length > self.rest.len() { Err(Unpack::Truncated) } else { Ok(length) }
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Unpack> {
        let length = self.length()?;
        std::str::from_utf8(self.take(length)?).map_err(|_| Unpack::Value)
    }

    fn choice(&mut self, tag: u8) -> Result<OptionSet, Unpack> {
        let bits = match tag {
            HIGH..=0xff => u32::from(tag & 0x7f) << 8 | u32::from(self.byte()?),
            SIX..HIGH => u32::from(tag & 0x3f),
            WIDE => {
                let four = self.take(4)?;
                u32::from_le_bytes([four[0], four[1], four[2], four[3]])
            }
            _ => return Err(Unpack::Value),
        };
        let set = OptionSet::from_bits(bits);
        if set.bits() == bits { Ok(set) } else { Err(Unpack::Value) }
    }

    /// The bytes of indices of options, each raised by `by`; more than there can be are never written.
    fn indices(&mut self, by: usize) -> Result<&'a [u8], Unpack> {
        let length = self.length()?;
        let bytes = self.take(length)?;
        let fits = |byte: &u8| usize::from(*byte) < OptionSet::MAX + by;
        if length <= OptionSet::MAX && bytes.iter().all(fits) { Ok(bytes) } else { Err(Unpack::Value) }
    }

    fn response(&mut self) -> Result<Response, Unpack> {
        Ok(match self.byte()? {
            BLANK => Response::Blank,
            FALSE => Response::Truth(false),
            TRUE => Response::Truth(true),
            TEXTS => {
                let count = self.length()?;
                let texts: Result<_, _> = (0..count).map(|_| self.text().map(str::to_owned)).collect();
                Response::Texts(texts?)
            }
            TEXT => Response::Text(self.text()?.to_owned()),
            NUMBER => Response::Number(self.text()?.into()),
            PAIRS => {
                Response::Pairs(self.indices(1)?.iter().map(|b| b.checked_sub(1).unwrap_or(NONE)).collect())
            }
            ORDER => Response::Order(self.indices(0)?.into()),
            tag => Response::Choice(self.choice(tag)?),
        })
    }

    fn glance(&mut self) -> Result<Glance, Unpack> {
        Ok(match self.byte()? {
            BLANK => Glance::Blank,
            FALSE => Glance::Truth(false),
            TRUE => Glance::Truth(true),
            TEXTS => {
                let mut written = false;
                for _ in 0..self.length()? {
                    written |= !is_blank(self.text()?);
                }
                if written { Glance::Written } else { Glance::Blank }
            }
            TEXT | NUMBER if is_blank(self.text()?) => Glance::Blank,
            TEXT | NUMBER => Glance::Written,
            PAIRS if self.indices(1)?.iter().all(|b| *b == 0) => Glance::Blank,
            ORDER if self.indices(0)?.is_empty() => Glance::Blank,
            PAIRS | ORDER => Glance::Written,
            tag => match self.choice(tag)? {
                OptionSet::EMPTY => Glance::Blank,
                set => Glance::Choice(set),
            },
        })
    }

    fn mark(&mut self) -> Result<Mark, Unpack> {
        Ok(match self.byte()? {
            BLANK => Mark::NotAnswered,
            AWAITING => Mark::Awaiting,
            tag @ HIGH..=0xff => Mark::Scored(Points::from(u32::from(tag & 0x7f))),
            tag @ SCALED..SIX => {
                let zigzag = self.varint()?;
                let mantissa = (zigzag >> 1) as i128 ^ -((zigzag & 1) as i128);
                let value = Decimal::try_from_i128_with_scale(mantissa, u32::from(tag - SCALED));
                Mark::Scored(Points::new(value.map_err(|_| Unpack::Value)?))
            }
            _ => return Err(Unpack::Value),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_response() -> impl Strategy<Value = Response> {
        prop_oneof![
            Just(Response::Blank),
            any::<bool>().prop_map(Response::Truth),
            any::<u32>().prop_map(|b| Response::Choice(OptionSet::from_bits(b >> (b % 32)))),
            proptest::collection::vec(".{0,9}", 0..4).prop_map(Response::Texts),
            ".{0,200}".prop_map(Response::Text),
            ".{0,20}".prop_map(|text| Response::Number(text.into())),
            proptest::collection::vec(prop_oneof![0u8..26, Just(NONE)], 0..=26)
                .prop_map(|options| Response::Pairs(options.into())),
            proptest::collection::vec(0u8..26, 0..=26).prop_map(|options| Response::Order(options.into())),
        ]
    }

    fn any_mark() -> impl Strategy<Value = Mark> {
        let points = |(mantissa, scale): (i64, u32)| {
            Mark::Scored(Points::new(Decimal::from_i128_with_scale(i128::from(mantissa), scale)))
        };
        prop_oneof![
            Just(Mark::NotAnswered),
            Just(Mark::Awaiting),
            (0i64..300, 0u32..3).prop_map(points),
            (any::<i64>(), 0u32..=28).prop_map(points),
        ]
    }

    proptest! {
        #[test]
        fn responses_come_back(given in proptest::collection::vec(any_response(), 0..40)) {
            let bytes = pack_responses(&given);
            prop_assert_eq!(unpack_responses(&bytes, given.len()).unwrap(), given.clone());
            let glances: Vec<Glance> = Glances::open(&bytes).unwrap().map(Result::unwrap).collect();
            for (at, response) in given.iter().enumerate() {
                let glance = glances.get(at).copied().unwrap_or(Glance::Blank);
                prop_assert_eq!(glance == Glance::Blank, response.is_blank());
            }
        }

        #[test]
        fn marks_come_back(given in proptest::collection::vec(any_mark(), 0..40)) {
            prop_assert_eq!(unpack_marks(&pack_marks(&given), given.len()).unwrap(), given);
        }

        #[test]
        fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..80), known: bool) {
            if let (true, Some(first)) = (known, bytes.first_mut()) {
                *first = VERSION;
            }
            let _ = unpack_responses(&bytes, 20);
            let _ = unpack_marks(&bytes, 20);
            if let Ok(glances) = Glances::open(&bytes) {
                prop_assert!(glances.count() <= bytes.len());
            }
        }
    }

    #[test]
    fn fifty_choices_are_small() {
        let four = vec![Response::Choice(OptionSet::from_bits(0b1010)); 50];
        assert_eq!(pack_responses(&four).len(), 51);
        let ten = vec![Response::Choice(OptionSet::from_bits(0b10_0000_0001)); 50];
        assert_eq!(pack_responses(&ten).len(), 101);
        assert_eq!(pack_marks(&[Mark::Scored(Points::from(2)); 50]).len(), 51);
        assert_eq!(pack_responses(&vec![Response::Blank; 50]), [VERSION]);
    }

    #[test]
    fn what_is_never_written_is_refused() {
        assert_eq!(unpack_responses(&[], 1), Err(Unpack::Version));
        assert_eq!(unpack_responses(&[9], 1), Err(Unpack::Version));
        assert_eq!(unpack_responses(&[1, 0x02, 0x02], 1), Err(Unpack::TooMany));
        assert_eq!(unpack_responses(&[1, 0x30], 1), Err(Unpack::Value));
        assert_eq!(unpack_responses(&[1, 0x05, 0, 0, 0, 0x80], 1), Err(Unpack::Value));
        assert_eq!(unpack_responses(&[1, 0x04, 0xff, 0xff, 0x7f], 1), Err(Unpack::Truncated));
        assert_eq!(unpack_marks(&[1, 0x3f, 0], 1), Err(Unpack::Value));
    }
}
