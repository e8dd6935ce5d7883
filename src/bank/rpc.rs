//! The question bank service: the use cases, read top to bottom.

use futures_util::StreamExt;
use prost::Message;
use serde_json::json;
use tonic::{Request, Response, Status, Streaming};

use crate::{
    auth::Caller,
    db::{Db, Unit},
    door::Fields,
    error::{Error, Result, is_duplicate},
    ids::{BankId, BankName, Parent, QuestionId, QuestionName, QuestionRef},
    lifecycle::{self, Thing, Turn, sql::usable},
    mask::Mask,
    page::{self, Ask, Key, Page},
    pb::{self, question_bank_service_server::QuestionBankService},
    place::Place,
};

use super::{
    draft::parse_draft,
    fingerprint::exact,
    import,
    show::{show_bank, show_question},
    sql::{self, Freeze, QuestionRow},
    wire,
};

/// The most names in one batch.
const MAX_BATCH: usize = 1000;

/// The service.
#[derive(Debug)]
pub struct Banks {
    pub(super) db: Db,
}

impl Banks {
    /// Over that database.
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    async fn create_bank(&self, caller: &Caller, request: pb::CreateBankRequest) -> Result<pb::Bank> {
        let mut fields = Fields::default();
        let id = fields.take("bank_id", BankId::chosen_or_new(&request.bank_id));
        let request_id = fields.request_id(&request.request_id);
        let bank = fields.required("bank", request.bank.clone());
        let mut inner = Fields::under("bank");
        let (display_name, description) = bank_texts(&bank, &mut inner);
        fields.absorb(inner);
        fields.done()?;

        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            let name = BankName { bank: id };
            let by = unit.actor().to_owned();
            let row =
                sql::insert_bank(unit.conn(), caller.tenant.id, &name.bank, &display_name, &description, &by)
                    .await
                    .map_err(|e| {
                        if is_duplicate(&e, "bank_pkey") { Error::Exists(name.to_string()) } else { e.into() }
                    })?;
            unit.changed("bank.created", &name, json!({}));
            Ok(show_bank(&row, 0, 0))
        })
        .await
    }

    async fn get_bank(&self, caller: &Caller, request: pb::GetBankRequest) -> Result<pb::Bank> {
        let mut fields = Fields::default();
        let name: BankName = fields.take("name", request.name.parse());
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let found = sql::bank(&mut tx, caller.tenant.id, &name.bank).await?;
        tx.commit().await?;
        let found = found.filter(|(row, ..)| row.delete_time.is_none() || request.show_deleted);
        let (row, live, published) = found.ok_or_else(|| Error::NotFound(name.to_string()))?;
        Ok(show_bank(&row, live, published))
    }

    async fn list_banks(
        &self,
        caller: &Caller,
        request: pb::ListBanksRequest,
    ) -> Result<pb::ListBanksResponse> {
        let mut fields = Fields::default();
        let scope = page::scope("", request.show_deleted);
        let ask = Ask {
            scope: &scope,
            size: request.page_size,
            token: &request.page_token,
            filter: &request.filter,
            order_by: &request.order_by,
        };
        let page = Page::parse(&sql::BANKS, caller, ask, &mut fields).with_deleted(request.show_deleted);
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let rows = sql::banks(&mut tx, caller.tenant.id, &page).await?;
        tx.commit().await?;
        let (rows, next_page_token) =
            page.finish(caller, rows, |r| vec![Key::Time(r.create_time), Key::Text(r.bank_id.clone())]);
        Ok(pb::ListBanksResponse {
            banks: rows.iter().map(|r| show_bank(r, 0, 0)).collect(),
            next_page_token,
        })
    }

    async fn update_bank(&self, caller: &Caller, request: pb::UpdateBankRequest) -> Result<pb::Bank> {
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let given = fields.required("bank", request.bank.clone());
        let name: BankName = fields.take("bank.name", given.name.parse());
        let mask = Mask::parse(request.update_mask.as_ref(), &given, &mut fields)?;
        fields.done()?;

        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            let tenant = caller.tenant.id;
            let absent = || Error::NotFound(name.to_string());
            let old = sql::lock_bank(unit.conn(), tenant, &name.bank).await?.ok_or_else(absent)?;
            if !given.etag.is_empty() && given.etag != old.revision.to_string() {
                return Err(Error::Stale(name.to_string()));
            }
            let merged = mask.apply(&show_bank(&old, 0, 0), &given)?;
            let mut fields = Fields::under("bank");
            let (display_name, description) = bank_texts(&merged, &mut fields);
            fields.done()?;
            sql::update_bank(unit.conn(), tenant, &name.bank, &display_name, &description).await?;
            unit.changed("bank.updated", &name, json!({ "fields": mask.paths() }));
            let found = sql::bank(unit.conn(), tenant, &name.bank).await?;
            let (row, live, published) = found.ok_or_else(absent)?;
            Ok(show_bank(&row, live, published))
        })
        .await
    }

    async fn create_question(
        &self,
        caller: &Caller,
        request: pb::CreateQuestionRequest,
    ) -> Result<pb::Question> {
        let mut fields = Fields::default();
        let parent: BankName = fields.take("parent", request.parent.parse());
        let id = fields.take("question_id", QuestionId::chosen_or_new(&request.question_id));
        let request_id = fields.request_id(&request.request_id);
        let question = fields.required("question", request.question.clone());
        let mut inner = Fields::under("question");
        let draft = parse_draft(&question, id, &mut inner);
        if request.publish && inner.is_clean() {
            inner.extend("", wire::unfinished(&draft.content));
        }
        fields.absorb(inner);
        fields.done()?;
        if request.publish {
            caller.check_beside("publish")?;
        }

        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            let tenant = caller.tenant.id;
            let name = QuestionName { bank: parent.bank.clone(), question: draft.id.clone() };
            let by = unit.actor().to_owned();
            usable(unit.conn(), tenant, &[Thing::from(&parent)]).await?;
            sql::insert_questions(unit.conn(), tenant, &parent.bank, &[&draft], &[None], &by).await.map_err(
                |e| {
                    if is_duplicate(&e, "question_pkey") {
                        Error::Exists(name.to_string())
                    } else if is_missing_parent(&e) {
                        Error::NotFound(parent.to_string())
                    } else {
                        e.into()
                    }
                },
            )?;
            unit.changed("question.created", &name, json!({}));
            if request.publish {
                let hash = exact(&draft.content, &draft.topic, &draft.tags, draft.difficulty);
                let freeze = Freeze { id: draft.id, version: 1, content: draft.content, hash };
                sql::freeze(unit.conn(), tenant, &parent.bank, &[freeze], &by).await?;
                unit.changed("question.published", &name, json!({ "version": 1 }));
            }
            load_one(unit, caller, &name).await
        })
        .await
    }

    async fn get_question(&self, caller: &Caller, request: pb::GetQuestionRequest) -> Result<pb::Question> {
        let mut fields = Fields::default();
        let name: QuestionRef = fields.take("name", request.name.parse());
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let mut rows =
            sql::by_name(&mut tx, caller.tenant.id, std::slice::from_ref(&name), request.show_deleted)
                .await?;
        tx.commit().await?;
        let (_, row) = rows.pop().ok_or_else(|| Error::NotFound(name.to_string()))?;
        Ok(show_question(&row, name.version.is_some()))
    }

    async fn batch_get(
        &self,
        caller: &Caller,
        request: pb::BatchGetQuestionsRequest,
    ) -> Result<pb::BatchGetQuestionsResponse> {
        check_batch(&request.names)?;
        let parsed: Vec<Result<QuestionRef, Error>> = request
            .names
            .iter()
            .enumerate()
            .map(|(i, n)| {
                n.parse()
                    .map_err(|e: crate::ids::IdError| Error::invalid(format!("names[{i}]"), e.to_string()))
            })
            .collect();
        let good: Vec<QuestionRef> = parsed.iter().flatten().cloned().collect();
        let mut tx = self.db.read(caller).await?;
        let rows = sql::by_name(&mut tx, caller.tenant.id, &good, false).await?;
        tx.commit().await?;

        let mut found: Vec<Option<QuestionRow>> = good.iter().map(|_| None).collect();
        for (ordinal, row) in rows {
            found[ordinal] = Some(row);
        }
        let mut found = found.into_iter();
        let elements = parsed.into_iter().map(|name| {
            use pb::batch_get_questions_element::Outcome;
            let outcome = match name {
                Err(error) => Outcome::Error(error.into()),
                Ok(name) => match found.next().flatten() {
                    Some(row) => Outcome::Question(show_question(&row, name.version.is_some())),
                    None => Outcome::Error(Error::NotFound(name.to_string()).into()),
                },
            };
            pb::BatchGetQuestionsElement { outcome: Some(outcome) }
        });
        Ok(pb::BatchGetQuestionsResponse { elements: elements.collect() })
    }

    async fn list_questions(
        &self,
        caller: &Caller,
        request: pb::ListQuestionsRequest,
    ) -> Result<pb::ListQuestionsResponse> {
        let mut fields = Fields::default();
        let parent: Parent<BankName> = fields.take("parent", Parent::parse(&request.parent, "banks"));
        let scope = page::scope(&request.parent, request.show_deleted);
        let ask = Ask {
            scope: &scope,
            size: request.page_size,
            token: &request.page_token,
            filter: &request.filter,
            order_by: &request.order_by,
        };
        let page = Page::parse(&sql::QUESTIONS, caller, ask, &mut fields).with_deleted(request.show_deleted);
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let rows = sql::questions(&mut tx, caller.tenant.id, &Place::of(parent), &page).await?;
        tx.commit().await?;
        let (rows, next_page_token) = page.finish(caller, rows, |r| sql::question_key(&page, r));
        Ok(pb::ListQuestionsResponse {
            questions: rows.iter().map(|r| show_question(r, false)).collect(),
            next_page_token,
        })
    }

    async fn update_question(
        &self,
        caller: &Caller,
        request: pb::UpdateQuestionRequest,
    ) -> Result<pb::Question> {
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let given = fields.required("question", request.question.clone());
        let name: QuestionName = fields.take("question.name", given.name.parse());
        let mask = Mask::parse(request.update_mask.as_ref(), &given, &mut fields)?;
        fields.done()?;

        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            let row = lock_one(unit, caller, &name, &given.etag).await?;
            let old = show_question(&row, false);
            let merged = mask.apply(&old, &given)?;
            let mut fields = Fields::under("question");
            if mask.asks_fixed("kind") && given.kind != old.kind {
                // Whatever else was sent is of that other kind: complaining of it would not help.
                return Err(Error::invalid("question.kind", "is fixed once the question is created"));
            }
            let draft = parse_draft(&merged, name.question.clone(), &mut fields);
            fields.done()?;
            sql::update_question(unit.conn(), caller.tenant.id, &name.bank, &draft).await?;
            unit.changed("question.updated", &name, json!({ "fields": mask.paths() }));
            load_one(unit, caller, &name).await
        })
        .await
    }

    async fn list_versions(
        &self,
        caller: &Caller,
        request: pb::ListQuestionVersionsRequest,
    ) -> Result<pb::ListQuestionVersionsResponse> {
        let mut fields = Fields::default();
        let parent: QuestionName = fields.take("parent", request.parent.parse());
        let ask = Ask {
            scope: &request.parent,
            size: request.page_size,
            token: &request.page_token,
            ..Ask::default()
        };
        let page = Page::parse(&sql::VERSIONS, caller, ask, &mut fields);
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let rows = sql::versions(&mut tx, caller.tenant.id, &parent, &page).await?;
        tx.commit().await?;
        let (rows, next_page_token) = page.finish(caller, rows, |r| vec![Key::Integer(i64::from(r.version))]);
        Ok(pb::ListQuestionVersionsResponse {
            versions: rows.iter().map(|r| show_question(r, true)).collect(),
            next_page_token,
        })
    }

    async fn turn_bank(
        &self,
        caller: &Caller,
        turn: Turn,
        ask: lifecycle::Ask<'_>,
        request: &impl Message,
    ) -> Result<pb::Bank> {
        let (name, request_id): (BankName, _) = ask.parse()?;
        Unit::once(&self.db, caller, &request_id, request, async |unit| {
            let tenant = caller.tenant.id;
            lifecycle::sql::turn(unit, tenant, &Thing::from(&name), ask.etag, turn).await?;
            let found = sql::bank(unit.conn(), tenant, &name.bank).await?;
            let (row, live, published) = found.ok_or_else(|| Error::NotFound(name.to_string()))?;
            Ok(show_bank(&row, live, published))
        })
        .await
    }

    async fn turn_question(
        &self,
        caller: &Caller,
        turn: Turn,
        ask: lifecycle::Ask<'_>,
        request: &impl Message,
    ) -> Result<pb::Question> {
        let (name, request_id): (QuestionName, _) = ask.parse()?;
        Unit::once(&self.db, caller, &request_id, request, async |unit| {
            lifecycle::sql::turn(unit, caller.tenant.id, &Thing::from(&name), ask.etag, turn).await?;
            load_one(unit, caller, &name).await
        })
        .await
    }

    async fn import(
        &self,
        caller: &Caller,
        mut stream: Streaming<pb::ImportQuestionsRequest>,
    ) -> Result<pb::ImportQuestionsResponse, Status> {
        use pb::import_questions_request::Message;
        let mut header = None;
        let mut file = Vec::new();
        while let Some(message) = stream.next().await {
            let message = message.map_err(|s| crate::edge::restate_status(&s).unwrap_or(s))?;
            match message.message {
                Some(Message::Header(first)) if header.is_none() => header = Some(first),
                Some(Message::Header(_)) => {
                    return Err(
                        Error::invalid("header", "comes once, as the first message of the stream").into()
                    );
                }
                Some(Message::Chunk(_)) if header.is_none() => {
                    return Err(Error::invalid("header", "must be the first message of the stream").into());
                }
                Some(Message::Chunk(chunk)) => {
                    if file.len() + chunk.len() > import::MAX_FILE {
                        let what = format!("the file is larger than {} bytes", import::MAX_FILE);
                        return Err(Error::invalid("chunk", what).into());
                    }
                    file.extend(chunk);
                }
                None => return Err(Error::invalid("message", "is neither header nor chunk").into()),
            }
        }
        let header = header.ok_or_else(|| Error::invalid("header", "is required"))?;
        Ok(import::run(&self.db, caller, header, file).await?)
    }
}

