//! The statements behind many results at once: pages by filter and order, and results by name.

use chrono::{DateTime, Utc};
use rust_decimal::{Decimal, RoundingStrategy};
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, types::Json};
use uuid::Uuid;

use crate::{
    db::run,
    error::Result,
    exam::standard::{Band, Standards},
    filter::{Field, FieldType},
    ids::ResultName,
    page::{Key, Listing, Order, Page},
    place::Place,
    points::Points,
};

/// The points of the form that attempt `a` at exam `e` was sat on. By a subquery: a join through computed names would be
/// estimated to drop nearly all rows, and the planner would then sort the whole exam for every page.
macro_rules! total {
    () => {
        "(select f.total from form f \
          where f.tenant_id = a.tenant_id and f.blueprint_id = split_part(e.forms[a.form + 1], '/', 2) \
            and f.form_id = split_part(e.forms[a.form + 1], '/', 4))"
    };
}

/// What [`Bar::is_reached`](crate::exam::standard::Bar::is_reached) decides, of the pass mark of exam `e`.
macro_rules! reaches {
    ($score:literal) => {
        concat!(
            "(case when e.pass_percent is null then ",
            $score,
            " >= e.pass_mark else ",
            $score,
            " * 100 >= e.pass_percent * nullif(",
            total!(),
            ", 0) end)"
        )
    };
}

/// The label of the highest grade of exam `e` that a score reaches.
macro_rules! band {
    ($score:literal) => {
        concat!(
            "(select g.band ->> 'label' from jsonb_array_elements(e.grade_bands) with ordinality as g (band, n) \
              where case when g.band ->> 'percent' is null then ",
            $score,
            " >= (g.band ->> 'from')::numeric else ",
            $score,
            " * 100 >= (g.band ->> 'percent')::numeric * nullif(",
            total!(),
            ", 0) end order by g.n desc limit 1)"
        )
    };
}

/// A result in a list.
#[derive(Debug, FromRow)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct ListRow {
    pub attempt_id: Uuid,
    pub exam_id: String,
    pub candidate: String,
    pub number: i32,
    /// The index of the form in the exam, and its name.
    pub form: i16,
    pub form_name: String,
    pub state: i16,
    pub score: Decimal,
    pub awaiting: Decimal,
    /// The points of the form.
    pub total: Decimal,
    pub pass_mark: Option<Decimal>,
    pub pass_percent: Option<Decimal>,
    pub grade_bands: Json<Vec<Band>>,
    pub flags: i16,
    pub start_time: DateTime<Utc>,
    pub submit_time: DateTime<Utc>,
    pub update_time: DateTime<Utc>,
    pub revision: i32,
    /// Its marks, where they were asked for.
    pub marks: Option<Vec<u8>>,
    /// What an order by score goes by.
    pub rank: Decimal,
}

impl ListRow {
    /// What its exam says of scores.
    pub fn standards(&self) -> Standards {
        Standards::stored(self.pass_mark, self.pass_percent, self.grade_bands.0.clone())
    }
}

/// What ListResults offers. `passed` is null (neither true nor false) and `grade` empty as
/// [`Standards`] has them.
pub static RESULTS: Listing = Listing {
    method: "ListResults",
    fields: &[
        Field { name: "candidate", sql: "a.candidate", ty: FieldType::Person },
        Field { name: "form", sql: "e.forms[a.form + 1]", ty: FieldType::Exact },
        Field {
            name: "state",
            sql: "(case a.state when 1 then 'scored' when 2 then 'awaiting_grading' else 'void' end)",
            ty: FieldType::Word("RESULT_STATE_", &["scored", "awaiting_grading", "void"]),
        },
        Field { name: "score", sql: "a.score", ty: FieldType::Decimal },
        Field {
            name: "percent",
            sql: concat!("(a.score * 100 / nullif(", total!(), ", 0))"),
            ty: FieldType::Decimal,
        },
        Field {
            name: "passed",
            sql: concat!(
                "(case when ",
                reaches!("a.score"),
                " then true when not ",
                reaches!("(a.score + a.awaiting)"),
                " then false end)"
            ),
            ty: FieldType::Bool,
        },
        Field {
            name: "grade",
            sql: concat!(
                "(case when a.awaiting = 0 or ",
                band!("a.score"),
                " is not distinct from ",
                band!("(a.score + a.awaiting)"),
                " then coalesce(",
                band!("a.score"),
                ", '') else '' end)"
            ),
            ty: FieldType::Exact,
        },
        Field { name: "attempt_number", sql: "a.number", ty: FieldType::Integer },
        Field { name: "submit_time", sql: "a.submit_time", ty: FieldType::Time },
        Field { name: "update_time", sql: "a.update_time", ty: FieldType::Time },
    ],
    orders: &[
        Order { name: "submit_time", sql: "a.submit_time" },
        Order { name: "score", sql: "a.rank" },
        Order { name: "update_time", sql: "a.update_time" },
    ],
    tie: &["a.attempt_id"],
    newest_first: false,
};

