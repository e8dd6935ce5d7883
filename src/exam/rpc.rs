//! The exam service: the use cases, read top to bottom.

use prost::Message;
use serde_json::json;
use tonic::{Request, Response, Status};

use crate::{
    auth::Caller,
    db::{Db, Unit},
    door::Fields,
    error::{Error, Result, is_duplicate},
    ids::{ExamId, ExamName, FormName},
    lifecycle::{self, Thing, Turn, sql::usable},
    mask::Mask,
    page::{self, Ask, Key, Page},
    pb::{self, exam_service_server::ExamService},
};

use super::{policy::ReleaseWhen, sql, wire};

/// The service.
#[derive(Debug)]
pub struct Exams {
    pub(super) db: Db,
}

impl Exams {
    /// Over that database.
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    async fn create(&self, caller: &Caller, request: pb::CreateExamRequest) -> Result<pb::Exam> {
        let mut fields = Fields::default();
        let id = fields.take("exam_id", ExamId::chosen_or_new(&request.exam_id));
        let request_id = fields.request_id(&request.request_id);
        let mut given = wire::Given::default();
        if let Some(exam) = fields.required("exam", request.exam.as_ref().map(Some)) {
            let mut inner = Fields::under("exam");
            given = wire::parse(exam, &mut inner);
            fields.absorb(inner);
        }
        fields.done()?;
        if given.terms.release_when != ReleaseWhen::ByHand {
            caller.check_beside("exam.release")?;
        }

        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            let tenant = caller.tenant.id;
            let totals = sql::form_totals(unit.conn(), tenant, &given.forms).await?;
            let mut fields = Fields::under("exam");
            wire::check_forms(&given.forms, &totals, &mut fields);
            wire::check_standards(&given.terms.standards, &given.forms, &totals, &mut fields);
            fields.done()?;
            let things: Vec<Thing> = given.forms.iter().map(Thing::from).collect();
            usable(unit.conn(), tenant, &things).await?;
            let (name, by) = (ExamName { exam: id }, unit.actor().to_owned());
            let row = sql::insert(unit.conn(), tenant, &name.exam, &given, &by).await.map_err(|e| {
                if is_duplicate(&e, "exam_pkey") { Error::Exists(name.to_string()) } else { e.into() }
            })?;
            unit.changed("exam.created", &name, json!({}));
            Ok(wire::show(&row))
        })
        .await
    }

    async fn get(&self, caller: &Caller, request: pb::GetExamRequest) -> Result<pb::Exam> {
        let mut fields = Fields::default();
        let name: ExamName = fields.take("name", request.name.parse());
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let row = sql::exam(&mut tx, caller.tenant.id, &name.exam).await?;
        tx.commit().await?;
        let row = row.filter(|row| row.delete_time.is_none() || request.show_deleted);
        Ok(wire::show(&row.ok_or_else(|| Error::NotFound(name.to_string()))?))
    }

    async fn list(&self, caller: &Caller, request: pb::ListExamsRequest) -> Result<pb::ListExamsResponse> {
        let mut fields = Fields::default();
        let scope = page::scope("", request.show_deleted);
        let ask = Ask {
            scope: &scope,
            size: request.page_size,
            token: &request.page_token,
            filter: &request.filter,
            order_by: &request.order_by,
        };
        let page = Page::parse(&sql::EXAMS, caller, ask, &mut fields).with_deleted(request.show_deleted);
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let rows = sql::exams(&mut tx, caller.tenant.id, &page).await?;
        tx.commit().await?;
        let (rows, next_page_token) =
            page.finish(caller, rows, |r| vec![Key::Time(r.create_time), Key::Text(r.exam_id.clone())]);
        Ok(pb::ListExamsResponse { exams: rows.iter().map(wire::show).collect(), next_page_token })
    }

    async fn update(&self, caller: &Caller, request: pb::UpdateExamRequest) -> Result<pb::Exam> {
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let given = fields.required("exam", request.exam.clone());
        let name: ExamName = fields.take("exam.name", given.name.parse());
        let mask = Mask::parse(request.update_mask.as_ref(), &given, &mut fields)?;
        fields.done()?;

        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            let tenant = caller.tenant.id;
            let absent = || Error::NotFound(name.to_string());
            let old = sql::lock(unit.conn(), tenant, &name.exam).await?.ok_or_else(absent)?;
            if !given.etag.is_empty() && given.etag != old.revision.to_string() {
                return Err(Error::Stale(name.to_string()));
            }
            let mut fields = Fields::under("exam");
            wire::check_fixed(&old, &given, &mask, &mut fields);
            let mut merged = mask.apply(&wire::show(&old), &given)?;
            wire::replace_pass(&mut merged, &given);
            let terms = wire::parse_terms(&merged, &mut fields);
            if terms.standards != old.standards() {
                // Only names that were parsed are ever stored.
                let forms: Vec<FormName> = old.forms.iter().filter_map(|f| f.parse().ok()).collect();
                let totals = sql::form_totals(unit.conn(), tenant, &forms).await?;
                wire::check_standards(&terms.standards, &forms, &totals, &mut fields);
            }
            fields.done()?;
            if terms.release_when != ReleaseWhen::stored(&old.release_when) {
                caller.check_beside("exam.release")?;
            }
            let row = sql::update(unit.conn(), tenant, &name.exam, &terms).await?.ok_or_else(absent)?;
            unit.changed("exam.updated", &name, json!({ "fields": mask.paths() }));
            Ok(wire::show(&row))
        })
        .await
    }

    async fn turn(
        &self,
        caller: &Caller,
        turn: Turn,
        ask: lifecycle::Ask<'_>,
        request: &impl Message,
    ) -> Result<pb::Exam> {
        let (name, request_id): (ExamName, _) = ask.parse()?;
        Unit::once(&self.db, caller, &request_id, request, async |unit| {
            let tenant = caller.tenant.id;
            lifecycle::sql::turn(unit, tenant, &Thing::from(&name), ask.etag, turn).await?;
            let row = sql::exam(unit.conn(), tenant, &name.exam).await?;
            Ok(wire::show(&row.ok_or_else(|| Error::NotFound(name.to_string()))?))
        })
        .await
    }

    async fn release(&self, caller: &Caller, request: pb::ReleaseResultsRequest) -> Result<pb::Exam> {
        let mut fields = Fields::default();
        let name: ExamName = fields.take("name", request.name.parse());
        let request_id = fields.request_id(&request.request_id);
        fields.done()?;
        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            let tenant = caller.tenant.id;
            let absent = || Error::NotFound(name.to_string());
            let old = sql::lock(unit.conn(), tenant, &name.exam).await?.ok_or_else(absent)?;
            if ReleaseWhen::stored(&old.release_when) != ReleaseWhen::ByHand {
                let message =
                    format!("{name} releases its results by itself; set release.time to BY_HAND first");
                return Err(Error::refused("RELEASE_NOT_BY_HAND", name.to_string(), message));
            }
            if old.release_time.is_some() {
                return Ok(wire::show(&old));
            }
            let row = sql::release(unit.conn(), tenant, &name.exam).await?.ok_or_else(absent)?;
            unit.changed("exam.results_released", &name, json!({ "content": row.release_content }));
            Ok(wire::show(&row))
        })
        .await
    }
}

