use std::fmt;

use proptest::prelude::*;

use super::*;

static FIELDS: &[Field] = &[
    Field { name: "kind", sql: "q.kind", ty: FieldType::Word("QUESTION_KIND_", &["single_choice", "case"]) },
    Field { name: "topic", sql: "q.topic", ty: FieldType::Path },
    Field { name: "tags", sql: "q.tags", ty: FieldType::Set },
    Field { name: "difficulty", sql: "q.difficulty", ty: FieldType::Float },
    Field { name: "create_time", sql: "q.create_time", ty: FieldType::Time },
    Field { name: "candidate", sql: "q.candidate", ty: FieldType::Exact },
    Field { name: "stem", sql: "q.stem", ty: FieldType::Text },
    Field { name: "version", sql: "q.version", ty: FieldType::Integer },
    Field { name: "score", sql: "q.score", ty: FieldType::Decimal },
    Field { name: "passed", sql: "q.passed", ty: FieldType::Bool },
];

fn sql(filter: &str) -> String {
    let mut query = QueryBuilder::new("");
    Filter::parse(filter, FIELDS).unwrap_or_else(|e| panic!("{filter}: {e}")).push(&mut query);
    query.sql().as_str().to_owned()
}

#[test]
fn values_are_bound_and_never_pasted() {
    assert_eq!(
        sql(r#"kind = SINGLE_CHOICE AND topic:"课题一" AND difficulty <= 0.5 AND tags:'x"; drop table q'"#),
        " and (q.kind = $1) and (q.topic = $2 or starts_with(q.topic, $3)) and (q.difficulty <= $4) and \
         (q.tags @> array[$5]::text[])"
    );
    assert_eq!(sql("  "), "");
}

#[test]
fn alternatives_bind_tighter_than_conditions() {
    let three = sql("version = 1 AND version = 2 OR score = 3");
    assert_eq!(three, " and (q.version = $1) and ((q.version = $2) or (q.score = $3))");
    assert_eq!(three, sql("version = 1 AND (version = 2 OR score = 3)"));
    assert_eq!(
        sql("(version = 1 AND version = 2) OR score = 3"),
        " and (((q.version = $1) and (q.version = $2)) or (q.score = $3))"
    );
    assert_eq!(sql("NOT version = 1"), " and ((q.version = $1) is not true)");
    assert_eq!(sql("-version=1 AND NOT(score<2)"), sql("NOT version = 1 AND NOT score < 2"));
    assert_eq!(sql("score = -1"), " and (q.score = $1)");
}

#[test]
fn alternatives_of_one_text_are_a_list_of_values() {
    assert_eq!(sql("candidate = a OR candidate = \"b\""), " and (q.candidate = any($1))");
    assert_eq!(sql("candidate = (a OR b OR c)"), " and (q.candidate = any($1))");
    assert_eq!(sql("tags:(a AND b)"), " and (q.tags @> array[$1]::text[]) and (q.tags @> array[$2]::text[])");
    assert_eq!(sql("candidate = a OR stem = b"), " and ((q.candidate = $1) or (q.stem = $2))");
    assert_eq!(sql("kind:case OR kind=CASE"), " and (q.kind = any($1))");
}

#[test]
fn words_are_read_as_answers_write_them() {
    for same in [
        "kind = case",
        "kind = CASE",
        "kind = \"QUESTION_KIND_CASE\"",
        "kind=QUESTION_KIND_CASE",
        "kind:case",
    ] {
        assert_eq!(Filter::parse(same, FIELDS), Filter::parse("kind = case", FIELDS), "{same}");
    }
    assert!(Filter::parse("kind = KIND_CASE", FIELDS).is_err());
    assert!(Filter::parse("kind = QUESTION_KIND_UNSPECIFIED", FIELDS).is_err());
}

#[test]
fn any_value_is_a_star() {
    assert_eq!(sql("difficulty:*"), " and (q.difficulty is not null)");
    assert_eq!(sql("NOT topic:*"), " and ((q.topic <> '') is not true)");
    assert_eq!(sql("tags:*"), " and (cardinality(q.tags) > 0)");
    assert_eq!(sql("stem:\"*\""), " and (strpos(lower(q.stem), lower($1)) > 0)");
}

#[test]
fn mistakes_are_explained() {
    for (filter, at, says) in [
        ("colour = 1", 1, "there are kind, topic"),
        ("kind = case AND colour = 1", 17, "there are kind, topic"),
        ("kind > case", 8, "only = !="),
        ("kind = essay", 8, "one of single_choice, case, not \"essay\""),
        ("difficulty < hard", 14, "a number"),
        ("difficulty < NaN", 14, "a number"),
        ("create_time > yesterday", 15, "2026-01-31"),
        ("topic = \"x", 9, "not closed"),
        ("kind == case", 6, "use \"=\""),
        ("score <> 1", 7, "use \"!=\""),
        ("candidate IN (a, b)", 11, "write candidate = (a OR b)"),
        ("candidate in(\"a\")", 11, "expected one of"),
        ("kind = case or kind = case", 13, "OR in capitals"),
        ("kind = case && kind = case", 13, "AND for &&"),
        ("kind = case kind = case", 13, "expected AND or OR"),
        ("kind =", 7, "missing"),
        ("kind = AND", 8, "missing"),
        ("kind = case AND", 16, "a comparison is missing"),
        ("AND kind = case", 1, "expected a field"),
        ("(kind = case", 1, "not closed"),
        ("kind = case)", 12, "never opened"),
        ("kind = (case", 8, "not closed"),
        ("candidate = (a OR b AND c)", 21, "one kind"),
        ("题 = 1", 1, "expected a field"),
        ("tags = x", 8, ": (has)"),
        ("", 0, ""),
    ] {
        let Err(error) = Filter::parse(filter, FIELDS) else {
            assert_eq!(filter, "");
            continue;
        };
        assert!(error.contains(says), "{filter}: {error}");
        assert!(error.starts_with(&format!("at character {at}: ")), "{filter}: {error}");
    }
}

#[test]
fn length_depth_and_number_are_bounded() {
    let error = |filter: String| Filter::parse(&filter, FIELDS).unwrap_err();
    let deep = |n: usize| format!("{}version = 1{}", "(".repeat(n), ")".repeat(n));
    assert!(Filter::parse(&deep(MAX_DEPTH), FIELDS).is_ok());
    assert!(error(deep(MAX_DEPTH + 1)).contains("nested"));
    assert!(error(deep(5000)).contains("nested"));
    assert!(error(format!("{}version = 1", "-".repeat(10_000))).contains("nested"));
    assert!(error(format!("{}version = 1", "NOT ".repeat(4000))).contains("nested"));
    let many = |n: usize| format!("candidate = ({})", vec!["x"; n].join(" OR "));
    assert!(Filter::parse(&many(MAX_COMPARISONS), FIELDS).is_ok());
    assert!(error(many(MAX_COMPARISONS + 1)).contains("more than 500 comparisons"));
    assert!(error("x".repeat(MAX_BYTES + 1)).contains("longer than"));
}

#[test]
fn only_small_conjunctions_are_common() {
    let common = |f: &str| Filter::parse(f, FIELDS).unwrap().is_common();
    assert!(common("") && common("version = 1") && common("version = 1 AND score > 2"));
    assert!(!common("version = 1 OR score > 2") && !common("NOT version = 1"));
    assert!(!common("version = 1 AND score > 2 AND stem:x") && !common("version = 1 AND NOT score = 2"));
    let filter = Filter::parse("version = 1 AND NOT (score > 2 OR stem:x)", FIELDS).unwrap();
    assert!(filter.mentions("stem") && !filter.mentions("topic"));
}

/// A filter as a caller would write it.
struct Written<'a>(&'a Expression);

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = |f: &mut fmt::Formatter<'_>, part: &Expression, bare: bool| match bare {
            true => write!(f, "{}", Written(part)),
            false => write!(f, "({})", Written(part)),
        };
        match self.0 {
            Expression::And(parts) => {
                for (i, part) in parts.iter().enumerate() {
                    f.write_str(if i > 0 { " AND " } else { "" })?;
                    group(f, part, !matches!(part, Expression::And(_)))?;
                }
                Ok(())
            }
            Expression::Or(parts) => {
                for (i, part) in parts.iter().enumerate() {
                    f.write_str(if i > 0 { " OR " } else { "" })?;
                    group(f, part, !matches!(part, Expression::And(_) | Expression::Or(_)))?;
                }
                Ok(())
            }
            Expression::Not(inner) => {
                f.write_str("NOT ")?;
                group(f, inner, !matches!(**inner, Expression::And(_) | Expression::Or(_)))
            }
            Expression::Is(Comparison { field, op, value }) => {
                let sign = match op {
                    Op::Has => ":",
                    Op::Ne => "!=",
                    op => op.sql(),
                };
                write!(f, "{}{sign}", field.name)?;
                match value {
                    Value::Text(text) => write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
                    Value::Integer(n) => write!(f, "{n}"),
                    Value::Float(n) => write!(f, "{n}"),
                    Value::Decimal(n) => write!(f, "{n}"),
                    Value::Time(t) => f.write_str(&t.to_rfc3339()),
                    Value::Bool(b) => write!(f, "{b}"),
                    Value::Any => f.write_str("*"),
                }
            }
        }
    }
}

