//! What happens around a sitting: its log, and voiding it.

use serde_json::json;

use crate::{
    auth::Caller,
    db::Unit,
    door::Fields,
    error::{Error, Result},
    ids::AttemptName,
    pb::{self, moment, timestamp},
};

use super::{
    ending::{open_log, unreadable},
    log::Happening,
    rpc::{Delivery, show_attempt, voided},
    sitting::State,
    sql,
};

/// The most events of one report.
const MAX_EVENTS: usize = 100;
/// The most characters of a note.
const MAX_NOTE: usize = 200;

/// The kind of a number of the protocol.
fn kind_from_pb(number: i32) -> Option<Happening> {
    Happening::ALL.into_iter().find(|kind| *kind as i32 == number)
}

impl Delivery {
    /// Notes what a caller reports. Whatever its clock says is kept beside the database's own time.
    pub(super) async fn report(
        &self,
        caller: &Caller,
        request: pb::ReportSittingEventsRequest,
    ) -> Result<pb::ReportSittingEventsResponse> {
        let mut fields = Fields::default();
        let name: AttemptName = fields.take("name", request.name.parse());
        if request.events.len() > MAX_EVENTS {
            fields.bad(
                "events",
                format!("has {} entries; at most {MAX_EVENTS} are allowed", request.events.len()),
            );
        }
        let mut reports = Vec::with_capacity(request.events.len().min(MAX_EVENTS));
        for (i, event) in request.events.iter().enumerate().take(MAX_EVENTS) {
            let kind = kind_from_pb(event.kind).filter(|kind| kind.is_reported());
            if kind.is_none() {
                fields.bad(format!("events[{i}].kind"), "must be FOCUS_LOST, FOCUS_GAINED or NOTE");
            }
            let reported = event.reported_time.as_ref().and_then(moment);
            if event.reported_time.is_some() && reported.is_none() {
                fields.bad(format!("events[{i}].reported_time"), "is no time of the years 1 to 9999");
            }
            let note = fields.text(format!("events[{i}].note"), &event.note, 0, MAX_NOTE);
            reports.extend(kind.map(|kind| (kind, reported, note)));
        }
        fields.done()?;

        let tenant = caller.tenant.id;
        let mut tx = self.db.submit(tenant, caller.deadline).await?;
        let row = sql::lock(&mut tx, tenant, &name).await?;
        let row = row.ok_or_else(|| Error::NotFound(name.to_string()))?;
        if State::of(row.state) != State::Open || reports.is_empty() {
            return Ok(pb::ReportSittingEventsResponse::default());
        }
        let mut log = open_log(&row)?;
        let noted = reports
            .iter()
            .filter(|(kind, reported, note)| log.report(*kind, row.now, *reported, note))
            .count();
        sql::keep_log(&mut tx, tenant, row.attempt_id, &log.pack()).await?;
        tx.commit().await?;
        Ok(pb::ReportSittingEventsResponse { noted_count: noted as i32 })
    }

    /// The log of a sitting; empty where the candidate sat elsewhere.
    pub(super) async fn events(
        &self,
        caller: &Caller,
        request: pb::ListSittingEventsRequest,
    ) -> Result<pb::ListSittingEventsResponse> {
        let mut fields = Fields::default();
        let name: AttemptName = fields.take("parent", request.parent.parse());
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let row = sql::attempt(&mut tx, caller.tenant.id, &name).await?;
        tx.commit().await?;
        let row = row.ok_or_else(|| Error::NotFound(name.to_string()))?;
        let log = open_log(&row)?;
        let entries = log.entries().map_err(|e| unreadable(&row, "log", e))?;
        let events = entries.iter().map(|entry| pb::SittingEvent {
            kind: entry.kind as i32,
            time: Some(timestamp(log.time(entry))),
            reported_time: entry.reported.map(timestamp),
            note: entry.note.clone(),
        });
        Ok(pb::ListSittingEventsResponse {
            events: events.collect(),
            further_save_count: log.further_saves() as i32,
            further_report_count: log.dropped() as i32,
        })
    }

    /// Voids an attempt, open or submitted. It keeps what it had, and counts nowhere any more.
    pub(super) async fn void(&self, caller: &Caller, request: pb::VoidAttemptRequest) -> Result<pb::Attempt> {
        let mut fields = Fields::default();
        let name: AttemptName = fields.take("name", request.name.parse());
        let reason = fields.text("reason", &request.reason, 1, 500);
        let request_id = fields.request_id(&request.request_id);
        fields.done()?;

        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            let tenant = caller.tenant.id;
            let row = sql::lock(unit.conn(), tenant, &name).await?;
            let mut row = row.ok_or_else(|| Error::NotFound(name.to_string()))?;
            if State::of(row.state) == State::Void {
                return Err(voided(&name));
            }
            let (_, form) = self.form_of(unit.conn(), tenant, &name, &row).await?;
            let log = open_log(&row)?.noting(Happening::Voided, row.now, &reason).pack();
            row.due_time = row.due();
            row.state = State::Void.code();
            sql::void(unit.conn(), tenant, row.attempt_id, row.due_time, &log).await?;
            unit.changed("attempt.voided", &name, json!({ "reason": reason }));
            show_attempt(&name, &row, &form)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proto_and_log_know_the_same_kinds() {
        for kind in Happening::ALL {
            assert!(pb::SittingEventKind::try_from(kind as i32).is_ok());
            assert_eq!(kind_from_pb(kind as i32), Some(kind));
        }
        assert_eq!(kind_from_pb(0), None);
        assert!(pb::SittingEventKind::try_from(Happening::ALL.len() as i32 + 1).is_err());
        assert_eq!(pb::SittingEventKind::Voided as i32, Happening::Voided as i32);
        assert_eq!(pb::SittingEventKind::FocusLost as i32, Happening::FocusLost as i32);
        assert_eq!(pb::SittingEventKind::Note as i32, Happening::Note as i32);
    }
}