/// What a caller says of a bank: its name and its description.
fn bank_texts(bank: &pb::Bank, fields: &mut Fields) -> (String, String) {
    let display_name = fields.text("display_name", &bank.display_name, 1, 200);
    (display_name, fields.text("description", &bank.description, 0, 2000))
}

/// Refuses a batch without names or with too many.
pub(super) fn check_batch(names: &[String]) -> Result<()> {
    match names.len() {
        0 => Err(Error::invalid("names", "is required")),
        n if n > MAX_BATCH => {
            Err(Error::invalid("names", format!("has {n} names; at most {MAX_BATCH} are allowed")))
        }
        _ => Ok(()),
    }
}

/// A statement failed because the bank that it names is not there.
fn is_missing_parent(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(db) if db.is_foreign_key_violation())
}

/// The question as it stands within the unit of work.
pub(super) async fn load_one(unit: &mut Unit, caller: &Caller, name: &QuestionName) -> Result<pb::Question> {
    let name = QuestionRef { question: name.clone(), version: None };
    let mut rows = sql::by_name(unit.conn(), caller.tenant.id, std::slice::from_ref(&name), true).await?;
    let (_, row) = rows.pop().ok_or_else(|| Error::NotFound(name.to_string()))?;
    Ok(show_question(&row, false))
}