fn comparison() -> impl Strategy<Value = Expression> {
    let text = "[^\\x00]{0,12}".prop_map(Value::Text);
    let ordered =
        prop_oneof![Just(Op::Eq), Just(Op::Ne), Just(Op::Lt), Just(Op::Le), Just(Op::Gt), Just(Op::Ge)];
    let equal = || prop_oneof![Just(Op::Eq), Just(Op::Ne)];
    let is = |at: usize, op: Op, value: Value| Expression::Is(Comparison { field: &FIELDS[at], op, value });
    prop_oneof![
        (equal(), prop_oneof![Just("single_choice"), Just("case")]).prop_map(move |(op, w)| is(
            0,
            op,
            Value::Text(w.to_owned())
        )),
        (
            prop_oneof![Just(1_usize), Just(6)],
            prop_oneof![Just(Op::Eq), Just(Op::Ne), Just(Op::Has)],
            text.clone()
        )
            .prop_map(move |(at, op, v)| is(at, op, v)),
        text.clone().prop_map(move |v| is(2, Op::Has, v)),
        (equal(), text).prop_map(move |(op, v)| is(5, op, v)),
        (ordered.clone(), -1e6..1e6).prop_map(move |(op, v)| is(3, op, Value::Float(v))),
        (ordered.clone(), any::<i64>()).prop_map(move |(op, v)| is(7, op, Value::Integer(v))),
        (ordered.clone(), any::<i64>(), 0..10_u32).prop_map(move |(op, v, scale)| is(
            8,
            op,
            Value::Decimal(Decimal::new(v, scale))
        )),
        (ordered, 0..4_000_000_000_i64).prop_map(move |(op, s)| is(
            4,
            op,
            Value::Time(DateTime::from_timestamp(s, 0).unwrap())
        )),
        (equal(), any::<bool>()).prop_map(move |(op, b)| is(9, op, Value::Bool(b))),
        (0..FIELDS.len()).prop_map(move |at| is(at, Op::Has, Value::Any)),
    ]
}

