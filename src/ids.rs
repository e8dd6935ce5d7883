//! Ids and resource names. An id is a type, so that swapped arguments do not compile; a name is the path that callers
//! see, such as `banks/crm/questions/q-1/versions/2`.

use std::{fmt, str::FromStr};

use uuid::Uuid;

/// Why a text is no id or name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not of the form of an id.
    #[error("must be 1 to 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit")]
    Id,
    /// Not of the form of the name that is expected.
    #[error("must be of the form {0}")]
    Name(&'static str),
}

/// Whether a text is a legal id: `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`.
fn is_id(text: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The id that the caller chose, or a new UUIDv7 where it chose none.
            pub fn chosen_or_new(text: &str) -> Result<Self, IdError> {
                if text.is_empty() { Ok(Self(Uuid::now_v7().to_string())) } else { text.parse() }
            }

            /// An id read from the database, where only legal ones are.
            pub fn stored(text: String) -> Self {
                Self(text)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                if is_id(text) { Ok(Self(text.to_owned())) } else { Err(IdError::Id) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A bank.
    BankId
);
id!(
    /// A question, unique within its bank.
    QuestionId
);
id!(
    /// A blueprint.
    BlueprintId
);
id!(
    /// A form, unique within its blueprint.
    FormId
);
id!(
    /// An exam.
    ExamId
);

/// The variable segments of `name` where it has the shape of `pattern`, whose variable segments are written `*`.
fn segments<'a, const N: usize>(name: &'a str, pattern: &str) -> Option<[&'a str; N]> {
    let mut found = [""; N];
    let mut next = 0;
    let (mut given, mut wanted) = (name.split('/'), pattern.split('/'));
    loop {
        match (given.next(), wanted.next()) {
            (None, None) => return (next == N).then_some(found),
            (Some(part), Some("*")) if !part.is_empty() && next < N => {
                found[next] = part;
                next += 1;
            }
            (Some(part), Some(fixed)) if part == fixed => {}
            _ => return None,
        }
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $shape:literal, $pattern:literal, $format:literal, { $($field:ident : $id:ty),+ }, $n:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name {
            $(#[doc = concat!("The ", stringify!($field), ".")] pub $field: $id,)+
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let wrong = || IdError::Name($shape);
                let [$($field),+] = segments::<$n>(text, $pattern).ok_or_else(wrong)?;
                Ok(Self { $($field: $field.parse().map_err(|_| wrong())?),+ })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, $format, $(self.$field),+)
            }
        }
    };
}

name!(
    /// `banks/{bank}`
    BankName, "banks/{bank}", "banks/*", "banks/{}", { bank: BankId }, 1
);
name!(
    /// `banks/{bank}/questions/{question}`
    QuestionName, "banks/{bank}/questions/{question}", "banks/*/questions/*", "banks/{}/questions/{}",
    { bank: BankId, question: QuestionId }, 2
);
name!(
    /// `blueprints/{blueprint}`
    BlueprintName, "blueprints/{blueprint}", "blueprints/*", "blueprints/{}", { blueprint: BlueprintId }, 1
);
name!(
    /// `blueprints/{blueprint}/forms/{form}`
    FormName, "blueprints/{blueprint}/forms/{form}", "blueprints/*/forms/*", "blueprints/{}/forms/{}",
    { blueprint: BlueprintId, form: FormId }, 2
);
name!(
    /// `exams/{exam}`
    ExamName, "exams/{exam}", "exams/*", "exams/{}", { exam: ExamId }, 1
);
name!(
    /// `exams/{exam}/attempts/{attempt}`
    AttemptName, "exams/{exam}/attempts/{attempt}", "exams/*/attempts/*", "exams/{}/attempts/{}",
    { exam: ExamId, attempt: Uuid }, 2
);
name!(
    /// `exams/{exam}/attempts/{attempt}/result`
    ResultName, "exams/{exam}/attempts/{attempt}/result", "exams/*/attempts/*/result", "exams/{}/attempts/{}/result",
    { exam: ExamId, attempt: Uuid }, 2
);
name!(
    /// `exams/{exam}/attempts/{attempt}/responses/{position}`
    TaskName, "exams/{exam}/attempts/{attempt}/responses/{position}", "exams/*/attempts/*/responses/*",
    "exams/{}/attempts/{}/responses/{}", { exam: ExamId, attempt: Uuid, position: i32 }, 3
);
name!(
    /// `exams/{exam}/gradingScheme`
    SchemeName, "exams/{exam}/gradingScheme", "exams/*/gradingScheme", "exams/{}/gradingScheme", { exam: ExamId }, 1
);
name!(
    /// `exams/{exam}/regrades/{regrade}`
    RegradeName, "exams/{exam}/regrades/{regrade}", "exams/*/regrades/*", "exams/{}/regrades/{}",
    { exam: ExamId, regrade: Uuid }, 2
);
name!(
    /// `operations/{operation}`
    OperationName, "operations/{operation}", "operations/*", "operations/{}", { operation: Uuid }, 1
);
name!(
    /// `apiKeys/{api_key}`
    ApiKeyName, "apiKeys/{api_key}", "apiKeys/*", "apiKeys/{}", { api_key: Uuid }, 1
);

