//! The grading service: what of it concerns an exam or a result as a whole. The use cases of the queue stand in
//! [`queue`](super::queue), that of one mark in [`mark`](super::mark), those of regrades in [`run`](super::run).

use std::pin::Pin;

use serde_json::json;
use tokio_stream::Stream;
use tonic::{Request, Response as Reply, Status};

use crate::{
    attempt::{
        packed::{self, Unpack},
        plans::Plans,
    },
    auth::Caller,
    db::{Db, Unit},
    door::Fields,
    error::{Error, Result},
    ids::{AttemptName, ExamName, SchemeName},
    mask::Mask,
    operation::carry::Carrier,
    page::{Ask, Key, Page},
    pb::{self, grading_service_server::GradingService, timestamp},
    points::Points,
};

use super::{anonymity, revision_sql as revision, settle::settle, sql, wire};

/// The service.
#[derive(Clone, Debug)]
pub struct Grading {
    pub(super) db: Db,
    pub(super) plans: Plans,
    pub(super) carrier: Carrier,
}

impl Grading {
    /// Over that database, with the caches that the server shares and what carries regrades through.
    pub fn new(db: Db, plans: Plans, carrier: Carrier) -> Self {
        Self { db, plans, carrier }
    }

    async fn get_scheme(
        &self,
        caller: &Caller,
        request: pb::GetGradingSchemeRequest,
    ) -> Result<pb::GradingScheme> {
        let mut fields = Fields::default();
        let name: SchemeName = fields.take("name", request.name.parse());
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let scheme = sql::scheme(&mut tx, caller.tenant.id, &name.exam).await?;
        tx.commit().await?;
        Ok(wire::show_scheme(&name, &scheme.ok_or_else(|| Error::NotFound(name.to_string()))?))
    }

    async fn update_scheme(
        &self,
        caller: &Caller,
        request: pb::UpdateGradingSchemeRequest,
    ) -> Result<pb::GradingScheme> {
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let given = fields.required("grading_scheme", request.grading_scheme.clone());
        let name: SchemeName = fields.take("grading_scheme.name", given.name.parse());
        let mask = Mask::parse(request.update_mask.as_ref(), &given, &mut fields)?;
        fields.done()?;
        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
        let tenant = caller.tenant.id;
        let old = sql::scheme_to_change(unit.conn(), tenant, &name.exam).await?;
        let old = old.ok_or_else(|| Error::NotFound(name.to_string()))?;
        if !given.etag.is_empty() && given.etag != old.revision.to_string() {
            return Err(Error::Stale(name.to_string()));
        }
        let mut fields = Fields::under("grading_scheme");
        let merged = mask.apply(&wire::show_scheme(&name, &old), &given)?;
        let mut scheme = wire::parse_scheme(&merged, &mut fields);
        fields.done()?;
        scheme.revision = old.revision;
        let now = sql::now(unit.conn()).await?;
        let revision = sql::store_scheme(unit.conn(), tenant, &name.exam, &scheme, now).await?;
        // Another update came between: with an etag the caller must look again, without one a retry does.
        scheme.revision = revision.ok_or_else(|| match given.etag.is_empty() {
            true => Error::Collision,
            false => Error::Stale(name.to_string()),
        })?;
        let exam = ExamName { exam: name.exam.clone() };
        let wants_less = scheme.marker_count < old.marker_count || scheme.tolerance > old.tolerance;
        let settled = if wants_less { settle(unit, &self.plans, caller, &exam, &scheme).await? } else { 0 };
        unit.changed(
            "grading_scheme.updated",
            &name,
            json!({
                "marker_count": scheme.marker_count, "tolerance": scheme.tolerance, "anonymous": scheme.anonymous,
                "settled": settled,
            }),
        );
        Ok(wire::show_scheme(&name, &scheme))
        }).await
    }

    async fn revisions(
        &self,
        caller: &Caller,
        request: pb::ListMarkRevisionsRequest,
    ) -> Result<pb::ListMarkRevisionsResponse> {
        let mut fields = Fields::default();
        let name: AttemptName = fields.take("parent", request.parent.parse());
        let ask = Ask {
            scope: &request.parent,
            size: request.page_size,
            token: &request.page_token,
            ..Ask::default()
        };
        let page = Page::parse(&revision::REVISIONS, caller, ask, &mut fields);
        fields.done()?;
        let tenant = caller.tenant.id;
        let mut tx = self.db.read(caller).await?;
        anonymity::check(&mut tx, caller, &name.exam).await?;
        let rows = revision::revisions(&mut tx, tenant, &name, &page).await?;
        let Some(first) = rows.first() else {
            tx.commit().await?;
            return Ok(pb::ListMarkRevisionsResponse::default());
        };
        let facts = self.plans.exam(&mut tx, tenant, &name.exam).await?;
        let form = self.plans.form(&mut tx, tenant, &facts, first.form as usize).await?;
        tx.commit().await?;
        let (rows, next_page_token) =
            page.finish(caller, rows, |r| vec![Key::Integer(i64::from(r.revision))]);
        let show = |row: revision::RevisionRow| {
            let marks = packed::unpack_marks(&row.marks, form.plan.slots().len()).map_err(unreadable)?;
            Ok(pb::MarkRevision {
                revision: row.revision,
                score: Points::new(row.score).to_string(),
                awaiting_points: Points::new(row.awaiting).to_string(),
                marks: wire::show_marks(&marks),
                replace_time: Some(timestamp(row.at)),
                actor: row.actor,
                method: row.method,
                reason: row.reason,
            })
        };
        let revisions = rows.into_iter().map(show).collect::<Result<_>>()?;
        Ok(pb::ListMarkRevisionsResponse { revisions, next_page_token })
    }
}

