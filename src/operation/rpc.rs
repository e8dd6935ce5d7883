//! `google.longrunning.Operations`: the use cases, read top to bottom.

use std::time::Duration;

use prost::Message;
use prost_types::Any;
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response as Reply, Status};

use crate::{
    auth::Caller,
    db::{Begun, Db, Unit, digest},
    door::Fields,
    error::{Error, Result},
    ids::OperationName,
    page::{Ask, Key, Page},
    pb::{
        self,
        longrunning::{operation, operations_server},
    },
};

use super::{
    noun::{Kind, show_error},
    sql::{self, OperationRow},
};

/// The pauses between two looks of a caller that waits: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(25), Duration::from_millis(400));
/// How long before its deadline a waiting call is answered: the answer must still arrive.
const MARGIN: Duration = Duration::from_millis(250);

/// The service.
#[derive(Clone, Debug)]
pub struct Operations {
    db: Db,
    stopping: CancellationToken,
}

impl Operations {
    /// Over that database; who waits is answered when the process stops.
    pub fn new(db: Db, stopping: CancellationToken) -> Self {
        Self { db, stopping }
    }

    async fn list(
        &self,
        caller: &Caller,
        request: pb::longrunning::ListOperationsRequest,
    ) -> Result<pb::longrunning::ListOperationsResponse> {
        let mut fields = Fields::default();
        if !["", "operations"].contains(&request.name.as_str()) {
            fields.bad("name", "must be \"operations\", or empty");
        }
        let ask = Ask {
            // Both names mean the same list.
            scope: "operations",
            size: request.page_size,
            token: &request.page_token,
            filter: &request.filter,
            order_by: "",
        };
        let page = Page::parse(&sql::OPERATIONS, caller, ask, &mut fields);
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let rows = sql::operations(&mut tx, caller.tenant.id, &page).await?;
        tx.commit().await?;
        let key = |r: &OperationRow| vec![Key::Time(r.create_time), Key::Uuid(r.operation_id)];
        let (rows, next_page_token) = page.finish(caller, rows, key);
        let operations = rows.iter().map(show).collect::<Result<_>>()?;
        Ok(pb::longrunning::ListOperationsResponse { operations, next_page_token })
    }

    async fn get(
        &self,
        caller: &Caller,
        request: pb::longrunning::GetOperationRequest,
    ) -> Result<pb::Operation> {
        show(&self.look(caller, &parse(&request.name)?).await?)
    }

    async fn wait(
        &self,
        caller: &Caller,
        request: pb::longrunning::WaitOperationRequest,
    ) -> Result<pb::Operation> {
        let mut fields = Fields::default();
        let name: OperationName = fields.take("name", request.name.parse());
        let timeout = request.timeout.map(Duration::try_from).transpose();
        let timeout = timeout.unwrap_or_else(|_| {
            fields.bad("timeout", "must not be negative");
            None
        });
        fields.done()?;
        let latest = caller.deadline.checked_sub(MARGIN).unwrap_or(caller.deadline);
        let until = timeout.and_then(|t| Instant::now().checked_add(t)).map_or(latest, |t| t.min(latest));
        let mut pause = PAUSES.0;
        loop {
            // A transaction a look: who waits holds no connection.
            let row = self.look(caller, &name).await?;
            if row.is_done() || Instant::now() >= until {
                return show(&row);
            }
            // Another process tells how it goes on.
            if self.stopping.is_cancelled() {
                return Err(Error::Stopping);
            }
            tokio::select! {
                () = self.stopping.cancelled() => {}
                () = tokio::time::sleep_until(until.min(Instant::now() + pause)) => {}
            }
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    async fn cancel(&self, caller: &Caller, request: pb::longrunning::CancelOperationRequest) -> Result<()> {
        // After the step under way.
        let (mut unit, row) = self.change(caller, &request.name, &request, true).await?;
        if row.kind == Kind::Regrade.as_str() {
            caller.check_beside("name")?;
        }
        if !row.is_done() {
            super::cancel(&mut unit, caller.tenant.id, &row).await?;
        }
        unit.commit(()).await
    }

    async fn delete(&self, caller: &Caller, request: pb::longrunning::DeleteOperationRequest) -> Result<()> {
        // What is done never changes again, so there is nothing to wait for.
        let (mut unit, row) = self.change(caller, &request.name, &request, false).await?;
        if !row.is_done() {
            let (name, message) = (row.name().to_string(), "is not done; cancel it first");
            return Err(Error::refused("OPERATION_NOT_DONE", &name, format!("{name} {message}")));
        }
        if !sql::hide(unit.conn(), caller.tenant.id, row.operation_id).await? {
            return Err(Error::NotFound(row.name().to_string()));
        }
        unit.changed("operation.deleted", row.name(), json!({ "target": row.target }));
        unit.commit(()).await
    }

    async fn look(&self, caller: &Caller, name: &OperationName) -> Result<OperationRow> {
        let mut tx = self.db.read(caller).await?;
        let row = sql::operation(&mut tx, caller.tenant.id, name.operation, false).await?;
        tx.commit().await?;
        row.ok_or_else(|| Error::NotFound(name.to_string()))
    }

    /// The operation of that name, in a unit of work.
    async fn change(
        &self,
        caller: &Caller,
        name: &str,
        request: &impl Message,
        lock: bool,
    ) -> Result<(Unit, OperationRow)> {
        let name = parse(name)?;
        let Begun::New(mut unit) = self.db.write::<()>(caller, "", digest(request)).await? else {
            return Err(Error::Internal("a call without a request id was answered before".into()));
        };
        let row = sql::operation(unit.conn(), caller.tenant.id, name.operation, lock).await?;
        Ok((unit, row.ok_or_else(|| Error::NotFound(name.to_string()))?))
    }
}

fn parse(name: &str) -> Result<OperationName> {
    let mut fields = Fields::default();
    let name = fields.take("name", name.parse());
    fields.done()?;
    Ok(name)
}

/// An operation on the wire.
pub fn show(row: &OperationRow) -> Result<pb::Operation> {
    let open = |bytes: &[u8]| {
        Any::decode(bytes).map_err(|e| Error::Internal(format!("an operation cannot be read: {e}").into()))
    };
    let result = match row.state.as_str() {
        "running" => None,
        "done" => row.response.as_deref().map(open).transpose()?.map(operation::Result::Response),
        _ => Some(operation::Result::Error(show_error(row.error_code, &row.error_reason, &row.error))),
    };
    Ok(pb::Operation {
        name: row.name().to_string(),
        metadata: (!row.progress.is_empty()).then(|| open(&row.progress)).transpose()?,
        done: row.is_done(),
        result,
    })
}

/// One line a method: parse, do, answer.
macro_rules! methods {
    ($($name:ident($request:ident) -> $answer:ty = $call:ident;)+) => {
        #[tonic::async_trait]
        impl operations_server::Operations for Operations {
            $(async fn $name(&self, r: Request<pb::longrunning::$request>) -> Result<Reply<$answer>, Status> {
                let caller = Caller::of(&r)?;
                Ok(Reply::new(self.$call(&caller, r.into_inner()).await?))
            })+
        }
    };
}

methods! {
    list_operations(ListOperationsRequest) -> pb::longrunning::ListOperationsResponse = list;
    get_operation(GetOperationRequest) -> pb::Operation = get;
    delete_operation(DeleteOperationRequest) -> () = delete;
    cancel_operation(CancelOperationRequest) -> () = cancel;
    wait_operation(WaitOperationRequest) -> pb::Operation = wait;
}
