//! The door of every call: a request is parsed into typed values here, and every bad field is collected before the
//! first one is reported.

use std::fmt::Display;

use unicode_normalization::UnicodeNormalization;

use crate::{
    error::{Error, Result, Violation},
    glyphs::{first_invisible, is_blank},
    points::Points,
    scoring::amount::Amount,
};

/// The longest sitting: 30 days.
const MAX_SECONDS: i32 = 30 * 24 * 60 * 60;

/// Collects the bad fields of one request.
#[derive(Debug, Default)]
pub struct Fields {
    prefix: String,
    violations: Vec<Violation>,
}

impl Fields {
    /// Reports paths below `prefix`, such as `question`.
    pub fn under(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), violations: Vec::new() }
    }

    /// The full path of a field.
    fn path(&self, field: &str) -> String {
        match (self.prefix.is_empty(), field.is_empty()) {
            (true, _) => field.to_owned(),
            (false, true) => self.prefix.clone(),
            (false, false) => format!("{}.{field}", self.prefix),
        }
    }

    /// Notes a bad field.
    pub fn bad(&mut self, field: impl AsRef<str>, description: impl Display) {
        let field = self.path(field.as_ref());
        self.violations.push(Violation { field, description: description.to_string() });
    }

    /// The value, or its default and a note. The default is never used: [`Fields::done`] fails first.
    pub fn take<T: Default, E: Display>(&mut self, field: impl AsRef<str>, parsed: Result<T, E>) -> T {
        match parsed {
            Ok(value) => value,
            Err(error) => {
                self.bad(field, error);
                T::default()
            }
        }
    }

    /// The value of a field that must be given, or its default and a note.
    pub fn required<T: Default>(&mut self, field: &str, value: Option<T>) -> T {
        match value {
            Some(value) => value,
            None => {
                self.bad(field, "is required");
                T::default()
            }
        }
    }

    /// A text of `min` to `max` characters, none of them a control character other than line breaks and tabs.
    pub fn text(&mut self, field: impl AsRef<str>, value: &str, min: usize, max: usize) -> String {
        let count = value.chars().count();
        if count < min && count == 0 {
            self.bad(field, "is required");
        } else if count < min || (min > 0 && is_blank(value)) {
            self.bad(field, format!("needs at least {min} characters that are not blank"));
        } else if count > max {
            self.bad(field, format!("has {count} characters; at most {max} are allowed"));
        } else if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r')) {
            self.bad(field, "contains a control character");
        }
        value.to_owned()
    }

    /// A person in the caller's own words, such as a candidate: 1 to 128 characters, none of them invisible, without white
    /// space at the ends. Composed (NFC), so that two ways to encode one name are one person.
    pub fn person(&mut self, field: impl AsRef<str>, value: &str) -> String {
        if value.is_ascii() && (1..=128).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_graphic())
        {
            return value.to_owned();
        }
        let field = field.as_ref();
        let before = self.count();
        let text: String = self.text(field, value, 1, 128).nfc().collect();
        if self.count() > before {
            return text;
        }
        if let Some(c) = first_invisible(&text) {
            self.bad(field, format!("contains an invisible character, U+{:04X}", u32::from(c)));
        } else if text.trim() != text {
            self.bad(field, "has white space at its ends");
        }
        text
    }

    /// Points from their text.
    pub fn points(&mut self, field: impl AsRef<str>, value: &str) -> Points {
        self.take(field, value.parse::<Points>())
    }

    /// The parameter of a scoring policy from its text.
    pub fn amount(&mut self, field: impl AsRef<str>, value: &str) -> Amount {
        self.take(field, value.parse::<Amount>())
    }

    /// A length of time in seconds: whole, above 0 and at most 30 days.
    pub fn seconds(&mut self, field: impl AsRef<str>, value: Option<&prost_types::Duration>) -> Option<i32> {
        let value = value?;
        match i32::try_from(value.seconds) {
            Ok(seconds @ 1..=MAX_SECONDS) if value.nanos == 0 => Some(seconds),
            _ => {
                self.bad(field, format!("must be whole seconds, 1 to {MAX_SECONDS} (30 days)"));
                None
            }
        }
    }

    /// A length of time in whole seconds from 0 to `most`; 0 where none is given.
    pub fn seconds_up_to(
        &mut self,
        field: impl AsRef<str>,
        value: Option<&prost_types::Duration>,
        most: i32,
    ) -> i32 {
        let Some(value) = value else { return 0 };
        match i32::try_from(value.seconds) {
            Ok(seconds) if (0..=most).contains(&seconds) && value.nanos == 0 => seconds,
            _ => {
                self.bad(field, format!("must be whole seconds, 0 to {most}"));
                0
            }
        }
    }

    /// A caller's request id, up to 64 visible ASCII characters.
    pub fn request_id(&mut self, value: &str) -> String {
        if value.len() > 64 || !value.bytes().all(|b| b.is_ascii_graphic()) {
            self.bad("request_id", "must be up to 64 visible ASCII characters");
        }
        value.to_owned()
    }

    /// Takes over the notes of another collector.
    pub fn absorb(&mut self, other: Self) {
        self.violations.extend(other.violations);
    }

    /// Takes over violations with paths relative to `field`.
    pub fn extend(&mut self, field: &str, violations: impl IntoIterator<Item = Violation>) {
        for v in violations {
            let inner = if field.is_empty() { v.field } else { format!("{field}.{}", v.field) };
            self.bad(inner, v.description);
        }
    }

    /// How many bad fields were noted so far.
    pub fn count(&self) -> usize {
        self.violations.len()
    }

    /// Whether something bad was noted about that very field.
    pub fn has(&self, field: &str) -> bool {
        let path = self.path(field);
        self.violations.iter().any(|v| v.field == path)
    }

    /// Whether nothing bad was noted so far.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// Fails with every bad field, or goes on.
    pub fn done(self) -> Result<()> {
        if self.violations.is_empty() { Ok(()) } else { Err(Error::Invalid(self.violations)) }
    }
}
