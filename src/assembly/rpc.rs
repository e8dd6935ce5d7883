//! The assembly service: the use cases, read top to bottom.

use chrono::Utc;
use prost::Message;
use serde_json::json;
use tonic::{Request, Response, Status};

use crate::{
    auth::Caller,
    db::{Db, Unit},
    door::Fields,
    error::{Error, Result, is_duplicate},
    ids::{BankId, BankName, BlueprintId, BlueprintName, FormId, FormName, Parent},
    lifecycle::{self, Life, Thing, Turn, archived, sql::usable},
    mask::Mask,
    page::{self, Ask, Key, Page},
    pb::{self, assembly_service_server::AssemblyService},
    place::Place,
    points::Points,
};

use super::{
    blueprint::Blueprint,
    compose::{self, Common, Wanted},
    pools::Pools,
    shortage::Shortage,
    sql::{self, BlueprintRow},
    wire::{self, Given},
};

/// The most parallel forms: they are called A to Z.
const MAX_FORMS: i32 = 26;

/// The service.
#[derive(Debug)]
pub struct Assembly {
    db: Db,
    pools: Pools,
}

impl Assembly {
    /// Over that database.
    pub fn new(db: Db) -> Self {
        Self { db, pools: Pools::default() }
    }

    async fn create(&self, caller: &Caller, request: pb::CreateBlueprintRequest) -> Result<pb::Blueprint> {
        let mut fields = Fields::default();
        let id = fields.take("blueprint_id", BlueprintId::chosen_or_new(&request.blueprint_id));
        let request_id = fields.request_id(&request.request_id);
        let blueprint = fields.required("blueprint", request.blueprint.as_ref().map(Some));
        let given = blueprint.and_then(|b| parse_under("blueprint", b, &mut fields));
        let given = whole(fields, given)?;

        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            let row = store(unit, caller, &BlueprintName { blueprint: id }, &given).await?;
            Ok(wire::show(&row))
        })
        .await
    }

    async fn get(&self, caller: &Caller, request: pb::GetBlueprintRequest) -> Result<pb::Blueprint> {
        let mut fields = Fields::default();
        let name: BlueprintName = fields.take("name", request.name.parse());
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let row = sql::blueprint(&mut tx, caller.tenant.id, &name.blueprint).await?;
        tx.commit().await?;
        let row = row.filter(|row| row.delete_time.is_none() || request.show_deleted);
        Ok(wire::show(&row.ok_or_else(|| Error::NotFound(name.to_string()))?))
    }

    async fn list(
        &self,
        caller: &Caller,
        request: pb::ListBlueprintsRequest,
    ) -> Result<pb::ListBlueprintsResponse> {
        let mut fields = Fields::default();
        let scope = page::scope("", request.show_deleted);
        let ask = Ask {
            scope: &scope,
            size: request.page_size,
            token: &request.page_token,
            filter: &request.filter,
            order_by: &request.order_by,
        };
        let page = Page::parse(&sql::BLUEPRINTS, caller, ask, &mut fields).with_deleted(request.show_deleted);
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let rows = sql::blueprints(&mut tx, caller.tenant.id, &page).await?;
        tx.commit().await?;
        let (rows, next_page_token) =
            page.finish(caller, rows, |r| vec![Key::Time(r.create_time), Key::Text(r.blueprint_id.clone())]);
        Ok(pb::ListBlueprintsResponse { blueprints: rows.iter().map(wire::show).collect(), next_page_token })
    }

    async fn update(&self, caller: &Caller, request: pb::UpdateBlueprintRequest) -> Result<pb::Blueprint> {
        let mut fields = Fields::default();
        let request_id = fields.request_id(&request.request_id);
        let given = fields.required("blueprint", request.blueprint.clone());
        let name: BlueprintName = fields.take("blueprint.name", given.name.parse());
        let mask = Mask::parse(request.update_mask.as_ref(), &given, &mut fields)?;
        fields.done()?;

        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            let tenant = caller.tenant.id;
            let absent = || Error::NotFound(name.to_string());
            let old = sql::lock_blueprint(unit.conn(), tenant, &name.blueprint).await?.ok_or_else(absent)?;
            if !given.etag.is_empty() && given.etag != old.revision.to_string() {
                return Err(Error::Stale(name.to_string()));
            }
            let mut fields = Fields::default();
            if mask.asks_fixed("bank") && given.bank != format!("banks/{}", old.bank_id) {
                fields.bad("blueprint.bank", "is fixed once the blueprint is created");
            }
            let merged = parse_under("blueprint", &mask.apply(&wire::stated(&old), &given)?, &mut fields);
            let merged = whole(fields, merged)?;
            let row = sql::update_blueprint(unit.conn(), tenant, &name.blueprint, &merged)
                .await?
                .ok_or_else(absent)?;
            unit.changed("blueprint.updated", &name, json!({ "fields": mask.paths() }));
            Ok(wire::show(&row))
        })
        .await
    }

    async fn check(
        &self,
        caller: &Caller,
        request: pb::CheckBlueprintRequest,
    ) -> Result<pb::CheckBlueprintResponse> {
        use pb::check_blueprint_request::Subject;
        let mut fields = Fields::default();
        let forms = form_count(request.form_count, &mut fields);
        let (mut name, mut inline) = (None, None);
        match &request.subject {
            Some(Subject::Name(text)) => name = Some(fields.take::<BlueprintName, _>("name", text.parse())),
            Some(Subject::Blueprint(blueprint)) => inline = parse_under("blueprint", blueprint, &mut fields),
            None => fields.bad("name", "is required, or else a blueprint"),
        }
        fields.done()?;

        let mut tx = self.db.read(caller).await?;
        let tenant = caller.tenant.id;
        let given = match (inline, name) {
            (Some(given), _) => given,
            (None, Some(name)) => {
                let row = sql::blueprint(&mut tx, tenant, &name.blueprint).await?;
                let row = row.filter(|row| row.delete_time.is_none());
                stored(&row.ok_or_else(|| Error::NotFound(name.to_string()))?)?
            }
            (None, None) => return Err(Error::Internal("a request without a subject was let in".into())),
        };
        let pool = self.pools.of(&mut tx, tenant, &given.bank).await?;
        tx.commit().await?;
        let shared = request.allow_shared_questions;
        let (prepared, shortages) =
            self.db.aside(caller, move || compose::check(&pool, &given.rules, forms, shared)).await?;
        Ok(wire::show_check(&prepared, forms, shared, &shortages))
    }

    async fn assemble(
        &self,
        caller: &Caller,
        request: pb::AssembleFormsRequest,
    ) -> Result<pb::AssembleFormsResponse> {
        let mut fields = Fields::default();
        let name: BlueprintName = fields.take("parent", request.parent.parse());
        let request_id = fields.request_id(&request.request_id);
        let forms = form_count(request.form_count, &mut fields);
        let ids = form_ids(&request.form_ids, forms, &mut fields);
        fields.done()?;
        let seed = request.seed.unwrap_or_else(rand::random);
        let wanted = Wanted { forms, seed, shared: request.allow_shared_questions };

        if request.validate_only {
            let mut tx = self.db.read(caller).await?;
            let drawn = self.draw(&mut tx, caller, &name, wanted, ids).await?;
            tx.commit().await?;
            let shown =
                drawn.iter().map(|(form, plan)| wire::show_form(form, plan, &Life::default(), false, false));
            return Ok(pb::AssembleFormsResponse { forms: shown.collect() });
        }
        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            usable(unit.conn(), caller.tenant.id, &[Thing::from(&name)]).await?;
            let life = Life { created_by: unit.actor().to_owned(), ..Life::default() };
            let drawn = self.draw(unit.conn(), caller, &name, wanted, ids).await?;
            let (mut forms, plans): (Vec<_>, Vec<_>) = drawn.into_iter().unzip();
            let at =
                sql::insert_forms(unit.conn(), caller.tenant.id, &name.blueprint, &forms, &life.created_by)
                    .await?
                    .map_err(|taken| Error::Exists(taken.to_string()))?;
            for form in &mut forms {
                form.create_time = at;
                // As text: a JSON number would lose the low bits of a large seed.
                let data = json!({ "label": form.label, "seed": form.seed.to_string() });
                unit.changed("form.created", &form.name, data);
            }
            let shown =
                forms.iter().zip(&plans).map(|(form, plan)| wire::show_form(form, plan, &life, false, true));
            Ok(pb::AssembleFormsResponse { forms: shown.collect() })
        })
        .await
    }

    /// The forms that a blueprint gives now, each with its plan; nothing is stored.
    async fn draw(
        &self,
        conn: &mut sqlx::PgConnection,
        caller: &Caller,
        name: &BlueprintName,
        wanted: Wanted,
        ids: Vec<FormId>,
    ) -> Result<Vec<(super::form::Form, crate::scoring::plan::Plan)>> {
        let tenant = caller.tenant.id;
        let row = sql::blueprint(conn, tenant, &name.blueprint).await?;
        let row = row.filter(|row| row.delete_time.is_none());
        let row = row.ok_or_else(|| Error::NotFound(name.to_string()))?;
        if row.archive_time.is_some() {
            return Err(archived(&name.to_string()));
        }
        let given = stored(&row)?;
        let pool = self.pools.of(conn, tenant, &given.bank).await?;
        let rules = given.rules.clone();
        let drawn = self.db.aside(caller, move || compose::draw(&pool, &rules, wanted)).await?;
        let drawn = drawn.map_err(|shortages| unfillable(name, &shortages))?;

        let mut versions: Vec<(String, i32)> = drawn.iter().flatten().flatten().cloned().collect();
        versions.sort_unstable();
        versions.dedup();
        let contents = sql::contents(conn, tenant, &given.bank.bank, &versions).await?;
        let name = name.clone();
        let all = move || {
            let common = Common {
                blueprint: &name,
                title: &given.display_name,
                rules: &given.rules,
                bank: &given.bank.bank,
                duration_s: given.duration_s,
                seed: wanted.seed,
                now: Utc::now(),
            };
            let forms = drawn.iter().zip(ids).enumerate();
            forms.map(|(i, (cited, id))| compose::compose(&common, i, id, cited, &contents)).collect()
        };
        self.db.aside(caller, all).await?
    }

    async fn get_form(&self, caller: &Caller, request: pb::GetFormRequest) -> Result<pb::Form> {
        let mut fields = Fields::default();
        let name: FormName = fields.take("name", request.name.parse());
        let view = pb::FormView::try_from(request.view);
        if view.is_err() {
            fields.bad("view", "is no view of a form");
        }
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let life = sql::form_life(&mut tx, caller.tenant.id, &name).await?;
        let life = life.filter(|life| life.delete_time.is_none() || request.show_deleted);
        let life = life.ok_or_else(|| Error::NotFound(name.to_string()))?;
        let form = sql::form(&mut tx, caller.tenant.id, &name).await?;
        tx.commit().await?;
        let form = form.ok_or_else(|| Error::NotFound(name.to_string()))?;
        let plan = compose::compile(&form)
            .map_err(|e| Error::Internal(format!("{name} cannot be scored: {e}").into()))?;
        Ok(wire::show_form(&form, &plan, &life, view == Ok(pb::FormView::Full), true))
    }

    async fn turn_blueprint(
        &self,
        caller: &Caller,
        turn: Turn,
        ask: lifecycle::Ask<'_>,
        request: &impl Message,
    ) -> Result<pb::Blueprint> {
        let (name, request_id): (BlueprintName, _) = ask.parse()?;
        Unit::once(&self.db, caller, &request_id, request, async |unit| {
            let tenant = caller.tenant.id;
            lifecycle::sql::turn(unit, tenant, &Thing::from(&name), ask.etag, turn).await?;
            let row = sql::blueprint(unit.conn(), tenant, &name.blueprint).await?;
            Ok(wire::show(&row.ok_or_else(|| Error::NotFound(name.to_string()))?))
        })
        .await
    }

    /// Answers with the form as lists show it.
    async fn turn_form(
        &self,
        caller: &Caller,
        turn: Turn,
        ask: lifecycle::Ask<'_>,
        request: &impl Message,
    ) -> Result<pb::Form> {
        let (name, request_id): (FormName, _) = ask.parse()?;
        Unit::once(&self.db, caller, &request_id, request, async |unit| {
            let tenant = caller.tenant.id;
            lifecycle::sql::turn(unit, tenant, &Thing::from(&name), ask.etag, turn).await?;
            let row = sql::form_row(unit.conn(), tenant, &name).await?;
            Ok(wire::show_form_row(&row.ok_or_else(|| Error::NotFound(name.to_string()))?))
        })
        .await
    }

    async fn list_forms(
        &self,
        caller: &Caller,
        request: pb::ListFormsRequest,
    ) -> Result<pb::ListFormsResponse> {
        let mut fields = Fields::default();
        let parent: Parent<BlueprintName> =
            fields.take("parent", Parent::parse(&request.parent, "blueprints"));
        let scope = page::scope(&request.parent, request.show_deleted);
        let ask = Ask {
            scope: &scope,
            size: request.page_size,
            token: &request.page_token,
            filter: &request.filter,
            order_by: &request.order_by,
        };
        let page = Page::parse(&sql::FORMS, caller, ask, &mut fields).with_deleted(request.show_deleted);
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let rows = sql::forms(&mut tx, caller.tenant.id, &Place::of(parent), &page).await?;
        tx.commit().await?;
        let (rows, next_page_token) = page.finish(caller, rows, |r| {
            vec![Key::Time(r.create_time), Key::Text(r.blueprint_id.clone()), Key::Text(r.form_id.clone())]
        });
        Ok(pb::ListFormsResponse { forms: rows.iter().map(wire::show_form_row).collect(), next_page_token })
    }
}

