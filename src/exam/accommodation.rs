//! Accommodations: what one candidate gets beyond the rule. Each element of a batch stands for itself.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::FromRow;

use crate::{
    attempt::sitting::{Clock, Rules, Timing},
    auth::Caller,
    db::Unit,
    door::Fields,
    error::{Error, Result},
    ids::ExamName,
    page::{Ask, Key, Page},
    pb::{self, batch_set_accommodations_element::Outcome, duration, timestamp},
};

use super::{
    rpc::Exams,
    sql::{self, Standing},
};

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

/// Why an accommodation changes nothing as things stand; none where it can change something, and where it takes away what
/// was there.
fn no_effect(
    exam: &ExamName,
    rules: Rules,
    now: DateTime<Utc>,
    standing: Standing,
    given: &Accommodation,
) -> Option<String> {
    if given.extra_time_s == 0 && given.extra_attempts == 0 {
        return None;
    }
    let clock = Clock { extra_time_s: given.extra_time_s, ..rules.clock };
    let rules = Rules { extra_attempts: given.extra_attempts, clock, ..rules };
    let in_time = |end| clock.timing(clock.due(end), now) == Timing::InTime;
    if standing.open.is_some_and(in_time) || rules.open_time.is_some_and(|open| now < open) {
        return None;
    }
    let (exam, made) = (exam.to_string(), standing.made);
    let elsewhere = rules.may_submit(&exam, now, made).is_ok();
    let refusal = rules.may_start(&exam, now, made).err()?;
    if elsewhere && (in_time(rules.close_time) || given.extra_attempts > 0) {
        return None;
    }
    let hint = if made > 0 { "; ReopenAttempt gives time to an attempt that has ended" } else { "" };
    Some(format!("{refusal}{hint}"))
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
            let candidates: Vec<String> = parsed.iter().flatten().map(|one| one.candidate.clone()).collect();
            let standings = sql::standings(unit.conn(), tenant, &exam.exam, &candidates).await?;
            let standings = standings.ok_or_else(|| Error::NotFound(exam.to_string()))?;
            let now = standings.now;
            let mut good: Vec<(Accommodation, String)> = Vec::with_capacity(count);
            let elements = parsed.into_iter().map(|one| match one {
                Ok(mut one) => {
                    one.update_time = now;
                    let standing = standings.people.get(&one.candidate).copied().unwrap_or_default();
                    let no_effect_reason =
                        no_effect(&exam, standings.rules, now, standing, &one).unwrap_or_default();
                    let outcome = Some(Outcome::Accommodation(show(&one)));
                    good.push((one, no_effect_reason.clone()));
                    pb::BatchSetAccommodationsElement { outcome, no_effect_reason }
                }
                Err(error) => pb::BatchSetAccommodationsElement {
                    outcome: Some(Outcome::Error(error.into())),
                    no_effect_reason: String::new(),
                },
            });
            let elements: Vec<_> = elements.collect();
            let (good, reasons): (Vec<Accommodation>, Vec<String>) = good.into_iter().unzip();
            sql::set_accommodations(unit.conn(), tenant, &exam.exam, &good, now).await?;
            for (one, no_effect) in good.iter().zip(reasons) {
                let data = json!({
                    "no_effect": no_effect,
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
    use chrono::TimeZone;

    use super::*;
    use crate::exam::policy::LateMode;

    #[test]
    fn what_comes_after_the_end_says_that_it_changes_nothing() {
        let at = |s| Utc.timestamp_opt(s, 0).unwrap();
        let exam: ExamName = "exams/x".parse().unwrap();
        let rules = Rules {
            close_time: Some(at(100)),
            max_attempts: 1,
            clock: Clock { grace_s: 5, ..Default::default() },
            ..Default::default()
        };
        let of = |rules: Rules, now, made, open: Option<Option<i64>>, extra_time_s, extra_attempts| {
            let given = Accommodation { extra_time_s, extra_attempts, ..Default::default() };
            let standing = Standing { made, open: open.map(|due| due.map(at)) };
            no_effect(&exam, rules, at(now), standing, &given)
        };
        // The exam runs and the candidate may begin, or sits.
        assert_eq!(of(rules, 50, 0, None, 10, 0), None);
        assert_eq!(of(rules, 50, 1, Some(Some(60)), 10, 0), None);
        assert_eq!(of(rules, 70, 1, Some(Some(60)), 10, 0), None);
        assert_eq!(of(rules, 50, 1, None, 0, 1), None);
        assert_eq!(of(rules, 50, 1, Some(None), 10, 0), None);
        // Long enough for a submission from elsewhere to come in time.
        assert_eq!(of(rules, 108, 0, None, 10, 0), None);
        assert_eq!(of(Rules { open_time: Some(at(90)), ..rules }, 50, 0, None, 10, 0), None);
        // What is taken away.
        assert_eq!(of(rules, 500, 1, None, 0, 0), None);
        // The last attempt has ended; the exam has closed; the open attempt is over all the same.
        let ended = of(rules, 50, 1, None, 10, 0).unwrap();
        assert!(ended.contains("1 of 1 attempts") && ended.contains("ReopenAttempt"), "{ended}");
        for extra_attempts in [0, 1] {
            let closed = of(rules, 500, 0, None, 10, extra_attempts).unwrap();
            assert!(closed.contains("exams/x closed at") && !closed.contains("ReopenAttempt"), "{closed}");
        }
        assert!(of(rules, 500, 1, Some(Some(60)), 10, 0).is_some());
        // Late answers are accepted: another attempt can still be sent in, but none in time.
        let late = Rules { clock: Clock { late: LateMode::AcceptAndMark, ..rules.clock }, ..rules };
        assert!(of(late, 500, 0, None, 10, 0).is_some());
        assert_eq!(of(late, 500, 1, None, 0, 1), None);
    }

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
