//! Many results at once: lists by filter and order, and by name. Both answer with as much of each result as its view says.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    attempt::{
        packed,
        plans::CompiledForm,
        sitting::{EXPIRED, LATE},
    },
    auth::Caller,
    door::Fields,
    error::{Error, Result},
    exam::{policy::Basis, standard::Range},
    grading::anonymity,
    ids::{ExamId, ExamName, Parent, ResultName},
    page::{Ask, Page},
    pb::{self, batch_get_results_element::Outcome, timestamp},
    place::Place,
    points::Points,
};

use super::{
    list_sql::{self, ListRow, Wanted},
    rpc::{Results, unreadable},
    show, sql,
};

/// The most names of one call.
const MAX_NAMES: usize = 1000;
/// The most results of a page that shows marks.
const MAX_FULL: i32 = 100;
/// The most marks of one answer: some megabytes.
const MAX_MARKS: usize = 25_000;

/// How much of each result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Basic,
    Subscores,
    Full,
}

impl Extent {
    fn parse(view: i32, fields: &mut Fields) -> Self {
        match pb::ResultView::try_from(view) {
            Ok(pb::ResultView::Unspecified | pb::ResultView::Basic) => Self::Basic,
            Ok(pb::ResultView::Subscores) => Self::Subscores,
            Ok(pb::ResultView::Full) => Self::Full,
            Err(_) => {
                fields.bad("view", "is no view of a result");
                Self::Basic
            }
        }
    }
}

type Forms = HashMap<(String, i16), std::sync::Arc<CompiledForm>>;

impl Results {
    pub(super) async fn list(
        &self,
        caller: &Caller,
        request: pb::ListResultsRequest,
    ) -> Result<pb::ListResultsResponse> {
        let mut fields = Fields::default();
        let parent: Parent<ExamName> = fields.take("parent", Parent::parse(&request.parent, "exams"));
        let extent = Extent::parse(request.view, &mut fields);
        let size = match (extent, request.page_size) {
            (Extent::Full, MAX_FULL..) => MAX_FULL,
            (_, size) => size,
        };
        // A token goes on with the list that it comes from.
        let scope =
            if request.show_void { &format!("{} with void", request.parent) } else { &request.parent };
        let ask = Ask {
            scope,
            size,
            token: &request.page_token,
            filter: &request.filter,
            order_by: &request.order_by,
        };
        let page = Page::parse(&list_sql::RESULTS, caller, ask, &mut fields);
        if request.show_void && page.order() != "update_time" {
            fields.bad("show_void", "needs order_by update_time");
        }
        fields.done()?;
        let tenant = caller.tenant.id;
        let place = Place::of(parent);
        let mut tx = self.db.read(caller).await?;
        if let Place::Exam(name) = &place {
            anonymity::check(&mut tx, caller, &name.exam).await?;
        }
        let (totals, basis) = match (page.order(), &place) {
            ("score", Place::Exam(name)) => {
                let totals = self.unequal_totals(&mut tx, tenant, &name.exam).await?;
                let basis = if totals.is_some() { Basis::Percent } else { Basis::Points };
                (totals, basis.into())
            }
            ("score", _) => (None, pb::ScoreBasis::Percent),
            _ => (None, pb::ScoreBasis::Unspecified),
        };
        let wanted = Wanted {
            place: &place,
            totals: totals.as_deref(),
            show_void: request.show_void,
            with_marks: extent != Extent::Basic,
            // In the list of all exams those that this caller must not see are not there.
            hide_anonymous: anonymity::is_grader_only(caller),
        };
        let rows = list_sql::results(&mut tx, tenant, wanted, &page).await?;
        let (rows, next_page_token) = page.finish(caller, rows, |row| list_sql::result_key(&page, row));
        let forms = self.forms_of(&mut tx, tenant, &rows, extent).await?;
        tx.commit().await?;
        let results = rows.into_iter().map(|row| show_row(row, &forms, extent)).collect::<Result<_>>()?;
        Ok(pb::ListResultsResponse { results, next_page_token, basis: basis as i32 })
    }

