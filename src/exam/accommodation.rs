//! Accommodations: what one candidate gets beyond the rule. Each element of a batch stands for itself.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::FromRow;

use crate::{
    auth::Caller,
    db::Unit,
    door::Fields,
    error::{Error, Result},
    ids::ExamName,
    page::{Ask, Key, Page},
    pb::{self, batch_set_accommodations_element::Outcome, duration, timestamp},
};

use super::{rpc::Exams, sql};

/// The most people of one call.
const MAX_BATCH: usize = 1000;
/// The most extra time: one day.
const MAX_EXTRA_S: i32 = 24 * 60 * 60;
/// The most extra attempts.
const MAX_EXTRA_ATTEMPTS: i32 = 100;

/// An accommodation, as written and as stored.
#[derive(Clone, Debug, Default, PartialEq, FromRow)]
pub struct Accommodation {
    /// Who.
    pub candidate: String,
    /// Time beyond the end of a sitting, in seconds.
    pub extra_time_s: i32,
    /// Attempts beyond the limit.
    pub extra_attempts: i32,
    /// Why.
    pub reason: String,
    /// When it was set last.
    pub update_time: DateTime<Utc>,
}

/// One from the wire; bad fields are noted.
fn parse(given: &pb::Accommodation, fields: &mut Fields) -> Accommodation {
    let candidate = fields.person("candidate", &given.candidate);
    let extra_time_s = fields.seconds_up_to("extra_time", given.extra_time.as_ref(), MAX_EXTRA_S);
    if !(0..=MAX_EXTRA_ATTEMPTS).contains(&given.extra_attempts) {
        let what = format!("must be 0 to {MAX_EXTRA_ATTEMPTS}, is {}", given.extra_attempts);
        fields.bad("extra_attempts", what);
    }
    let reason = fields.text("reason", &given.reason, 0, 500);
    Accommodation {
        candidate,
        extra_time_s,
        extra_attempts: given.extra_attempts,
        reason,
        update_time: DateTime::default(),
    }
}

/// Each of a batch, or why not. Of two for one person the first counts.
fn parse_all(given: &[pb::Accommodation]) -> Vec<Result<Accommodation>> {
    let mut seen = std::collections::HashSet::with_capacity(given.len());
    let each = given.iter().enumerate().map(|(i, one)| {
        let mut fields = Fields::under(&format!("accommodations[{i}]"));
        let read = parse(one, &mut fields);
        if fields.is_clean() && !seen.insert(one.candidate.as_str()) {
            fields.bad("candidate", "is there twice; the first one counts");
        }
        fields.done().map(|()| read)
    });
    each.collect()
}

fn show(row: &Accommodation) -> pb::Accommodation {
    pb::Accommodation {
        candidate: row.candidate.clone(),
        extra_time: Some(duration(row.extra_time_s)),
        extra_attempts: row.extra_attempts,
        reason: row.reason.clone(),
        update_time: Some(timestamp(row.update_time)),
    }
}

impl Exams {
    /// Sets accommodations. Sittings that run see them at once: they are joined wherever time is judged.
    pub(super) async fn accommodate(
        &self,
        caller: &Caller,
        request: pb::BatchSetAccommodationsRequest,
    ) -> Result<pb::BatchSetAccommodationsResponse> {
        let mut fields = Fields::default();
        let exam: ExamName = fields.take("parent", request.parent.parse());
        let request_id = fields.request_id(&request.request_id);
        let count = request.accommodations.len();
        if !(1..=MAX_BATCH).contains(&count) {
            fields.bad("accommodations", format!("must be 1 to {MAX_BATCH}, are {count}"));
        }
        fields.done()?;
        let parsed = parse_all(&request.accommodations);

        Unit::once(&self.db, caller, &request_id, &request, async |unit| {
            let tenant = caller.tenant.id;
            let now = sql::moment_of(unit.conn(), tenant, &exam.exam).await?;
            let now = now.ok_or_else(|| Error::NotFound(exam.to_string()))?;
            let mut good: Vec<Accommodation> = Vec::with_capacity(count);
            let elements = parsed.into_iter().map(|one| match one {
                Ok(mut one) => {
                    one.update_time = now;
                    let shown = show(&one);
                    good.push(one);
                    Outcome::Accommodation(shown)
                }
                Err(error) => Outcome::Error(error.into()),
            });
            let elements: Vec<_> =
                elements.map(|o| pb::BatchSetAccommodationsElement { outcome: Some(o) }).collect();
            sql::set_accommodations(unit.conn(), tenant, &exam.exam, &good, now).await?;
            for one in &good {
                let data = json!({
                    "candidate": one.candidate,
                    "extra_time_s": one.extra_time_s,
                    "extra_attempts": one.extra_attempts,
                    "reason": one.reason,
                });
                unit.changed("exam.accommodation_set", &exam, data);
            }
            Ok(pb::BatchSetAccommodationsResponse { elements })
        })
        .await
    }

    /// A page of the accommodations of an exam.
    pub(super) async fn accommodations(
        &self,
        caller: &Caller,
        request: pb::ListAccommodationsRequest,
    ) -> Result<pb::ListAccommodationsResponse> {
        let mut fields = Fields::default();
        let exam: ExamName = fields.take("parent", request.parent.parse());
        let ask = Ask {
            scope: &request.parent,
            size: request.page_size,
            token: &request.page_token,
            ..Default::default()
        };
        let page = Page::parse(&sql::ACCOMMODATIONS, caller, ask, &mut fields);
        fields.done()?;
        let mut tx = self.db.read(caller).await?;
        let rows = sql::accommodations(&mut tx, caller.tenant.id, &exam.exam, &page).await?;
        tx.commit().await?;
        let (rows, next_page_token) = page.finish(caller, rows, |r| vec![Key::Text(r.candidate.clone())]);
        Ok(pb::ListAccommodationsResponse {
            accommodations: rows.iter().map(show).collect(),
            next_page_token,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_one_stands_for_itself() {
        let one = |candidate: &str, seconds, attempts| pb::Accommodation {
            candidate: candidate.into(),
            extra_time: Some(prost_types::Duration { seconds, nanos: 0 }),
            extra_attempts: attempts,
            ..Default::default()
        };
        let given = [
            one("a", 600, 1),
            one(" b", 600, 1),
            one("c", -1, 101),
            one("a", 0, 0),
            one("d", 86_401, 0),
            pb::Accommodation { candidate: "e".into(), ..Default::default() },
        ];
        let fields: Vec<Vec<String>> = parse_all(&given)
            .into_iter()
            .map(|one| match one {
                Err(Error::Invalid(violations)) => violations.into_iter().map(|v| v.field).collect(),
                _ => Vec::new(),
            })
            .collect();
        let expected: [&[&str]; 6] = [
            &[],
            &["accommodations[1].candidate"],
            &["accommodations[2].extra_time", "accommodations[2].extra_attempts"],
            &["accommodations[3].candidate"],
            &["accommodations[4].extra_time"],
            &[],
        ];
        assert_eq!(fields, expected);
    }
}