#[tonic::async_trait]
impl ExamService for Exams {
    async fn create_exam(&self, r: Request<pb::CreateExamRequest>) -> Result<Response<pb::Exam>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.create(&caller, r.into_inner()).await?))
    }

    async fn get_exam(&self, r: Request<pb::GetExamRequest>) -> Result<Response<pb::Exam>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.get(&caller, r.into_inner()).await?))
    }

    async fn list_exams(
        &self,
        r: Request<pb::ListExamsRequest>,
    ) -> Result<Response<pb::ListExamsResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.list(&caller, r.into_inner()).await?))
    }

    async fn update_exam(&self, r: Request<pb::UpdateExamRequest>) -> Result<Response<pb::Exam>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.update(&caller, r.into_inner()).await?))
    }

    async fn delete_exam(&self, r: Request<pb::DeleteExamRequest>) -> Result<Response<pb::Exam>, Status> {
        let (caller, r) = (Caller::of(&r)?, r.into_inner());
        let ask = lifecycle::Ask { name: &r.name, etag: &r.etag, request_id: &r.request_id };
        Ok(Response::new(self.turn(&caller, Turn::Delete, ask, &r).await?))
    }

    async fn undelete_exam(&self, r: Request<pb::UndeleteExamRequest>) -> Result<Response<pb::Exam>, Status> {
        let (caller, r) = (Caller::of(&r)?, r.into_inner());
        let ask = lifecycle::Ask { name: &r.name, etag: &r.etag, request_id: &r.request_id };
        Ok(Response::new(self.turn(&caller, Turn::Undelete, ask, &r).await?))
    }

    async fn archive_exam(&self, r: Request<pb::ArchiveExamRequest>) -> Result<Response<pb::Exam>, Status> {
        let (caller, r) = (Caller::of(&r)?, r.into_inner());
        let ask = lifecycle::Ask { name: &r.name, etag: &r.etag, request_id: &r.request_id };
        Ok(Response::new(self.turn(&caller, Turn::Archive, ask, &r).await?))
    }

    async fn unarchive_exam(
        &self,
        r: Request<pb::UnarchiveExamRequest>,
    ) -> Result<Response<pb::Exam>, Status> {
        let (caller, r) = (Caller::of(&r)?, r.into_inner());
        let ask = lifecycle::Ask { name: &r.name, etag: &r.etag, request_id: &r.request_id };
        Ok(Response::new(self.turn(&caller, Turn::Unarchive, ask, &r).await?))
    }

    async fn release_results(
        &self,
        r: Request<pb::ReleaseResultsRequest>,
    ) -> Result<Response<pb::Exam>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.release(&caller, r.into_inner()).await?))
    }

    async fn batch_set_accommodations(
        &self,
        r: Request<pb::BatchSetAccommodationsRequest>,
    ) -> Result<Response<pb::BatchSetAccommodationsResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.accommodate(&caller, r.into_inner()).await?))
    }

    async fn list_accommodations(
        &self,
        r: Request<pb::ListAccommodationsRequest>,
    ) -> Result<Response<pb::ListAccommodationsResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.accommodations(&caller, r.into_inner()).await?))
    }
}