    pub(super) async fn batch(
        &self,
        caller: &Caller,
        request: pb::BatchGetResultsRequest,
    ) -> Result<pb::BatchGetResultsResponse> {
        let mut fields = Fields::default();
        let extent = Extent::parse(request.view, &mut fields);
        let count = request.names.len();
        if !(1..=MAX_NAMES).contains(&count) {
            fields.bad("names", format!("must be 1 to {MAX_NAMES} names, are {count}"));
        }
        fields.done()?;
        let asked: Vec<Result<ResultName>> = request
            .names
            .iter()
            .enumerate()
            .map(|(i, name)| name.parse().map_err(|e| Error::invalid(format!("names[{i}]"), format!("{e}"))))
            .collect();
        let mut wanted: Vec<ResultName> =
            asked.iter().filter_map(|name| name.as_ref().ok()).cloned().collect();
        wanted.sort_by(|a, b| (a.attempt, &a.exam).cmp(&(b.attempt, &b.exam)));
        wanted.dedup();
        let tenant = caller.tenant.id;
        let mut tx = self.db.read(caller).await?;
        let hide_anonymous = anonymity::is_grader_only(caller);
        let rows = list_sql::batch(&mut tx, tenant, &wanted, extent != Extent::Basic, hide_anonymous).await?;
        let forms = self.forms_of(&mut tx, tenant, &rows, extent).await?;
        tx.commit().await?;
        if extent == Extent::Full {
            let marks = |row: &ListRow| {
                forms.get(&(row.exam_id.clone(), row.form)).map_or(0, |form| form.plan.slots().len())
            };
            let count: usize = rows.iter().map(marks).sum();
            if count > MAX_MARKS {
                let what = format!(
                    "have {count} marks together, more than {MAX_MARKS}: ask for fewer, or for SUBSCORES"
                );
                return Err(Error::invalid("names", what));
            }
        }
        let shown = rows.into_iter().map(|row| {
            let key = (row.attempt_id, row.exam_id.clone());
            Ok((key, show_row(row, &forms, extent)?))
        });
        let found: HashMap<(Uuid, String), pb::Result> = shown.collect::<Result<_>>()?;
        let outcome = |name: Result<ResultName>| {
            let name = name?;
            let result = found.get(&(name.attempt, name.exam.to_string()));
            result.cloned().ok_or_else(|| Error::NotFound(name.to_string()))
        };
        let elements = asked.into_iter().map(|name| {
            let outcome = outcome(name).map_or_else(|e| Outcome::Error(e.into()), Outcome::Result);
            pb::BatchGetResultsElement { outcome: Some(outcome) }
        });
        Ok(pb::BatchGetResultsResponse { elements: elements.collect() })
    }

    /// The points of the exam's forms, where they differ.
    async fn unequal_totals(
        &self,
        conn: &mut PgConnection,
        tenant: Uuid,
        exam: &ExamId,
    ) -> Result<Option<Vec<Decimal>>> {
        let forms = sql::exam_forms(conn, tenant, exam).await?;
        let totals: Vec<Decimal> = forms.iter().flat_map(|forms| forms.totals()).collect();
        Ok((Basis::of(totals.iter().copied()) == Basis::Percent).then_some(totals))
    }

    /// The forms that the marks of these results belong to; none where no marks are looked at. Nearly always they are
    /// kept, so that nothing is read for them.
    async fn forms_of(
        &self,
        conn: &mut PgConnection,
        tenant: Uuid,
        rows: &[ListRow],
        extent: Extent,
    ) -> Result<Forms> {
        let mut forms = Forms::new();
        if extent == Extent::Basic {
            return Ok(forms);
        }
        for row in rows {
            let key = (row.exam_id.clone(), row.form);
            if forms.contains_key(&key) {
                continue;
            }
            let exam: ExamId = row.exam_id.parse().map_err(|_| {
                Error::Internal(format!("{:?} is stored and no id of an exam", row.exam_id).into())
            })?;
            let facts = self.plans.exam(conn, tenant, &exam).await?;
            let form = self.plans.form(conn, tenant, &facts, row.form as usize).await?;
            forms.insert(key, form);
        }
        Ok(forms)
    }
}

/// A result as it is stored, with as much of its marks as is wanted.
fn show_row(row: ListRow, forms: &Forms, extent: Extent) -> Result<pb::Result> {
    let state = match row.state {
        1 => pb::ResultState::Scored,
        2 => pb::ResultState::AwaitingGrading,
        _ => pb::ResultState::Void,
    };
    let decimal = |value| Points::new(value).to_string();
    let range = Range::new(row.score, row.awaiting, row.total);
    let standards = row.standards();
    let counts = state != pb::ResultState::Void;
    let mut shown = pb::Result {
        name: format!("exams/{}/attempts/{}/result", row.exam_id, row.attempt_id),
        candidate: row.candidate,
        attempt_number: row.number,
        form: row.form_name,
        state: state as i32,
        score: decimal(row.score),
        max_score: decimal(row.total),
        awaiting_points: decimal(row.awaiting),
        passed: standards.passed(range).filter(|_| counts),
        grade: if counts { standards.grade(range) } else { String::new() },
        percent: range.low.percent_text(),
        late: row.flags & LATE != 0,
        expired: row.flags & EXPIRED != 0,
        submit_time: Some(timestamp(row.submit_time)),
        start_time: Some(timestamp(row.start_time)),
        update_time: Some(timestamp(row.update_time)),
        revision: row.revision,
        ..Default::default()
    };
    if let (Some(form), Some(marks)) = (forms.get(&(row.exam_id, row.form)), &row.marks) {
        let marks = packed::unpack_marks(marks, form.plan.slots().len()).map_err(unreadable)?;
        show::add_subscores(&mut shown, &form.plan.outcome(&marks));
        if extent == Extent::Full {
            shown.marks = show::marks(form, &marks);
        }
    }
    Ok(shown)
}
