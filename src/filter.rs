//! Filters of list calls: a documented subset of AIP-160, parsed into data. Values are always bound, never pasted into
//! SQL; names of columns come from tables in the source, never from a caller.
//!
//! Comparisons are joined by `AND`, `OR`, `NOT` (or `-`) and parentheses; as AIP-160 has it, `OR` binds tighter than
//! `AND`. Several values of one field may stand in parentheses: `state = (draft OR retired)`. `field:*` asks whether
//! there is a value at all. What a comparison cannot say of a missing value is false, and `NOT` turns it into true.
//! Length, depth and the number of comparisons are bounded, so that neither this process nor the planner can be made to
//! work for long.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::{Postgres, QueryBuilder};
use unicode_normalization::UnicodeNormalization;

use crate::glyphs::first_invisible;

/// The longest filter, in bytes.
const MAX_BYTES: usize = 16_384;
/// The most comparisons of one filter.
const MAX_COMPARISONS: usize = 500;
/// How deep parentheses and negations go.
const MAX_DEPTH: usize = 20;
/// A filter of up to so many comparisons joined by AND is one of a few shapes, and its plan worth keeping.
const FEW: usize = 2;

/// What a field holds, and thereby which comparisons it takes. Every field takes `:*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Text: `=`, `!=`, and `:` for "contains".
    Text,
    /// An exact text: `=` and `!=`.
    Exact,
    /// A person, composed as such names are stored (see [`Fields::person`](crate::door::Fields::person)): `=` and `!=`.
    Person,
    /// One of these words, upper or lower case, with or without what the protocol writes before them, such as
    /// `QUESTION_KIND_`: `=` and `!=`; `:` is `=`.
    Word(&'static str, &'static [&'static str]),
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
#[derive(Debug, PartialEq)]
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
    /// `*`: any value.
    Any,
}

/// One comparison, checked: the field exists, takes the operator, and the value is one of its kind.
#[derive(Clone, Debug, PartialEq)]
struct Comparison {
    field: &'static Field,
    op: Op,
    value: Value,
}

#[derive(Clone, Debug, PartialEq)]
enum Expression {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Is(Comparison),
}

/// A filter that was parsed over the fields of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    root: Option<Expression>,
}

impl Filter {
    /// Parses a filter over the given fields; the empty one lets everything through. The error says what is wrong, and at
    /// which character.
    pub fn parse(text: &str, fields: &'static [Field]) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("is longer than {MAX_BYTES} bytes"));
        }
        let mut parser = Parser { text, at: 0, fields, comparisons: 0 };
        parser.skip();
        if parser.rest().is_empty() {
            return Ok(Self::default());
        }
        let root = parser.expression(0)?;
        if !parser.rest().is_empty() {
            return Err(parser.unexpected());
        }
        Ok(Self { root: Some(root) })
    }

    /// Whether it speaks of that field.
    pub fn mentions(&self, field: &str) -> bool {
        self.root.as_ref().is_some_and(|root| root.any(&|c| c.field.name == field))
    }

    /// Whether its statement comes again and again in the same shape.
    pub fn is_common(&self) -> bool {
        match &self.root {
            None | Some(Expression::Is(_)) => true,
            Some(Expression::And(parts)) => {
                parts.len() <= FEW && parts.iter().all(|p| matches!(p, Expression::Is(_)))
            }
            Some(_) => false,
        }
    }

    /// Appends ` and (…)` for each of its conditions.
    pub fn push(&self, query: &mut QueryBuilder<Postgres>) {
        let parts = match &self.root {
            None => return,
            Some(Expression::And(parts)) => parts.as_slice(),
            Some(root) => std::slice::from_ref(root),
        };
        for part in parts {
            query.push(" and (");
            part.push(query);
            query.push(")");
        }
    }
}

impl Expression {
    fn any(&self, test: &impl Fn(&Comparison) -> bool) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(|p| p.any(test)),
            Self::Not(inner) => inner.any(test),
            Self::Is(comparison) => test(comparison),
        }
    }

    fn push(&self, query: &mut QueryBuilder<Postgres>) {
        let joined = |query: &mut QueryBuilder<Postgres>, parts: &[Self], word: &str| {
            for (i, part) in parts.iter().enumerate() {
                query.push(if i > 0 { word } else { "" }).push("(");
                part.push(query);
                query.push(")");
            }
        };
        match self {
            Self::And(parts) => joined(query, parts, " and "),
            Self::Or(parts) => match one_of(parts) {
                // An index serves a list of values where it would not serve so many alternatives.
                Some((field, values)) => {
                    query.push(field.sql).push(" = any(").push_bind(values).push(")");
                }
                None => joined(query, parts, " or "),
            },
            Self::Not(inner) => {
                query.push("(");
                inner.push(query);
                query.push(") is not true");
            }
            Self::Is(comparison) => comparison.push(query),
        }
    }
}