/// Stores the blueprint that a paper's section heads declare, in the unit of work of the paper's import.
pub async fn insert_declared(
    unit: &mut Unit,
    caller: &Caller,
    name: &BlueprintName,
    bank: &BankName,
    title: &str,
    rules: Blueprint,
) -> Result<()> {
    let given = Given { display_name: title.to_owned(), bank: bank.clone(), rules, duration_s: None };
    store(unit, caller, name, &given).await?;
    Ok(())
}

async fn store(
    unit: &mut Unit,
    caller: &Caller,
    name: &BlueprintName,
    given: &Given,
) -> Result<BlueprintRow> {
    let by = unit.actor().to_owned();
    usable(unit.conn(), caller.tenant.id, &[Thing::from(&given.bank)]).await?;
    let stored = sql::insert_blueprint(unit.conn(), caller.tenant.id, &name.blueprint, given, &by).await;
    let row = stored.map_err(|e| {
        let no_bank = matches!(&e, sqlx::Error::Database(db) if db.is_foreign_key_violation());
        if is_duplicate(&e, "blueprint_pkey") {
            Error::Exists(name.to_string())
        } else if no_bank {
            Error::NotFound(given.bank.to_string())
        } else {
            e.into()
        }
    })?;
    unit.changed("blueprint.created", name, json!({}));
    Ok(row)
}

