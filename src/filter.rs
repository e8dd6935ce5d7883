//! Filters of list calls: a documented subset of AIP-160 — comparisons joined by `AND` — parsed into data. Values are
//! always bound, never pasted into SQL; names of columns come from tables in the source, never from a caller.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::{Postgres, QueryBuilder};
use unicode_normalization::UnicodeNormalization;

use crate::glyphs::first_invisible;

/// What a field holds, and thereby which comparisons it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Text: `=`, `!=`, and `:` for "contains".
    Text,
    /// An exact text: `=` and `!=`.
    Exact,
    /// A person, composed as such names are stored (see [`Fields::person`](crate::door::Fields::person)): `=` and `!=`.
    Person,
    /// One of these words, upper or lower case: `=` and `!=`.
    Word(&'static [&'static str]),
    /// A path of names joined by `/`: `=`, `!=`, and `:` for the path and everything below it.
    Path,
    /// A set of texts: `:` for "has".
    Set,
    /// A whole number: all comparisons.
    Integer,
    /// A binary float: all comparisons.
    Float,
    /// An exact decimal: all comparisons.
    Decimal,
    /// A moment in RFC 3339: all comparisons.
    Time,
    /// `true` or `false`: `=` and `!=`.
    Bool,
}

/// One field that callers may filter by.
#[derive(Debug)]
pub struct Field {
    /// The name that callers write.
    pub name: &'static str,
    /// The SQL expression it stands for.
    pub sql: &'static str,
    /// What it holds.
    pub ty: FieldType,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Has,
}

impl Op {
    fn sql(self) -> &'static str {
        match self {
            Self::Eq | Self::Has => " = ",
            Self::Ne => " is distinct from ",
            Self::Lt => " < ",
            Self::Le => " <= ",
            Self::Gt => " > ",
            Self::Ge => " >= ",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Decimal(Decimal),
    Time(DateTime<Utc>),
    Bool(bool),
}

/// One comparison, checked: the field exists, takes the operator, and the value is one of its kind.
#[derive(Clone, Debug)]
pub struct Comparison {
    field: &'static Field,
    op: Op,
    value: Value,
}

/// Parses a filter over the given fields. The empty filter has no comparisons. The error says what is wrong and where.
pub fn parse(text: &str, fields: &'static [Field]) -> Result<Vec<Comparison>, String> {
    if text.len() > 4096 {
        return Err("is longer than 4096 bytes".to_owned());
    }
    let mut rest = text.trim_start();
    let mut comparisons = Vec::new();
    while !rest.is_empty() {
        if !comparisons.is_empty() {
            rest = match rest.strip_prefix("AND") {
                Some(after) if after.starts_with(char::is_whitespace) => after.trim_start(),
                _ => return Err(format!("expected AND at {:?}", shorten(rest))),
            };
        }
        let (comparison, after) = comparison(rest, fields)?;
        comparisons.push(comparison);
        rest = after.trim_start();
    }
    Ok(comparisons)
}

fn shorten(text: &str) -> String {
    text.chars().take(24).collect()
}

fn comparison<'a>(text: &'a str, fields: &'static [Field]) -> Result<(Comparison, &'a str), String> {
    let name_end =
        text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).unwrap_or(text.len());
    let (name, rest) = text.split_at(name_end);
    let Some(field) = fields.iter().find(|f| f.name == name) else {
        let known: Vec<&str> = fields.iter().map(|f| f.name).collect();
        let what = if name.is_empty() { shorten(text) } else { name.to_owned() };
        return Err(format!("{what:?} is no field to filter by; there are {}", known.join(", ")));
    };
    let rest = rest.trim_start();
    let operators = [
        ("!=", Op::Ne),
        ("<=", Op::Le),
        (">=", Op::Ge),
        ("=", Op::Eq),
        ("<", Op::Lt),
        (">", Op::Gt),
        (":", Op::Has),
    ];
    let Some((op, rest)) = operators.iter().find_map(|(sign, op)| rest.strip_prefix(sign).map(|r| (*op, r)))
    else {
        return Err(format!("expected one of = != < <= > >= : after {name}"));
    };
    let (word, rest) = value(rest.trim_start())?;
    let value = typed(field, op, &word)?;
    Ok((Comparison { field, op, value }, rest))
}

/// A quoted or bare value and what follows it.
fn value(text: &str) -> Result<(String, &str), String> {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        if word.is_empty() {
            return Err("a value is missing at the end".to_owned());
        }
        return Ok((word.to_owned(), rest));
    };
    let mut word = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some((_, escaped)) => word.push(escaped),
                None => break,
            },
            c if c == quote => return Ok((word, &text[at + c.len_utf8()..])),
            c => word.push(c),
        }
    }
    Err(format!("the quote at {:?} is not closed", shorten(text)))
}