/// The columns of a [`ListRow`], from `a` and `e`.
const COLUMNS: &str = concat!(
    "a.attempt_id, a.exam_id, a.candidate, a.number, a.form, e.forms[a.form + 1] as form_name, a.state, a.score, \
     a.awaiting, ",
    total!(),
    " as total, e.pass_mark, e.pass_percent, e.grade_bands, a.flags, a.start_time, a.submit_time, a.update_time, \
     a.revision, a.rank"
);

/// What is wanted of a list of results beside its page.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The exam, or anywhere.
    pub place: &'a Place,
    /// The points of its forms, where they differ and the order is by score.
    pub totals: Option<&'a [Decimal]>,
    /// Results that were voided too.
    pub show_void: bool,
    /// Their marks too.
    pub with_marks: bool,
    /// None of exams that are graded anonymously.
    pub hide_anonymous: bool,
}

/// What hides results from graders of exams that are graded anonymously.
const NOT_ANONYMOUS: &str = " and not exists (select from grading_scheme s \
    where s.tenant_id = a.tenant_id and s.exam_id = a.exam_id and s.anonymous)";

/// Which of the results a piece of a list holds.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    All,
    /// Those that never changed after their submission.
    Unchanged,
    /// The others.
    Changed,
    /// Those on these forms, which have the same total.
    Of(Vec<i16>, Decimal),
}

/// A page of results of one exam or of all.
///
/// Two orders have no index of their own, which every submission would have to write: that by the time of the last change,
/// and that by the share of unequal totals. They are put together from pieces of which each comes in order from an index
/// that is there: most results never change, and then it is the time of submission; and among forms of one total shares are
/// ordered as points are.
pub async fn results(
    conn: &mut PgConnection,
    tenant: Uuid,
    wanted: Wanted<'_>,
    page: &Page,
) -> Result<Vec<ListRow>> {
    let pieces = match (page.order(), wanted.totals) {
        ("update_time", _) => vec![Piece::Unchanged, Piece::Changed],
        ("score", Some(totals)) => by_total(totals),
        _ => vec![Piece::All],
    };
    let mut query = QueryBuilder::<Postgres>::new("");
    match pieces.as_slice() {
        [one] => push_piece(&mut query, tenant, wanted, one, page),
        several => {
            for (i, piece) in several.iter().enumerate() {
                query.push(if i == 0 { "select * from ((" } else { ") union all (" });
                push_piece(&mut query, tenant, wanted, piece, page);
            }
            query.push(")) a");
            page.push_order(&mut query);
        }
    }
    page.fetch("result_list", conn, tenant, wanted.place, query).await
}

/// The forms that have the same total, each such group once.
fn by_total(totals: &[Decimal]) -> Vec<Piece> {
    let mut groups: Vec<(Decimal, Vec<i16>)> = Vec::new();
    for (form, total) in (0i16..).zip(totals) {
        match groups.iter_mut().find(|group| group.0 == *total) {
            Some(group) => group.1.push(form),
            None => groups.push((*total, vec![form])),
        }
    }
    groups.into_iter().map(|(total, forms)| Piece::Of(forms, total)).collect()
}

fn push_piece(
    query: &mut QueryBuilder<Postgres>,
    tenant: Uuid,
    wanted: Wanted<'_>,
    piece: &Piece,
    page: &Page,
) {
    query.push("select ").push(COLUMNS);
    query.push(if wanted.with_marks { ", a.marks" } else { ", null::bytea as marks" });
    // The planner sees through this subquery, so that times and ranks that are plain columns keep their indexes.
    query.push(" from (select x.*, ");
    match piece {
        Piece::All | Piece::Of(..) => query.push("coalesce(x.change_time, x.submit_time)"),
        Piece::Unchanged => query.push("x.submit_time"),
        Piece::Changed => query.push("x.change_time"),
    };
    query.push(" as update_time, ");
    match piece {
        Piece::Of(_, total) => {
            query.push("coalesce(round(x.score * 100 / nullif(").push_bind(*total).push(", 0), 12), 0)");
        }
        Piece::All if page.order() == "score" && matches!(wanted.place, Place::Anywhere) => {
            query.push(
                "coalesce(round(x.score * 100 / nullif((select f.total from exam y \
                 join form f on f.tenant_id = y.tenant_id and f.blueprint_id = split_part(y.forms[x.form + 1], '/', 2) \
                    and f.form_id = split_part(y.forms[x.form + 1], '/', 4) \
                 where y.tenant_id = x.tenant_id and y.exam_id = x.exam_id), 0), 12), 0)",
            );
        }
        _ => {
            query.push("x.score");
        }
    }
    query.push(" as rank from attempt x where ");
    match piece {
        Piece::All => query.push("x.state > 0"),
        Piece::Unchanged => query.push("x.state > 0 and x.change_time is null"),
        Piece::Changed if wanted.show_void => query.push(
            "x.state <> 0 and x.submit_time is not null and x.score is not null and x.change_time is not null",
        ),
        Piece::Changed => query.push("x.state > 0 and x.change_time is not null"),
        Piece::Of(forms, _) => {
            query.push("x.state > 0 and x.form = any(").push_bind(forms.clone()).push("::int2[])")
        }
    };
    query.push(") a join exam e on e.tenant_id = a.tenant_id and e.exam_id = a.exam_id where a.tenant_id = ");
    query.push_bind(tenant);
    if let Place::Exam(name) = wanted.place {
        query.push(" and a.exam_id = ").push_bind(name.exam.to_string());
    }
    if wanted.hide_anonymous {
        query.push(NOT_ANONYMOUS);
    }
    page.push_conditions(query);
    let Piece::Of(_, total) = piece else { return page.push_order(query) };
    // Where the index begins; what is before and what behind is decided by the condition that stands there already.
    if let Some([Key::Decimal(rank), Key::Uuid(attempt)]) = page.after() {
        let (above, below) = if page.descending() { (" < (", " <= ") } else { (" > (", " >= ") };
        match score_of(*rank, *total) {
            // Equal scores may be many: it begins among them.
            Ok(score) => {
                query.push(" and (a.score, a.attempt_id)").push(above);
                query.push_bind(score).push(", ").push_bind(*attempt).push(")");
            }
            Err(near) => {
                let margin = *total * Decimal::new(1, 12) + Decimal::new(1, 9);
                let bound = if page.descending() { near + margin } else { near - margin };
                query.push(" and a.score").push(below).push_bind(bound);
            }
        }
    }
    page.push_order_by(&["a.score", "a.attempt_id"], query);
}