/// A stored blueprint as it was once parsed.
fn stored(row: &BlueprintRow) -> Result<Given> {
    let total = row.total_declared.then(|| Points::new(row.total));
    let rules = Blueprint::try_new(row.sections.0.clone(), total).map_err(|bad| {
        Error::Internal(
            format!("the stored blueprint {} does not pass its own checks: {bad:?}", row.blueprint_id).into(),
        )
    })?;
    Ok(Given {
        display_name: row.display_name.clone(),
        bank: BankName { bank: BankId::stored(row.bank_id.clone()) },
        rules,
        duration_s: row.duration_s,
    })
}

fn parse_under(prefix: &str, blueprint: &pb::Blueprint, fields: &mut Fields) -> Option<Given> {
    let mut inner = Fields::under(prefix);
    let given = wire::parse(blueprint, &mut inner);
    fields.absorb(inner);
    given
}

/// What was parsed, or every bad field.
fn whole<T>(fields: Fields, parsed: Option<T>) -> Result<T> {
    fields.done()?;
    parsed.ok_or(Error::Internal("a request was neither parsed nor refused".into()))
}

fn form_count(given: i32, fields: &mut Fields) -> u32 {
    if !(0..=MAX_FORMS).contains(&given) {
        fields.bad("form_count", format!("must be 1 to {MAX_FORMS}, or 0 for 1; is {given}"));
    }
    given.clamp(1, MAX_FORMS) as u32
}