/// A question, or one published version of it: `banks/{bank}/questions/{question}` with or without `/versions/{n}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QuestionRef {
    /// The question.
    pub question: QuestionName,
    /// The version, from 1; `None` is the question as it stands.
    pub version: Option<i32>,
}

impl FromStr for QuestionRef {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = IdError::Name(
            "banks/{bank}/questions/{question} or banks/{bank}/questions/{question}/versions/{n}",
        );
        match text.split_once("/versions/") {
            None => Ok(Self { question: text.parse().map_err(|_| wrong)?, version: None }),
            Some((question, version)) => {
                let question = question.parse().map_err(|_| wrong.clone())?;
                match version.parse::<i32>() {
                    Ok(n) if n > 0 && !version.starts_with(['+', '0']) => {
                        Ok(Self { question, version: Some(n) })
                    }
                    _ => Err(wrong),
                }
            }
        }
    }
}

impl fmt::Display for QuestionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            None => self.question.fmt(f),
            Some(version) => write!(f, "{}/versions/{version}", self.question),
        }
    }
}

/// The parent of a list: one collection, or `-` for all of them (AIP-159).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parent<T> {
    /// `-`
    All,
    /// One.
    One(T),
}

impl<T: Default> Default for Parent<T> {
    fn default() -> Self {
        Self::One(T::default())
    }
}

impl<T: FromStr<Err = IdError>> Parent<T> {
    /// From the field `parent` of a list request over `collection`, such as `banks`.
    pub fn parse(text: &str, collection: &str) -> Result<Self, IdError> {
        match text.strip_suffix("/-") {
            Some(head) if head == collection => Ok(Self::All),
            _ => text.parse().map(Self::One),
        }
    }
}

impl<T> Parent<T> {
    /// The one, if it is one.
    pub fn one(&self) -> Option<&T> {
        match self {
            Self::All => None,
            Self::One(one) => Some(one),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_what_the_docs_say() {
        for good in ["a", "7", "crm-2025", "0198c5d8-6a3f-7000-8000-000000000001", &"x".repeat(63)] {
            assert!(good.parse::<BankId>().is_ok(), "{good}");
        }
        for bad in ["", "-", "a-", "-a", "A", "题库", "a b", "a/b", &"x".repeat(64)] {
            assert_eq!(bad.parse::<BankId>(), Err(IdError::Id), "{bad}");
        }
    }

    #[test]
    fn names_round_trip() {
        let name: QuestionRef = "banks/crm/questions/q-1/versions/12".parse().unwrap();
        assert_eq!(name.to_string(), "banks/crm/questions/q-1/versions/12");
        assert_eq!(name.version, Some(12));
        let plain: QuestionRef = "banks/crm/questions/q-1".parse().unwrap();
        assert_eq!(plain.to_string(), "banks/crm/questions/q-1");
        for bad in [
            "banks/crm/questions/q/versions/0",
            "banks/crm/questions/q/versions/-1",
            "banks/crm/questions/",
            "x",
        ] {
            assert!(bad.parse::<QuestionRef>().is_err(), "{bad}");
        }
        assert_eq!(Parent::<BankName>::parse("banks/-", "banks"), Ok(Parent::All));
        assert!(Parent::<BankName>::parse("exams/-", "banks").is_err());
    }
}
