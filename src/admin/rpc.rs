//! The administration service.

use serde_json::json;
use tonic::{Request, Response, Status};

use crate::{
    auth::{Caller, Credential, Role, role_from_pb},
    db::{Begun, Db, digest},
    door::Fields,
    error::{Error, Result},
    ids::ApiKeyName,
    page::{Ask, Key, Page},
    pb::{self, admin_service_server::AdminService, moment, timestamp},
};

use super::sql::{self, KeyRow};

/// The service.
#[derive(Debug)]
pub struct Admin {
    db: Db,
}

impl Admin {
    /// Over that database.
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    // No request_id here: a repeat would have to store the secret to answer with it.
    async fn create_key(
        &self,
        caller: &Caller,
        request: pb::CreateApiKeyRequest,
    ) -> Result<pb::CreateApiKeyResponse> {
        let mut fields = Fields::default();
        let given = fields.required("api_key", request.api_key.clone());
        let display_name = fields.text("api_key.display_name", &given.display_name, 1, 200);
        if given.roles.is_empty() {
            fields.bad("api_key.roles", "needs at least one role");
        }
        let mut roles = Vec::new();
        for (i, value) in given.roles.iter().enumerate() {
            match role_from_pb(*value) {
                Some(role) if !roles.contains(&role.as_str().to_owned()) => {
                    roles.push(role.as_str().to_owned())
                }
                Some(_) => fields.bad(format!("api_key.roles[{i}]"), "is there twice"),
                None => fields.bad(format!("api_key.roles[{i}]"), "is no role"),
            }
        }
        let expire_time = given.expire_time.as_ref().map(moment);
        if expire_time == Some(None) {
            fields.bad("api_key.expire_time", "is no time");
        }
        fields.done()?;

        let mut unit = match self.db.write::<pb::CreateApiKeyResponse>(caller, "", digest(&request)).await? {
            Begun::New(unit) => unit,
            Begun::Done(first) => return Ok(first),
        };
        let (credential, secret) = Credential::generate(caller.tenant.id)?;
        let row = sql::insert(
            unit.conn(),
            caller.tenant.id,
            credential.key,
            &display_name,
            &roles,
            &credential.secret_hash(),
            expire_time.flatten(),
        )
        .await?
        .ok_or(Error::Internal("an insert returned nothing".into()))?;
        unit.changed("api_key.created", format!("apiKeys/{}", credential.key), json!({ "roles": roles }));
        unit.commit(pb::CreateApiKeyResponse { api_key: Some(show(&row)), secret }).await
    }

    async fn list_keys(
        &self,
        caller: &Caller,
        request: pb::ListApiKeysRequest,
    ) -> Result<pb::ListApiKeysResponse> {
        let mut fields = Fields::default();
        let ask = Ask { size: request.page_size, token: &request.page_token, ..Ask::default() };
        let page = Page::parse(&sql::KEYS, caller, ask, &mut fields);
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let rows = sql::list(&mut tx, caller.tenant.id, &page).await?;
        tx.commit().await?;
        let (rows, next_page_token) =
            page.finish(caller, rows, |r| vec![Key::Time(r.create_time), Key::Uuid(r.api_key_id)]);
        Ok(pb::ListApiKeysResponse { api_keys: rows.iter().map(show).collect(), next_page_token })
    }

    async fn revoke_key(&self, caller: &Caller, request: pb::RevokeApiKeyRequest) -> Result<pb::ApiKey> {
        let mut fields = Fields::default();
        let name: ApiKeyName = fields.take("name", request.name.parse());
        fields.done()?;
        let mut unit = match self.db.write::<pb::ApiKey>(caller, "", digest(&request)).await? {
            Begun::New(unit) => unit,
            Begun::Done(first) => return Ok(first),
        };
        let row = sql::revoke(unit.conn(), caller.tenant.id, name.api_key)
            .await?
            .ok_or_else(|| Error::NotFound(name.to_string()))?;
        unit.changed("api_key.revoked", &name, json!({}));
        let answer = unit.commit(show(&row)).await?;
        self.db.forget_key(name.api_key);
        Ok(answer)
    }
}

fn show(row: &KeyRow) -> pb::ApiKey {
    pb::ApiKey {
        name: format!("apiKeys/{}", row.api_key_id),
        display_name: row.display_name.clone(),
        roles: row.roles.iter().filter_map(|r| Role::parse(r)).map(|r| pb::Role::from(r) as i32).collect(),
        create_time: Some(timestamp(row.create_time)),
        expire_time: row.expire_time.map(timestamp),
        revoke_time: row.revoke_time.map(timestamp),
    }
}

#[tonic::async_trait]
impl AdminService for Admin {
    async fn get_caller(&self, r: Request<pb::GetCallerRequest>) -> Result<Response<pb::Caller>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(pb::Caller {
            tenant: caller.tenant.id.to_string(),
            tenant_display_name: caller.tenant.display_name.clone(),
            api_key: format!("apiKeys/{}", caller.key),
            roles: caller.roles.iter().map(|r| pb::Role::from(*r) as i32).collect(),
        }))
    }

    async fn create_api_key(
        &self,
        r: Request<pb::CreateApiKeyRequest>,
    ) -> Result<Response<pb::CreateApiKeyResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.create_key(&caller, r.into_inner()).await?))
    }

    async fn list_api_keys(
        &self,
        r: Request<pb::ListApiKeysRequest>,
    ) -> Result<Response<pb::ListApiKeysResponse>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.list_keys(&caller, r.into_inner()).await?))
    }

    async fn revoke_api_key(
        &self,
        r: Request<pb::RevokeApiKeyRequest>,
    ) -> Result<Response<pb::ApiKey>, Status> {
        let caller = Caller::of(&r)?;
        Ok(Response::new(self.revoke_key(&caller, r.into_inner()).await?))
    }
}