/// The ids that the caller chose, one for each form, or new ones.
fn form_ids(given: &[String], forms: u32, fields: &mut Fields) -> Vec<FormId> {
    if given.is_empty() {
        return (0..forms).map(|_| fields.take("form_ids", FormId::chosen_or_new(""))).collect();
    }
    if given.len() != forms as usize {
        fields.bad("form_ids", format!("are {} ids for {forms} forms; give one each or none", given.len()));
    }
    let mut ids = Vec::with_capacity(given.len());
    for (i, text) in given.iter().enumerate() {
        let path = format!("form_ids[{i}]");
        if given[..i].contains(text) {
            fields.bad(&path, "is there twice");
        }
        ids.push(fields.take(path, text.parse()));
    }
    ids
}

fn unfillable(name: &BlueprintName, shortages: &[Shortage]) -> Error {
    let obstacles: Vec<String> = shortages.iter().map(wire::in_words).collect();
    let more = match obstacles.len() {
        0 | 1 => String::new(),
        n => format!("; and {} more", n - 1),
    };
    let first = obstacles.first().map(String::as_str).unwrap_or_default();
    Error::RefusedEach {
        reason: "BLUEPRINT_UNFILLABLE",
        subject: name.to_string(),
        message: format!("{name} cannot be filled: {first}{more}"),
        obstacles,
    }
}