/// Locks a question and checks that the caller has seen its present state.
pub(super) async fn lock_one(
    unit: &mut Unit,
    caller: &Caller,
    name: &QuestionName,
    etag: &str,
) -> Result<QuestionRow> {
    let ids = [name.question.clone()];
    let mut rows = sql::lock_questions(unit.conn(), caller.tenant.id, &name.bank, &ids).await?;
    let row = rows.pop().ok_or_else(|| Error::NotFound(name.to_string()))?;
    if !etag.is_empty() && etag != row.revision.to_string() {
        return Err(Error::Stale(name.to_string()));
    }
    Ok(row)
}

#[tonic::async_trait]
impl QuestionBankService for Banks {
    async fn create_bank(&self, r: Request<pb::CreateBankRequest>) -> Result<Response<pb::Bank>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.create_bank(&caller, r.into_inner()).await?))
    }

    async fn get_bank(&self, r: Request<pb::GetBankRequest>) -> Result<Response<pb::Bank>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.get_bank(&caller, r.into_inner()).await?))
    }

    async fn list_banks(
        &self,
        r: Request<pb::ListBanksRequest>,
    ) -> Result<Response<pb::ListBanksResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.list_banks(&caller, r.into_inner()).await?))
    }

    async fn update_bank(&self, r: Request<pb::UpdateBankRequest>) -> Result<Response<pb::Bank>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.update_bank(&caller, r.into_inner()).await?))
    }

    async fn create_question(
        &self,
        r: Request<pb::CreateQuestionRequest>,
    ) -> Result<Response<pb::Question>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.create_question(&caller, r.into_inner()).await?))
    }

    async fn get_question(
        &self,
        r: Request<pb::GetQuestionRequest>,
    ) -> Result<Response<pb::Question>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.get_question(&caller, r.into_inner()).await?))
    }

    async fn batch_get_questions(
        &self,
        r: Request<pb::BatchGetQuestionsRequest>,
    ) -> Result<Response<pb::BatchGetQuestionsResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.batch_get(&caller, r.into_inner()).await?))
    }

    async fn list_questions(
        &self,
        r: Request<pb::ListQuestionsRequest>,
    ) -> Result<Response<pb::ListQuestionsResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.list_questions(&caller, r.into_inner()).await?))
    }

    async fn update_question(
        &self,
        r: Request<pb::UpdateQuestionRequest>,
    ) -> Result<Response<pb::Question>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.update_question(&caller, r.into_inner()).await?))
    }

    async fn publish_question(
        &self,
        r: Request<pb::PublishQuestionRequest>,
    ) -> Result<Response<pb::Question>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.publish(&caller, r.into_inner()).await?))
    }

    async fn batch_publish_questions(
        &self,
        r: Request<pb::BatchPublishQuestionsRequest>,
    ) -> Result<Response<pb::BatchPublishQuestionsResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.batch_publish(&caller, r.into_inner()).await?))
    }

    async fn retire_question(
        &self,
        r: Request<pb::RetireQuestionRequest>,
    ) -> Result<Response<pb::Question>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.retire(&caller, r.into_inner()).await?))
    }

    async fn delete_bank(&self, r: Request<pb::DeleteBankRequest>) -> Result<Response<pb::Bank>, Status> {
        let (caller, r) = (Caller::of(&r)?, r.into_inner());
        let ask = lifecycle::Ask { name: &r.name, etag: &r.etag, request_id: &r.request_id };
        Ok(Response::new(self.turn_bank(&caller, Turn::Delete, ask, &r).await?))
    }

    async fn undelete_bank(&self, r: Request<pb::UndeleteBankRequest>) -> Result<Response<pb::Bank>, Status> {
        let (caller, r) = (Caller::of(&r)?, r.into_inner());
        let ask = lifecycle::Ask { name: &r.name, etag: &r.etag, request_id: &r.request_id };
        Ok(Response::new(self.turn_bank(&caller, Turn::Undelete, ask, &r).await?))
    }

    async fn archive_bank(&self, r: Request<pb::ArchiveBankRequest>) -> Result<Response<pb::Bank>, Status> {
        let (caller, r) = (Caller::of(&r)?, r.into_inner());
        let ask = lifecycle::Ask { name: &r.name, etag: &r.etag, request_id: &r.request_id };
        Ok(Response::new(self.turn_bank(&caller, Turn::Archive, ask, &r).await?))
    }

    async fn unarchive_bank(
        &self,
        r: Request<pb::UnarchiveBankRequest>,
    ) -> Result<Response<pb::Bank>, Status> {
        let (caller, r) = (Caller::of(&r)?, r.into_inner());
        let ask = lifecycle::Ask { name: &r.name, etag: &r.etag, request_id: &r.request_id };
        Ok(Response::new(self.turn_bank(&caller, Turn::Unarchive, ask, &r).await?))
    }

    async fn delete_question(
        &self,
        r: Request<pb::DeleteQuestionRequest>,
    ) -> Result<Response<pb::Question>, Status> {
        let (caller, r) = (Caller::of(&r)?, r.into_inner());
        let ask = lifecycle::Ask { name: &r.name, etag: &r.etag, request_id: &r.request_id };
        Ok(Response::new(self.turn_question(&caller, Turn::Delete, ask, &r).await?))
    }

    async fn undelete_question(
        &self,
        r: Request<pb::UndeleteQuestionRequest>,
    ) -> Result<Response<pb::Question>, Status> {
        let (caller, r) = (Caller::of(&r)?, r.into_inner());
        let ask = lifecycle::Ask { name: &r.name, etag: &r.etag, request_id: &r.request_id };
        Ok(Response::new(self.turn_question(&caller, Turn::Undelete, ask, &r).await?))
    }

    async fn archive_question(
        &self,
        r: Request<pb::ArchiveQuestionRequest>,
    ) -> Result<Response<pb::Question>, Status> {
        let (caller, r) = (Caller::of(&r)?, r.into_inner());
        let ask = lifecycle::Ask { name: &r.name, etag: &r.etag, request_id: &r.request_id };
        Ok(Response::new(self.turn_question(&caller, Turn::Archive, ask, &r).await?))
    }

    async fn unarchive_question(
        &self,
        r: Request<pb::UnarchiveQuestionRequest>,
    ) -> Result<Response<pb::Question>, Status> {
        let (caller, r) = (Caller::of(&r)?, r.into_inner());
        let ask = lifecycle::Ask { name: &r.name, etag: &r.etag, request_id: &r.request_id };
        Ok(Response::new(self.turn_question(&caller, Turn::Unarchive, ask, &r).await?))
    }

    async fn unretire_question(
        &self,
        r: Request<pb::UnretireQuestionRequest>,
    ) -> Result<Response<pb::Question>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.unretire(&caller, r.into_inner()).await?))
    }

    async fn list_question_versions(
        &self,
        r: Request<pb::ListQuestionVersionsRequest>,
    ) -> Result<Response<pb::ListQuestionVersionsResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.list_versions(&caller, r.into_inner()).await?))
    }

    async fn import_questions(
        &self,
        r: Request<Streaming<pb::ImportQuestionsRequest>>,
    ) -> Result<Response<pb::ImportQuestionsResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.import(&caller, r.into_inner()).await?))
    }
}