/// The field and the texts where the alternatives are all of the form field = text.
fn one_of(parts: &[Expression]) -> Option<(&'static Field, Vec<String>)> {
    let mut values = Vec::with_capacity(parts.len());
    let mut field: Option<&'static Field> = None;
    for part in parts {
        match part {
            Expression::Is(Comparison { field: f, op: Op::Eq, value: Value::Text(text) })
                if field.is_none_or(|first| first.name == f.name) =>
            {
                field = Some(f);
                values.push(text.clone());
            }
            _ => return None,
        }
    }
    field.map(|field| (field, values))
}

impl Comparison {
    fn push(&self, query: &mut QueryBuilder<Postgres>) {
        let Self { field, op, value } = self;
        match (field.ty, op, value) {
            (FieldType::Text | FieldType::Path | FieldType::Exact | FieldType::Person, _, Value::Any) => {
                query.push(field.sql).push(" <> ''");
            }
            (FieldType::Set, _, Value::Any) => {
                query.push("cardinality(").push(field.sql).push(") > 0");
            }
            (_, _, Value::Any) => {
                query.push(field.sql).push(" is not null");
            }
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
                    Value::Any => query.push("null"),
                };
            }
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    /// A byte offset, always at a character.
    at: usize,
    fields: &'static [Field],
    comparisons: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// `what`, with the place where parsing stands.
    fn wrong(&self, what: impl std::fmt::Display) -> String {
        self.wrong_at(self.at, what)
    }

    fn wrong_at(&self, at: usize, what: impl std::fmt::Display) -> String {
        let before = self.text.get(..at).unwrap_or_default();
        format!("at character {}: {what}", before.chars().count() + 1)
    }

    fn unexpected(&self) -> String {
        let rest = self.rest();
        let word: String = rest.chars().take(24).collect();
        let first = rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        self.wrong(match first {
            "and" | "or" | "not" => format!("write {} in capitals", first.to_ascii_uppercase()),
            _ if rest.starts_with("&&") => "expected AND or OR; write AND for &&".to_owned(),
            _ if rest.starts_with("||") => "expected AND or OR; write OR for ||".to_owned(),
            _ if rest.starts_with(')') => "this parenthesis was never opened".to_owned(),
            _ => format!("expected AND or OR, found {word:?}"),
        })
    }