fn typed(field: &Field, op: Op, word: &str) -> Result<Value, String> {
    let name = field.name;
    let takes = |ops: &[Op], signs: &str| {
        if ops.contains(&op) { Ok(()) } else { Err(format!("{name} takes only {signs}")) }
    };
    let ordered = [Op::Eq, Op::Ne, Op::Lt, Op::Le, Op::Gt, Op::Ge];
    if word.contains('\0') {
        return Err(format!("the value of {name} contains a NUL character"));
    }
    match field.ty {
        FieldType::Text | FieldType::Path => {
            takes(&[Op::Eq, Op::Ne, Op::Has], "= != :").map(|()| Value::Text(word.to_owned()))
        }
        FieldType::Exact => takes(&[Op::Eq, Op::Ne], "= !=").map(|()| Value::Text(word.to_owned())),
        FieldType::Person => {
            takes(&[Op::Eq, Op::Ne], "= !=")?;
            if let Some(c) = first_invisible(word) {
                return Err(format!(
                    "the value of {name} contains an invisible character, U+{:04X}",
                    u32::from(c)
                ));
            }
            Ok(Value::Text(word.nfc().collect()))
        }
        FieldType::Set => takes(&[Op::Has], ":").map(|()| Value::Text(word.to_owned())),
        FieldType::Word(words) => {
            takes(&[Op::Eq, Op::Ne], "= !=")?;
            let lower = word.to_ascii_lowercase();
            match words.contains(&lower.as_str()) {
                true => Ok(Value::Text(lower)),
                false => Err(format!("{name} is one of {}", words.join(", "))),
            }
        }
        FieldType::Integer => {
            takes(&ordered, "= != < <= > >=")?;
            word.parse().map(Value::Integer).map_err(|_| format!("{name} takes a whole number, not {word:?}"))
        }
        FieldType::Float => {
            takes(&ordered, "= != < <= > >=")?;
            let number = word.parse::<f64>().ok().filter(|n| n.is_finite());
            number.map(Value::Float).ok_or_else(|| format!("{name} takes a number, not {word:?}"))
        }
        FieldType::Decimal => {
            takes(&ordered, "= != < <= > >=")?;
            Decimal::from_str_exact(word)
                .map(Value::Decimal)
                .map_err(|_| format!("{name} takes a decimal, not {word:?}"))
        }
        FieldType::Time => {
            takes(&ordered, "= != < <= > >=")?;
            DateTime::parse_from_rfc3339(word)
                .map(|t| Value::Time(t.to_utc()))
                .map_err(|_| format!("{name} takes a time such as 2026-01-31T08:00:00Z, not {word:?}"))
        }
        FieldType::Bool => {
            takes(&[Op::Eq, Op::Ne], "= !=")?;
            word.parse().map(Value::Bool).map_err(|_| format!("{name} is true or false, not {word:?}"))
        }
    }
}

/// Appends ` and (…)` for each comparison.
pub fn push(query: &mut QueryBuilder<Postgres>, comparisons: &[Comparison]) {
    for Comparison { field, op, value } in comparisons {
        query.push(" and (");
        match (field.ty, op, value) {
            (FieldType::Path, Op::Has, Value::Text(path)) => {
                query.push(field.sql).push(" = ").push_bind(path.clone());
                query
                    .push(" or starts_with(")
                    .push(field.sql)
                    .push(", ")
                    .push_bind(format!("{path}/"))
                    .push(")");
            }
            (FieldType::Set, _, Value::Text(member)) => {
                // Containment, not `= any`, so that an index over the set can serve it.
                query.push(field.sql).push(" @> array[").push_bind(member.clone()).push("]::text[]");
            }
            (_, Op::Has, Value::Text(part)) => {
                query
                    .push("strpos(lower(")
                    .push(field.sql)
                    .push("), lower(")
                    .push_bind(part.clone())
                    .push(")) > 0");
            }
            (_, op, value) => {
                query.push(field.sql).push(op.sql());
                match value.clone() {
                    Value::Text(v) => query.push_bind(v),
                    Value::Integer(v) => query.push_bind(v),
                    Value::Float(v) => query.push_bind(v),
                    Value::Decimal(v) => query.push_bind(v),
                    Value::Time(v) => query.push_bind(v),
                    Value::Bool(v) => query.push_bind(v),
                };
            }
        }
        query.push(")");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static FIELDS: &[Field] = &[
        Field { name: "kind", sql: "q.kind", ty: FieldType::Word(&["single_choice", "case"]) },
        Field { name: "topic", sql: "q.topic", ty: FieldType::Path },
        Field { name: "tags", sql: "q.tags", ty: FieldType::Set },
        Field { name: "difficulty", sql: "q.difficulty", ty: FieldType::Float },
        Field { name: "create_time", sql: "q.create_time", ty: FieldType::Time },
    ];

    fn sql(filter: &str) -> String {
        let mut query = QueryBuilder::new("where true");
        push(&mut query, &parse(filter, FIELDS).unwrap());
        query.sql().as_str().to_owned()
    }

    #[test]
    fn values_are_bound_and_never_pasted() {
        assert_eq!(
            sql(
                r#"kind = SINGLE_CHOICE AND topic:"课题一" AND difficulty <= 0.5 AND tags:'x"; drop table q'"#
            ),
            "where true and (q.kind = $1) and (q.topic = $2 or starts_with(q.topic, $3)) and (q.difficulty <= $4) and \
             (q.tags @> array[$5]::text[])"
        );
        assert_eq!(sql("  "), "where true");
    }

    #[test]
    fn mistakes_are_explained() {
        let error = |filter: &str| parse(filter, FIELDS).unwrap_err();
        assert!(error("colour = 1").contains("there are kind, topic"));
        assert!(error("kind > case").contains("only = !="));
        assert!(error("kind = essay").contains("one of single_choice, case"));
        assert!(error("difficulty < hard").contains("a number"));
        assert!(error("difficulty < NaN").contains("a number"));
        assert!(error("create_time > yesterday").contains("2026-01-31"));
        assert!(error("topic = \"x").contains("not closed"));
        assert!(error("kind = case OR kind = case").contains("expected AND"));
        assert!(error("kind =").contains("missing"));
    }
}