/// Decimals of a rank.
const RANK: u32 = 12;

/// The score that has this rank out of a total, or what is near it where none has. Scores have four decimals at most.
fn score_of(rank: Decimal, total: Decimal) -> std::result::Result<Decimal, Decimal> {
    let near = rank * total / Decimal::ONE_HUNDRED;
    let score = near.round_dp(Points::SCALE);
    let same = (score * Decimal::ONE_HUNDRED).checked_div(total).is_some_and(|share| {
        share.round_dp_with_strategy(RANK, RoundingStrategy::MidpointAwayFromZero) == rank
    });
    if same { Ok(score) } else { Err(near) }
}

/// The sort key of a result in a list.
pub fn result_key(page: &Page, row: &ListRow) -> Vec<Key> {
    let first = match page.order() {
        "score" => Key::Decimal(row.rank),
        "update_time" => Key::Time(row.update_time),
        _ => Key::Time(row.submit_time),
    };
    vec![first, Key::Uuid(row.attempt_id)]
}

/// The results of these attempts that are there; a name under another exam is not.
pub async fn batch(
    conn: &mut PgConnection,
    tenant: Uuid,
    names: &[ResultName],
    with_marks: bool,
    hide_anonymous: bool,
) -> Result<Vec<ListRow>, sqlx::Error> {
    let attempts: Vec<Uuid> = names.iter().map(|n| n.attempt).collect();
    let exams: Vec<String> = names.iter().map(|n| n.exam.to_string()).collect();
    let mut query = QueryBuilder::<Postgres>::new("select ");
    query.push(COLUMNS).push(if with_marks { ", a.marks" } else { ", null::bytea as marks" });
    query.push(
        " from (select x.*, coalesce(x.change_time, x.submit_time) as update_time, x.score as rank from attempt x \
         where x.state > 0) a \
         join unnest(",
    );
    query.push_bind(attempts).push("::uuid[], ").push_bind(exams).push("::text[]) as n (attempt, exam) ");
    query.push("on n.attempt = a.attempt_id and n.exam = a.exam_id ");
    query.push("join exam e on e.tenant_id = a.tenant_id and e.exam_id = a.exam_id where a.tenant_id = ");
    query.push_bind(tenant);
    if hide_anonymous {
        query.push(NOT_ANONYMOUS);
    }
    run("result_batch", query.build_query_as().fetch_all(conn)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_finds_its_score() {
        let d = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(score_of(d("83.333333333333"), d("6")), Ok(d("5")));
        assert_eq!(score_of(d("83.333333333333"), d("12")), Ok(d("10")));
        assert_eq!(score_of(d("50"), d("0.0001")), Err(d("0.00005")));
        assert!(score_of(d("83.333333333333"), d("7")).is_err());
        assert_eq!(score_of(d("0"), d("0")), Err(d("0")));
        for (score, total) in
            [("0.0001", "99999"), ("12.3457", "77.7"), ("-1.5", "3"), ("99999.9999", "100000")]
        {
            let rank = (d(score) * Decimal::ONE_HUNDRED / d(total))
                .round_dp_with_strategy(RANK, RoundingStrategy::MidpointAwayFromZero);
            assert_eq!(score_of(rank, d(total)), Ok(d(score)), "{score} of {total}");
        }
    }

    #[test]
    fn forms_of_one_total_are_one_piece() {
        let totals = [6u32, 12, 6].map(Decimal::from);
        assert_eq!(
            by_total(&totals),
            [Piece::Of(vec![0, 2], Decimal::from(6)), Piece::Of(vec![1], Decimal::from(12))]
        );
    }
}