/// Who marks, in the caller's own words.
pub(super) fn grader(value: &str, fields: &mut Fields) -> String {
    fields.person("grader", value)
}

pub(super) fn unreadable(error: Unpack) -> Error {
    Error::Internal(format!("an attempt cannot be read: {error}").into())
}

pub(super) type PreviewStream =
    Pin<Box<dyn Stream<Item = Result<pb::PreviewRegradeResponse, Status>> + Send>>;

/// One line a method: parse, do, answer.
macro_rules! methods {
    ($($name:ident($request:ident) -> $answer:ident = $call:ident;)+) => {
        #[tonic::async_trait]
        impl GradingService for Grading {
            type PreviewRegradeStream = PreviewStream;

            async fn preview_regrade(
                &self,
                r: Request<pb::PreviewRegradeRequest>,
            ) -> Result<Reply<PreviewStream>, Status> {
                let caller = Caller::of(&r)?;
                Ok(Reply::new(self.preview(&caller, r.into_inner()).await?))
            }

            $(async fn $name(&self, r: Request<pb::$request>) -> Result<Reply<pb::$answer>, Status> {
                let caller = Caller::of(&r)?;
                Ok(Reply::new(self.$call(&caller, r.into_inner()).await?))
            })+
        }
    };
}

methods! {
    get_grading_scheme(GetGradingSchemeRequest) -> GradingScheme = get_scheme;
    update_grading_scheme(UpdateGradingSchemeRequest) -> GradingScheme = update_scheme;
    list_grading_tasks(ListGradingTasksRequest) -> ListGradingTasksResponse = list;
    claim_grading_tasks(ClaimGradingTasksRequest) -> ClaimGradingTasksResponse = claim;
    release_grading_tasks(ReleaseGradingTasksRequest) -> ReleaseGradingTasksResponse = release;
    grade_response(GradeResponseRequest) -> GradingTask = grade;
    get_grading_progress(GetGradingProgressRequest) -> GradingProgress = progress;
    list_mark_revisions(ListMarkRevisionsRequest) -> ListMarkRevisionsResponse = revisions;
    regrade_exam(RegradeExamRequest) -> Operation = regrade;
    get_regrade(GetRegradeRequest) -> Regrade = get_regrade;
    list_regrades(ListRegradesRequest) -> ListRegradesResponse = list_regrades;
    cancel_regrade(CancelRegradeRequest) -> Regrade = cancel_regrade;
    resume_regrade(ResumeRegradeRequest) -> Operation = resume_regrade;
}