#[tonic::async_trait]
impl AssemblyService for Assembly {
    async fn create_blueprint(
        &self,
        r: Request<pb::CreateBlueprintRequest>,
    ) -> Result<Response<pb::Blueprint>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.create(&caller, r.into_inner()).await?))
    }

    async fn get_blueprint(
        &self,
        r: Request<pb::GetBlueprintRequest>,
    ) -> Result<Response<pb::Blueprint>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.get(&caller, r.into_inner()).await?))
    }

    async fn list_blueprints(
        &self,
        r: Request<pb::ListBlueprintsRequest>,
    ) -> Result<Response<pb::ListBlueprintsResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.list(&caller, r.into_inner()).await?))
    }

    async fn update_blueprint(
        &self,
        r: Request<pb::UpdateBlueprintRequest>,
    ) -> Result<Response<pb::Blueprint>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.update(&caller, r.into_inner()).await?))
    }

    async fn check_blueprint(
        &self,
        r: Request<pb::CheckBlueprintRequest>,
    ) -> Result<Response<pb::CheckBlueprintResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.check(&caller, r.into_inner()).await?))
    }

    async fn assemble_forms(
        &self,
        r: Request<pb::AssembleFormsRequest>,
    ) -> Result<Response<pb::AssembleFormsResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.assemble(&caller, r.into_inner()).await?))
    }

    async fn get_form(&self, r: Request<pb::GetFormRequest>) -> Result<Response<pb::Form>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.get_form(&caller, r.into_inner()).await?))
    }

    async fn delete_blueprint(
        &self,
        r: Request<pb::DeleteBlueprintRequest>,
    ) -> Result<Response<pb::Blueprint>, Status> {
        let (caller, r) = (Caller::of(&r)?, r.into_inner());
        let ask = lifecycle::Ask { name: &r.name, etag: &r.etag, request_id: &r.request_id };
        Ok(Response::new(self.turn_blueprint(&caller, Turn::Delete, ask, &r).await?))
    }

    async fn undelete_blueprint(
        &self,
        r: Request<pb::UndeleteBlueprintRequest>,
    ) -> Result<Response<pb::Blueprint>, Status> {
        let (caller, r) = (Caller::of(&r)?, r.into_inner());
        let ask = lifecycle::Ask { name: &r.name, etag: &r.etag, request_id: &r.request_id };
        Ok(Response::new(self.turn_blueprint(&caller, Turn::Undelete, ask, &r).await?))
    }

    async fn archive_blueprint(
        &self,
        r: Request<pb::ArchiveBlueprintRequest>,
    ) -> Result<Response<pb::Blueprint>, Status> {
        let (caller, r) = (Caller::of(&r)?, r.into_inner());
        let ask = lifecycle::Ask { name: &r.name, etag: &r.etag, request_id: &r.request_id };
        Ok(Response::new(self.turn_blueprint(&caller, Turn::Archive, ask, &r).await?))
    }

    async fn unarchive_blueprint(
        &self,
        r: Request<pb::UnarchiveBlueprintRequest>,
    ) -> Result<Response<pb::Blueprint>, Status> {
        let (caller, r) = (Caller::of(&r)?, r.into_inner());
        let ask = lifecycle::Ask { name: &r.name, etag: &r.etag, request_id: &r.request_id };
        Ok(Response::new(self.turn_blueprint(&caller, Turn::Unarchive, ask, &r).await?))
    }

    async fn delete_form(&self, r: Request<pb::DeleteFormRequest>) -> Result<Response<pb::Form>, Status> {
        let (caller, r) = (Caller::of(&r)?, r.into_inner());
        let ask = lifecycle::Ask { name: &r.name, etag: "", request_id: &r.request_id };
        Ok(Response::new(self.turn_form(&caller, Turn::Delete, ask, &r).await?))
    }

    async fn undelete_form(&self, r: Request<pb::UndeleteFormRequest>) -> Result<Response<pb::Form>, Status> {
        let (caller, r) = (Caller::of(&r)?, r.into_inner());
        let ask = lifecycle::Ask { name: &r.name, etag: "", request_id: &r.request_id };
        Ok(Response::new(self.turn_form(&caller, Turn::Undelete, ask, &r).await?))
    }

    async fn archive_form(&self, r: Request<pb::ArchiveFormRequest>) -> Result<Response<pb::Form>, Status> {
        let (caller, r) = (Caller::of(&r)?, r.into_inner());
        let ask = lifecycle::Ask { name: &r.name, etag: "", request_id: &r.request_id };
        Ok(Response::new(self.turn_form(&caller, Turn::Archive, ask, &r).await?))
    }

    async fn unarchive_form(
        &self,
        r: Request<pb::UnarchiveFormRequest>,
    ) -> Result<Response<pb::Form>, Status> {
        let (caller, r) = (Caller::of(&r)?, r.into_inner());
        let ask = lifecycle::Ask { name: &r.name, etag: "", request_id: &r.request_id };
        Ok(Response::new(self.turn_form(&caller, Turn::Unarchive, ask, &r).await?))
    }

    async fn list_forms(
        &self,
        r: Request<pb::ListFormsRequest>,
    ) -> Result<Response<pb::ListFormsResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.list_forms(&caller, r.into_inner()).await?))
    }
}