fn expression() -> impl Strategy<Value = Expression> {
    comparison().prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expression::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expression::Or),
            inner.prop_map(|e| Expression::Not(Box::new(e))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(root in expression()) {
        let text = Written(&root).to_string();
        let read = Filter::parse(&text, FIELDS).map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?;
        prop_assert_eq!(read.root, Some(root), "{}", text);
    }

    #[test]
    fn garbage_is_refused_or_read_and_never_worse(text in "\\PC{0,40}") {
        let _ = Filter::parse(&text, FIELDS);
    }

    #[test]
    fn nearly_filters_are_refused_or_read_and_never_worse(
        words in prop::collection::vec(prop::sample::select(vec![
            "kind", "topic", "tags", "version", "score", "=", "!=", ":", "<", ">=", "==", "(", ")", "AND", "OR", "NOT",
            "-", "\"", "'", "\\", "*", "case", "题", "1", "-1", "1e9", "2026-01-31T08:00:00Z", "true", "\0", " ",
        ]), 0..30),
        space in prop_oneof![Just(""), Just(" ")],
    ) {
        if let Ok(filter) = Filter::parse(&words.join(space), FIELDS) {
            let mut query = QueryBuilder::new("");
            filter.push(&mut query);
            prop_assert!(!query.sql().as_str().contains('题'));
        }
    }
}

/// The words of a list's fields are those of the protocol's enums, all of them, so that what answers show can be asked
/// for.
#[test]
fn words_are_those_of_the_protocol() {
    let pool = prost_reflect::DescriptorPool::decode(crate::pb::DESCRIPTORS).unwrap();
    let lists =
        [&crate::bank::sql::QUESTIONS, &crate::result::list_sql::RESULTS, &crate::grading::sql::TASKS];
    let mut seen = 0;
    for field in lists.into_iter().flat_map(|list| list.fields) {
        let FieldType::Word(prefix, words) = field.ty else { continue };
        let values = |e: &prost_reflect::EnumDescriptor| -> Vec<String> {
            e.values().map(|v| v.name().to_owned()).filter(|v| !v.ends_with("_UNSPECIFIED")).collect()
        };
        let found = pool.all_enums().find(|e| e.values().all(|v| v.name().starts_with(prefix))).unwrap();
        let mut written: Vec<String> =
            words.iter().map(|w| format!("{prefix}{}", w.to_ascii_uppercase())).collect();
        let mut wanted = values(&found);
        written.sort();
        wanted.sort();
        assert_eq!(written, wanted, "{}", field.name);
        seen += 1;
    }
    assert!(seen >= 4);
}