    /// Takes a sign and the white space after it.
    fn sign(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
            self.skip();
        }
        found
    }

    /// Takes a word of the language, which ends where a name would end.
    fn keyword(&mut self, word: &str) -> bool {
        let after = self.rest().strip_prefix(word);
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
        after.is_some_and(ends) && self.sign(word)
    }

    fn expression(&mut self, depth: usize) -> Result<Expression, String> {
        if depth > MAX_DEPTH {
            return Err(self.wrong(format!("is nested more than {MAX_DEPTH} deep")));
        }
        let mut parts = vec![self.factor(depth)?];
        while self.keyword("AND") {
            parts.push(self.factor(depth)?);
        }
        Ok(alone(parts, Expression::And))
    }

    fn factor(&mut self, depth: usize) -> Result<Expression, String> {
        let mut parts = vec![self.term(depth)?];
        while self.keyword("OR") {
            parts.push(self.term(depth)?);
        }
        Ok(alone(parts, Expression::Or))
    }

    fn term(&mut self, depth: usize) -> Result<Expression, String> {
        if self.keyword("NOT") || self.sign("-") {
            if depth >= MAX_DEPTH {
                return Err(self.wrong(format!("is nested more than {MAX_DEPTH} deep")));
            }
            return Ok(Expression::Not(Box::new(self.term(depth + 1)?)));
        }
        let open = self.at;
        if self.sign("(") {
            let inner = self.expression(depth + 1)?;
            if !self.sign(")") {
                return Err(match self.rest() {
                    "" => self.wrong_at(open, "this parenthesis is not closed"),
                    _ => self.unexpected(),
                });
            }
            return Ok(inner);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expression, String> {
        let rest = self.rest();
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let name = rest.get(..rest.find(|c| !is_name(c)).unwrap_or(rest.len())).unwrap_or_default();
        let Some(field) = self.fields.iter().find(|f| f.name == name) else {
            let known: Vec<&str> = self.fields.iter().map(|f| f.name).collect();
            let known = known.join(", ");
            return Err(self.wrong(match name {
                "" if rest.is_empty() => format!("a comparison is missing; the fields are {known}"),
                "" | "AND" | "OR" => {
                    let word: String = rest.chars().take(24).collect();
                    format!("expected a field, found {word:?}; there are {known}")
                }
                name => format!("{name:?} is no field to filter by; there are {known}"),
            }));
        };
        self.at += name.len();
        self.skip();
        let op = self.operator(name)?;
        let open = self.at;
        if !self.sign("(") {
            return self.operand(field, op);
        }
        let mut parts = vec![self.operand(field, op)?];
        let word = if self.rest().starts_with("AND") { "AND" } else { "OR" };
        while self.keyword(word) {
            parts.push(self.operand(field, op)?);
        }
        if !self.sign(")") {
            return Err(match self.rest() {
                "" => self.wrong_at(open, "this parenthesis is not closed"),
                _ => self.wrong("expected one kind of AND or OR between the values, or \")\""),
            });
        }
        Ok(alone(parts, if word == "AND" { Expression::And } else { Expression::Or }))
    }

    fn operator(&mut self, name: &str) -> Result<Op, String> {
        for (sign, right) in [("==", "="), ("<>", "!="), ("=~", ":"), ("~", ":"), ("=<", "<="), ("=>", ">=")]
        {
            if self.rest().starts_with(sign) {
                return Err(self.wrong(format!("{sign:?} is no operator; use {right:?}")));
            }
        }
        let operators = [
            ("!=", Op::Ne),
            ("<=", Op::Le),
            (">=", Op::Ge),
            ("=", Op::Eq),
            ("<", Op::Lt),
            (">", Op::Gt),
            (":", Op::Has),
        ];
        if let Some((_, op)) = operators.into_iter().find(|(sign, _)| self.sign(sign)) {
            return Ok(op);
        }
        let word = self.rest().split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        Err(self.wrong(match word.as_str() {
            "IN" | "IN(" => format!("IN is no operator; write {name} = (a OR b)"),
            "IS" => format!("IS is no operator; write {name}:* for any value, NOT {name}:* for none"),
            "LIKE" | "CONTAINS" => format!("{word} is no operator; write {name}:text where it takes \":\""),
            _ => format!("expected one of = != < <= > >= : after {name}"),
        }))
    }

    fn operand(&mut self, field: &'static Field, op: Op) -> Result<Expression, String> {
        let at = self.at;
        self.comparisons += 1;
        if self.comparisons > MAX_COMPARISONS {
            return Err(self.wrong(format!("has more than {MAX_COMPARISONS} comparisons")));
        }
        let (word, is_quoted) = self.value()?;
        let value = match (op, is_quoted, word.as_str()) {
            (Op::Has, false, "*") => Ok(Value::Any),
            _ => typed(field, op, &word),
        };
        let value = value.map_err(|what| self.wrong_at(at, what))?;
        self.skip();
        // What the protocol calls one word or another is one of them or none.
        let op = if matches!(field.ty, FieldType::Word(..)) && value != Value::Any && op == Op::Has {
            Op::Eq
        } else {
            op
        };
        Ok(Expression::Is(Comparison { field, op, value }))
    }

    /// A value, and whether it was quoted.
    fn value(&mut self) -> Result<(String, bool), String> {
        let rest = self.rest();
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')');
            let word = rest.get(..rest.find(ends).unwrap_or(rest.len())).unwrap_or_default();
            if matches!(word, "" | "AND" | "OR" | "NOT") {
                return Err(self.wrong("a value is missing"));
            }
            self.at += word.len();
            return Ok((word.to_owned(), false));
        };
        let mut word = String::new();
        let mut chars = rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some((_, escaped)) => word.push(escaped),
                    None => break,
                },
                c if c == quote => {
                    self.at += at + c.len_utf8();
                    return Ok((word, true));
                }
                c => word.push(c),
            }
        }
        Err(self.wrong("this quote is not closed"))
    }
}

fn alone(mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.len() {
        1 => parts.remove(0),
        _ => join(parts),
    }
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
            match first_invisible(word) {
                Some(c) => Err(format!(
                    "the value of {name} contains an invisible character, U+{:04X}",
                    u32::from(c)
                )),
                None => Ok(Value::Text(word.nfc().collect())),
            }
        }
        FieldType::Set => takes(&[Op::Has], ": (has), not = or <").map(|()| Value::Text(word.to_owned())),
        FieldType::Word(prefix, words) => {
            takes(&[Op::Eq, Op::Ne, Op::Has], "= !=")?;
            let lower = word.to_ascii_lowercase();
            let bare = lower.strip_prefix(&prefix.to_ascii_lowercase()).unwrap_or(&lower);
            match words.contains(&bare) {
                true => Ok(Value::Text(bare.to_owned())),
                false => Err(format!("{name} is one of {}, not {word:?}", words.join(", "))),
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

#[cfg(test)]
mod tests;
