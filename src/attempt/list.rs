//! The attempts at an exam, open and void ones included.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::{
    auth::Caller,
    door::Fields,
    error::Result,
    exam::policy::LateMode,
    filter::{Field, FieldType},
    ids::{AttemptName, ExamName},
    page::{Ask, Key, Listing, Order, Page},
    pb::{self, timestamp},
    place::Place,
};

use super::{
    rpc::{Delivery, shown_state},
    sitting::Clock,
};

/// What ListAttempts offers. Candidate and number are an index; the start is sorted by, for an index of its own would cost
/// every submission.
static ATTEMPTS: Listing = Listing {
    method: "ListAttempts",
    fields: &[
        Field { name: "candidate", sql: "a.candidate", ty: FieldType::Exact },
        Field { name: "number", sql: "a.number", ty: FieldType::Integer },
        Field { name: "form", sql: "e.forms[a.form + 1]", ty: FieldType::Exact },
        Field {
            name: "state",
            sql: "(case a.state when -1 then 'void' when 0 then 'open' \
                  else case when a.flags & 2 <> 0 then 'expired' else 'submitted' end end)",
            ty: FieldType::Word("ATTEMPT_STATE_", &["open", "submitted", "expired", "void"]),
        },
        Field { name: "start_time", sql: "a.start_time", ty: FieldType::Time },
    ],
    orders: &[
        Order { name: "candidate", sql: "a.candidate" },
        Order { name: "start_time", sql: "a.start_time" },
    ],
    tie: &["a.number", "a.attempt_id"],
    newest_first: false,
};

#[derive(Debug, FromRow)]
struct Row {
    attempt_id: Uuid,
    candidate: String,
    number: i32,
    form: String,
    state: i16,
    flags: i16,
    sequence: i64,
    start_time: DateTime<Utc>,
    due_time: Option<DateTime<Utc>>,
    submit_time: Option<DateTime<Utc>>,
    extra_time_s: i32,
}

impl Row {
    fn show(self, exam: &ExamName) -> pb::Attempt {
        let clock = Clock { late: LateMode::default(), grace_s: 0, extra_time_s: self.extra_time_s };
        let due = if self.state == 0 { clock.due(self.due_time) } else { self.due_time };
        pb::Attempt {
            name: AttemptName { exam: exam.exam.clone(), attempt: self.attempt_id }.to_string(),
            candidate: self.candidate,
            number: self.number,
            form: self.form,
            state: shown_state(self.state, self.flags) as i32,
            paper: None,
            responses: Vec::new(),
            sequence: self.sequence,
            start_time: Some(timestamp(self.start_time)),
            due_time: due.map(timestamp),
            submit_time: self.submit_time.map(timestamp),
        }
    }
}

async fn attempts(conn: &mut PgConnection, tenant: Uuid, exam: &ExamName, page: &Page) -> Result<Vec<Row>> {
    let mut query = QueryBuilder::<Postgres>::new(
        "select a.attempt_id, a.candidate, a.number, e.forms[a.form + 1] as form, a.state, a.flags, a.sequence, \
         a.start_time, a.due_time, a.submit_time, coalesce(c.extra_time_s, 0) as extra_time_s \
         from attempt a \
         join exam e on e.tenant_id = a.tenant_id and e.exam_id = a.exam_id \
         left join accommodation c \
            on c.tenant_id = a.tenant_id and c.exam_id = a.exam_id and c.candidate = a.candidate \
         where a.tenant_id = ",
    );
    query.push_bind(tenant).push(" and a.exam_id = ").push_bind(exam.exam.to_string());
    page.rows("attempt_list", conn, tenant, &Place::Exam(exam.clone()), query).await
}

impl Delivery {
    /// A page of the attempts at an exam.
    pub(super) async fn list(
        &self,
        caller: &Caller,
        request: pb::ListAttemptsRequest,
    ) -> Result<pb::ListAttemptsResponse> {
        let mut fields = Fields::default();
        let exam: ExamName = fields.take("parent", request.parent.parse());
        let ask = Ask {
            scope: &request.parent,
            size: request.page_size,
            token: &request.page_token,
            filter: &request.filter,
            order_by: &request.order_by,
        };
        let page = Page::parse(&ATTEMPTS, caller, ask, &mut fields);
        fields.done()?;
        let tenant = caller.tenant.id;
        let mut tx = self.db.read(caller).await?;
        let rows = attempts(&mut tx, tenant, &exam, &page).await?;
        tx.commit().await?;
        let (rows, next_page_token) = page.finish(caller, rows, |row| {
            let first = match page.order() {
                "start_time" => Key::Time(row.start_time),
                _ => Key::Text(row.candidate.clone()),
            };
            vec![first, Key::Integer(i64::from(row.number)), Key::Uuid(row.attempt_id)]
        });
        let attempts = rows.into_iter().map(|row| row.show(&exam)).collect();
        Ok(pb::ListAttemptsResponse { attempts, next_page_token })
    }
}
