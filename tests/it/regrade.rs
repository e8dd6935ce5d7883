//! Regrades: what they say before they do it, what they leave behind, and that they come to their end whatever happens.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use assessd::{pb, points::Points, server::Options};
use pb::{
    RegradeMode as Mode, RegradeState,
    longrunning::{CancelOperationRequest, GetOperationRequest},
};
use sqlx::{AssertSqlSafe, PgConnection};
use tonic::{Code, Status, transport::Endpoint};

use crate::support::{
    As, Refused, World,
    build::{pick, single},
    cluster,
    long::{progress, response},
    process::Process,
};

/// The exam `choices` over four single choices of 2 points, all keyed B, with a version of s2 that is keyed C.
async fn choices() -> World {
    let world = World::start().await;
    let a = &world.a;
    a.populate_forms().await;
    a.exam_of("choices", &["blueprints/choices/forms/x"], |e| e.pass_mark = "7".to_owned()).await;
    for (candidate, letter) in [("all-b", "B"), ("all-c", "C")] {
        let responses = (1..=4).map(|i| pick(i, letter)).collect();
        a.submission("exams/choices", candidate, responses).await.unwrap();
    }
    a.submission("exams/choices", "blank", vec![]).await.unwrap();
    rekey(a).await;
    world
}

/// A second version of s2, by which C is right.
async fn rekey(a: &As) {
    let mut question = single("单选第2题?", "C");
    question.name = "banks/crm/questions/s2".to_owned();
    let request = pb::UpdateQuestionRequest { question: Some(question), ..Default::default() };
    a.bank().update_question(request).await.unwrap();
    let request =
        pb::PublishQuestionRequest { name: "banks/crm/questions/s2".to_owned(), ..Default::default() };
    a.bank().publish_question(request).await.unwrap();
}

fn rule(mode: Mode) -> Vec<pb::RegradeRule> {
    vec![pb::RegradeRule { question: "banks/crm/questions/s2".to_owned(), part: 0, mode: mode as i32 }]
}

/// The scores before and after, by a dry run, and its summary.
async fn preview(a: &As, rules: Vec<pb::RegradeRule>, never_lower: bool) -> (Vec<String>, pb::RegradeCounts) {
    use pb::preview_regrade_response::Found;
    let request = pb::PreviewRegradeRequest { parent: "exams/choices".to_owned(), rules, never_lower };
    let mut stream = a.grading().preview_regrade(request).await.unwrap().into_inner();
    let mut changes = Vec::new();
    loop {
        match stream.message().await.unwrap().unwrap().found.unwrap() {
            Found::Change(change) => changes.push(format!("{}>{}", change.old_score, change.new_score)),
            Found::Summary(summary) => {
                assert!(stream.message().await.unwrap().is_none());
                return (changes, summary);
            }
        }
    }
}

async fn regrade(a: &As, rules: Vec<pb::RegradeRule>, never_lower: bool) -> pb::Regrade {
    let done = a.regrade(pb::RegradeExamRequest { rules, never_lower, ..ask() }).await;
    assert_eq!(done.total_count, 3);
    done
}

/// A regrade of that many attempts.
async fn regrade_of(a: &As, rules: Vec<pb::RegradeRule>, total: i64) -> pb::Regrade {
    let done = a.regrade(pb::RegradeExamRequest { rules, ..ask() }).await;
    assert_eq!((done.total_count, done.counts.unwrap().examined_count), (total, total));
    done
}

async fn scores(a: &As) -> Vec<String> {
    let request = pb::ListResultsRequest { parent: "exams/choices".to_owned(), ..Default::default() };
    let results = a.result().list_results(request).await.unwrap().into_inner().results;
    results.into_iter().map(|r| r.score).collect()
}

#[tokio::test]
async fn every_mode_says_before_what_it_does_after() {
    let world = choices().await;
    let a = &world.a;
    assert_eq!(scores(a).await, ["8", "0", "0"]);
    for (mode, never_lower, changes, after) in [
        (Mode::NewKey, true, vec!["0>2"], ["8", "2", "0"]),
        (Mode::NewKey, false, vec!["8>6"], ["6", "2", "0"]),
        (Mode::BothKeys, false, vec!["6>8"], ["8", "2", "0"]),
        (Mode::FullMarks, false, vec!["0>2"], ["8", "2", "2"]),
        (Mode::Drop, false, vec!["8>6", "2>0", "2>0"], ["6", "0", "0"]),
        (Mode::DropAndRescale, false, vec!["6>8"], ["8", "0", "0"]),
    ] {
        let before = scores(a).await;
        let (said, summary) = preview(a, rule(mode), never_lower).await;
        assert_eq!(said, changes, "{mode:?}");
        assert_eq!(scores(a).await, before, "a dry run writes nothing");
        let done = regrade(a, rule(mode), never_lower).await;
        assert_eq!(done.counts.unwrap(), summary, "{mode:?}");
        assert_eq!(scores(a).await, after, "{mode:?}");
        let (again, _) = preview(a, rule(mode), never_lower).await;
        assert!(again.is_empty(), "{mode:?} a second time changes nothing");
    }
    let (_, summary) = preview(a, rule(Mode::NewKey), false).await;
    assert_eq!((summary.examined_count, summary.newly_failed_count, summary.newly_passed_count), (3, 1, 0));
    let request = pb::ListRegradesRequest { parent: "exams/choices".to_owned(), ..Default::default() };
    let regrades = a.grading().list_regrades(request).await.unwrap().into_inner().regrades;
    assert_eq!(regrades.len(), 6);
    assert_eq!(regrades[5].rules[0].question, "banks/crm/questions/s2/versions/2");
}

#[tokio::test]
async fn a_regrade_refuses_stops_and_goes_on() {
    let world = choices().await;
    let a = &world.a;
    let ask = |rules| pb::RegradeExamRequest {
        parent: "exams/choices".to_owned(),
        rules,
        reason: "x".to_owned(),
        ..Default::default()
    };
    let named = |question: &str, mode: Mode| {
        vec![pb::RegradeRule { question: question.to_owned(), part: 0, mode: mode as i32 }]
    };
    let go = |rules| {
        let mut client = a.grading();
        async move { client.regrade_exam(ask(rules)).await }
    };
    go(vec![]).await.bad(&["rules"]);
    go(rule(Mode::Unspecified)).await.bad(&["rules[0].mode"]);
    go([rule(Mode::Drop), rule(Mode::FullMarks)].concat()).await.bad(&["rules[1]"]);
    go(named("banks/crm/questions/m1", Mode::Drop)).await.bad(&["rules[0].question"]);
    go(named("banks/crm/questions/s2/versions/9", Mode::NewKey)).await.bad(&["rules[0]"]);
    // Without a rest there is no share: neither where all are dropped with it, nor where the others are dropped without.
    let every = |last: Mode| {
        let of = |i: i32| if i == 4 { last } else { Mode::DropAndRescale };
        (1..=4).flat_map(|i| named(&format!("banks/crm/questions/s{i}"), of(i))).collect::<Vec<_>>()
    };
    for last in [Mode::DropAndRescale, Mode::Drop] {
        let status = go(every(last)).await.bad(&["rules[0]"]);
        assert!(format!("{status:?}").contains("blueprints/choices/forms/x"), "{status:?}");
        let rules = every(last);
        let dry = pb::PreviewRegradeRequest { parent: "exams/choices".to_owned(), rules, never_lower: false };
        a.grading().preview_regrade(dry).await.map(|_| ()).bad(&["rules[0]"]);
    }
    assert_eq!(scores(a).await, ["8", "0", "0"]);
    // A question that is dropped is no part of the rest: who had the others right has the whole share.
    let rules = [rule(Mode::DropAndRescale), named("banks/crm/questions/s1", Mode::Drop)].concat();
    assert_eq!(preview(a, rules, false).await.0, ["8>6"]);
    let nameless = pb::RegradeExamRequest { reason: String::new(), ..ask(rule(Mode::Drop)) };
    a.grading().regrade_exam(nameless).await.bad(&["reason"]);

    // One at a time, and nobody resumes what has not stopped.
    let mut su = world.superuser().await;
    let held = Held::one(&mut su).await;
    let running = go(rule(Mode::FullMarks)).await.unwrap().into_inner();
    assert!(!running.done && running.result.is_none());
    let name = progress(&running).regrade;
    assert_eq!(progress(&running).total_count, 3);
    go(rule(Mode::Drop)).await.because(Code::FailedPrecondition, "REGRADE_RUNNING");
    let resume = || async {
        let request = pb::ResumeRegradeRequest { name: name.clone(), ..Default::default() };
        a.grading().resume_regrade(request).await
    };
    resume().await.because(Code::FailedPrecondition, "REGRADE_NOT_STOPPED");
    assert_eq!(get(a, &name).await.state(), RegradeState::Running);
    held.release().await;
    a.finished(&running.name).await;
    assert_eq!(scores(a).await, ["8", "2", "2"]);
    resume().await.because(Code::FailedPrecondition, "REGRADE_NOT_STOPPED");
    let cancel = pb::CancelRegradeRequest { name: name.clone() };
    a.grading().cancel_regrade(cancel).await.because(Code::FailedPrecondition, "REGRADE_NOT_RUNNING");
    let absent = format!("exams/choices/regrades/{}", uuid::Uuid::nil());
    a.grading()
        .cancel_regrade(pb::CancelRegradeRequest { name: absent.clone() })
        .await
        .refused(Code::NotFound);
    let request = pb::ResumeRegradeRequest { name: absent, ..Default::default() };
    a.grading().resume_regrade(request).await.refused(Code::NotFound);
}

async fn get(a: &As, name: &str) -> pb::Regrade {
    let request = pb::GetRegradeRequest { name: name.to_owned() };
    a.grading().get_regrade(request).await.unwrap().into_inner()
}

/// The lock of one attempt, held by a connection of its own: a regrade cannot pass it.
struct Held<'a>(&'a mut PgConnection);

impl<'a> Held<'a> {
    async fn one(su: &'a mut PgConnection) -> Self {
        sqlx::raw_sql("begin; select from attempt order by submit_time, attempt_id limit 1 for update")
            .execute(&mut *su)
            .await
            .unwrap();
        Self(su)
    }

    async fn release(self) {
        sqlx::raw_sql("rollback").execute(self.0).await.unwrap();
    }
}

#[tokio::test]
async fn a_dropped_question_gets_the_share_of_the_rest_rounded_once() {
    let world = choices().await;
    let a = &world.a;
    let s2 = position_of_s2(a).await;
    // Right at 0 to 3 of the others; s2 itself wrong, right, wrong, right.
    for right in 0..=3 {
        let mut rest = 0;
        let responses = (1..=4).map(|p| {
            rest += i32::from(p != s2);
            let good = if p == s2 { right % 2 == 1 } else { rest <= right };
            pick(p, if good { "B" } else { "A" })
        });
        a.submission("exams/choices", &format!("r-{right}"), responses.collect()).await.unwrap();
    }
    let before = scores(a).await;
    assert_eq!(before, ["8", "0", "0", "0", "0", "4", "4", "8"]);
    let (said, _) = preview(a, rule(Mode::DropAndRescale), false).await;
    // 2·2/6 = 0.666… and 2·4/6 = 1.333…, each to the nearest 0.01; all right is the whole, nothing right is nothing.
    assert_eq!(said, ["4>2.67", "4>5.33"]);
    regrade_of(a, rule(Mode::DropAndRescale), 8).await;
    let request = pb::ListResultsRequest { parent: "exams/choices".to_owned(), ..Default::default() };
    let results = a.result().list_results(request).await.unwrap().into_inner().results;
    let after: Vec<&str> = results.iter().map(|r| r.score.as_str()).collect();
    assert_eq!(after, ["8", "0", "0", "0", "0", "2.67", "5.33", "8"]);
    for result in &results {
        let request = pb::GetResultRequest { name: result.name.clone() };
        let whole = a.result().get_result(request).await.unwrap().into_inner();
        let sum: Points = whole.marks.iter().map(|m| m.points.parse::<Points>().unwrap()).sum();
        assert_eq!(sum, whole.score.parse().unwrap(), "the total is the sum of its marks: {whole:?}");
        let share: Points = whole.marks[s2 as usize - 1].points.parse().unwrap();
        assert!(!share.is_negative() && share <= "2".parse().unwrap(), "{share}");
    }
    assert!(
        preview(a, rule(Mode::DropAndRescale), false).await.0.is_empty(),
        "the share of a share is the same"
    );
}

async fn position_of_s2(a: &As) -> i32 {
    let probe = a.submission("exams/choices", "probe", vec![]).await.unwrap();
    let s2 = |m: &&pb::Mark| m.question_version.starts_with("banks/crm/questions/s2/");
    probe.marks.iter().find(s2).unwrap().position
}

/// Attempts at `choices` by the thousand, in every combination of A, B and C at s2 with A or B elsewhere: some are
/// submitted as people do, the rest are made like them by the database. By the second version of s2 C is right there.
struct Crowd {
    size: i64,
}

impl Crowd {
    async fn at(world: &World, copies: i32) -> Self {
        let a = &world.a;
        a.populate_forms().await;
        a.exam_of("choices", &["blueprints/choices/forms/x"], |e| e.pass_mark = "5".to_owned()).await;
        rekey(a).await;
        let s2 = position_of_s2(a).await;
        let mut su = world.superuser().await;
        sqlx::raw_sql("delete from attempt").execute(&mut su).await.unwrap();
        for letter in ["A", "B", "C"] {
            for bits in 0..8 {
                let mut at = -1;
                let responses = (1..=4).map(|p| {
                    at += i32::from(p != s2);
                    pick(p, if p == s2 { letter } else { ["A", "B"][bits >> at & 1] })
                });
                a.submission("exams/choices", &format!("{letter}{bits}"), responses.collect()).await.unwrap();
            }
        }
        // Three at a time have the same time of submission.
        let made = sqlx::query(
            "insert into attempt (tenant_id, attempt_id, exam_id, candidate, number, form, state, start_time, submit_time,
                answered, score, awaiting, actor, request_hash, responses, marks)
             select tenant_id, gen_random_uuid(), exam_id, candidate || '-' || g, 1, form, state, start_time,
                submit_time + g / 3 * interval '1 millisecond', answered, score, awaiting, actor, request_hash, responses, marks
             from attempt, generate_series(1, $1) g",
        )
        .bind(copies)
        .execute(&mut su)
        .await
        .unwrap();
        sqlx::raw_sql("analyze attempt").execute(&mut su).await.unwrap();
        Self { size: 24 + made.rows_affected() as i64 }
    }

    /// The score of a candidate by the key of s2.
    fn score(candidate: &str, key: char) -> i64 {
        let bits = candidate[1..2].parse::<u32>().unwrap().count_ones();
        2 * i64::from(bits) + if candidate.starts_with(key) { 2 } else { 0 }
    }

    /// What becomes of every attempt by the new key, in the order of submission: attempt, score before and after.
    async fn expected(&self, su: &mut PgConnection) -> Vec<(uuid::Uuid, i64, i64)> {
        let rows: Vec<(uuid::Uuid, String)> =
            sqlx::query_as("select attempt_id, candidate from attempt order by submit_time, attempt_id")
                .fetch_all(su)
                .await
                .unwrap();
        assert_eq!(rows.len() as i64, self.size);
        rows.iter().map(|(id, c)| (*id, Self::score(c, 'B'), Self::score(c, 'C'))).collect()
    }

    /// Everything as it must be after one regrade by the new key, however often that was stopped on the way: scores,
    /// one revision with the old marks and one event for each attempt that changed, nothing for any other.
    async fn check(&self, su: &mut PgConnection, name: &str) {
        #[derive(sqlx::FromRow)]
        struct Row {
            candidate: String,
            score: i64,
            revision: i32,
            revisions: i64,
            events: i64,
            audits: i64,
            old_score: Option<i64>,
            why: Option<String>,
            who: Option<String>,
            data: Option<serde_json::Value>,
        }
        let rows: Vec<Row> = sqlx::query_as(
            "with told as (
                select resource, count(*) as events, min(data::text)::jsonb as data from event
                where kind = 'result.regraded' group by resource
             ), noted as (
                select resource, count(*) as audits from audit where outcome = 'result.regraded' group by resource
             ), kept as (
                select attempt_id, count(*) as revisions, min(score)::int8 as old_score, min(reason) as why,
                    min(method || ' ' || actor) as who
                from mark_revision group by attempt_id
             )
             select a.candidate, a.score::int8 as score, a.revision, coalesce(k.revisions, 0) as revisions,
                coalesce(t.events, 0) as events, coalesce(n.audits, 0) as audits, k.old_score, k.why, k.who, t.data
             from attempt a
             left join kept k using (attempt_id)
             left join told t on t.resource = 'exams/choices/attempts/' || a.attempt_id || '/result'
             left join noted n on n.resource = t.resource",
        )
        .fetch_all(&mut *su)
        .await
        .unwrap();
        assert_eq!(rows.len() as i64, self.size);
        let actor: String =
            sqlx::query_scalar("select actor from regrade").fetch_one(&mut *su).await.unwrap();
        let mut changed = 0;
        for row in &rows {
            let (old, new) = (Self::score(&row.candidate, 'B'), Self::score(&row.candidate, 'C'));
            let times = i64::from(old != new);
            changed += times;
            assert_eq!(row.score, new, "{}", row.candidate);
            assert_eq!(i64::from(row.revision), 1 + times, "{}", row.candidate);
            assert_eq!((row.revisions, row.events, row.audits), (times, times, times), "{}", row.candidate);
            if times == 0 {
                continue;
            }
            assert_eq!(row.old_score, Some(old));
            assert_eq!(row.why, Some(format!("{name}: 第2题答案有误")));
            assert_eq!(row.who, Some(format!("GradingService/RegradeExam {actor}")));
            let data = row.data.as_ref().unwrap();
            assert_eq!(data["score_before"], old.to_string());
            assert_eq!(data["score_after"], new.to_string());
            assert_eq!(
                (&data["passed_before"], &data["passed_after"]),
                (&(old >= 5).into(), &(new >= 5).into())
            );
            assert_eq!((&data["revision"], &data["regrade"]), (&2.into(), &name.into()));
        }
        let (examined, revised): (i64, i64) =
            sqlx::query_as("select examined, revised from regrade").fetch_one(&mut *su).await.unwrap();
        assert_eq!((examined, revised), (self.size, changed));
        let ends: i64 = sqlx::query_scalar("select count(*) from event where kind = 'exam.regraded'")
            .fetch_one(&mut *su)
            .await
            .unwrap();
        assert_eq!(ends, 1);
    }
}

/// A digest of everything that a regrade could write.
async fn everything(su: &mut PgConnection) -> Vec<String> {
    let mut all = Vec::new();
    for table in ["attempt", "mark_revision", "event", "audit", "regrade", "operation", "request"] {
        let query = format!(
            "select count(*) || ' ' || md5(string_agg(t::text, ',' order by t::text)) from {table} t"
        );
        let digest: Option<String> =
            sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut *su).await.unwrap();
        all.push(format!("{table} {digest:?}"));
    }
    all
}

#[tokio::test]
async fn a_dry_run_of_thousands_tells_exactly_what_would_change() {
    use pb::preview_regrade_response::Found;
    let world = World::start().await;
    let crowd = Crowd::at(&world, 833).await;
    assert_eq!(crowd.size, 20_016);
    let mut su = world.superuser().await;
    let before = everything(&mut su).await;
    let expected = crowd.expected(&mut su).await;
    let request = pb::PreviewRegradeRequest {
        parent: "exams/choices".to_owned(),
        rules: rule(Mode::NewKey),
        never_lower: false,
    };
    let mut stream = world.a.grading().preview_regrade(request).await.unwrap().into_inner();
    let mut said = Vec::new();
    let summary = loop {
        match stream.message().await.unwrap().unwrap().found.unwrap() {
            Found::Change(change) => said.push(change),
            Found::Summary(summary) => break summary,
        }
    };
    assert!(stream.message().await.unwrap().is_none());
    assert_eq!(everything(&mut su).await, before, "a dry run writes nothing");

    let wanted: Vec<pb::ScoreChange> = expected
        .iter()
        .filter(|(_, old, new)| old != new)
        .map(|(id, old, new)| pb::ScoreChange {
            result: format!("exams/choices/attempts/{id}/result"),
            old_score: old.to_string(),
            new_score: new.to_string(),
            old_passed: Some(*old >= 5),
            new_passed: Some(*new >= 5),
        })
        .collect();
    assert_eq!(wanted.len() as i64, crowd.size * 2 / 3);
    assert_eq!(said.len(), wanted.len());
    assert!(said == wanted, "every change once, in the order of submission");
    let flips =
        |from: bool| wanted.iter().filter(move |c| c.old_passed == Some(from) && c.new_passed == Some(!from));
    // Two right elsewhere is one short of passing, with s2 it is enough: 3 of 8 combinations have that.
    assert_eq!(flips(true).count() as i64, crowd.size / 8);
    let counts = pb::RegradeCounts {
        examined_count: crowd.size,
        revised_count: wanted.len() as i64,
        changed_count: wanted.len() as i64,
        newly_passed_count: flips(false).count() as i64,
        newly_failed_count: flips(true).count() as i64,
        skipped_count: 0,
    };
    assert_eq!(summary, counts);

    let done = regrade_of(&world.a, rule(Mode::NewKey), crowd.size).await;
    assert_eq!(done.counts, Some(counts), "what it said is what was done");
    crowd.check(&mut su, &done.name).await;
}

#[tokio::test]
async fn who_stops_reading_a_dry_run_holds_nothing() {
    let world = World::start().await;
    Crowd::at(&world, 833).await;
    let mut su = world.superuser().await;
    let request = pb::PreviewRegradeRequest {
        parent: "exams/choices".to_owned(),
        rules: rule(Mode::NewKey),
        never_lower: false,
    };
    // A client that lets little wait on its side.
    let channel = Endpoint::from_shared(format!("http://{}", world.addr))
        .unwrap()
        .initial_stream_window_size(65_535)
        .initial_connection_window_size(65_535)
        .connect_lazy();
    let slow = As { channel, ..world.a.clone() };
    let mut stream = slow.grading().preview_regrade(request).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    // The reader sleeps; what is sent fills the windows of the connection, and then the service waits for it.
    let open =
        "select count(*) from pg_stat_activity where datname = current_database() and usename = 'assessd'
                and xact_start is not null and query not like '%operation%'";
    let mut quiet = 0;
    let started = Instant::now();
    while quiet < 10 {
        assert!(started.elapsed() < Duration::from_secs(20), "transactions go on");
        let busy: i64 = sqlx::query_scalar(open).fetch_one(&mut su).await.unwrap();
        quiet = if busy == 0 { quiet + 1 } else { 0 };
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // It was not at its end, and goes on where it was: what came meanwhile is seen.
    world.a.submission("exams/choices", "late", vec![]).await.unwrap();
    let (mut rest, mut last) = (1, None);
    while let Some(message) = stream.message().await.unwrap() {
        rest += 1;
        last = message.found;
    }
    assert_eq!(rest, 20_016 * 2 / 3 + 1);
    let Some(pb::preview_regrade_response::Found::Summary(summary)) = last else { panic!("{last:?}") };
    assert_eq!(summary.examined_count, 20_017);
}

fn ask() -> pb::RegradeExamRequest {
    pb::RegradeExamRequest {
        parent: "exams/choices".to_owned(),
        rules: rule(Mode::NewKey),
        reason: "第2题答案有误".to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_regrade_that_is_stopped_and_resumed_ends_as_one_that_was_not() {
    let world = World::start().await;
    let (a, crowd) = (&world.a, Crowd::at(&world, 416).await);
    let mut su = world.superuser().await;
    let mut operation = a.grading().regrade_exam(ask()).await.unwrap().into_inner();
    let name = progress(&operation).regrade;
    let mut seen = 0;
    for by_regrade in [false, true] {
        // After the first step that this operation does.
        let started = Instant::now();
        while get(a, &name).await.counts.unwrap().examined_count == seen {
            assert!(started.elapsed() < Duration::from_secs(20), "it does not come forward");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        if by_regrade {
            let request = pb::CancelRegradeRequest { name: name.clone() };
            let stopped = a.grading().cancel_regrade(request).await.unwrap().into_inner();
            assert_eq!(stopped.state(), RegradeState::Cancelled);
        } else {
            let request = CancelOperationRequest { name: operation.name.clone() };
            a.operations().cancel_operation(request).await.unwrap();
        }
        let stopped = get(a, &name).await;
        assert_eq!((stopped.state(), stopped.error.as_str()), (RegradeState::Cancelled, ""));
        let examined = stopped.counts.unwrap().examined_count;
        assert!(seen < examined && examined < crowd.size, "stopped in the middle: {examined}");
        seen = examined;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(get(a, &name).await.counts.unwrap().examined_count, seen, "it has stopped");
        let request = pb::ResumeRegradeRequest { name: name.clone(), request_id: format!("go-{seen}") };
        let resumed = a.grading().resume_regrade(request.clone()).await.unwrap().into_inner();
        assert_ne!(resumed.name, operation.name, "what is done stays done");
        assert_eq!(progress(&resumed).counts.unwrap().examined_count, seen);
        assert_eq!(a.grading().resume_regrade(request).await.unwrap().into_inner(), resumed);
        operation = resumed;
    }
    let done = response(&a.finished(&operation.name).await);
    assert_eq!((done.name.as_str(), done.operation.as_str()), (name.as_str(), operation.name.as_str()));
    assert_eq!(get(a, &name).await, done, "the response is the regrade");
    crowd.check(&mut su, &name).await;
    let told: Vec<String> =
        sqlx::query_scalar("select kind from event where kind like 'regrade.%' order by event_id")
            .fetch_all(&mut su)
            .await
            .unwrap();
    let stops = ["regrade.cancelled", "regrade.resumed"];
    assert_eq!(told, [&["regrade.started"][..], &stops, &stops].concat());
}

/// Waits, without a call to any server, until the only operation has ended well.
async fn by_itself(su: &mut PgConnection, patience: Duration) {
    let started = Instant::now();
    loop {
        let states: Vec<String> =
            sqlx::query_scalar("select state from operation").fetch_all(&mut *su).await.unwrap();
        if states == ["done"] {
            return;
        }
        assert_eq!(states, ["running"]);
        assert!(started.elapsed() < patience, "nobody goes on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until a regrade is in its middle.
async fn under_way(su: &mut PgConnection, size: i64) {
    loop {
        let examined: i64 =
            sqlx::query_scalar("select examined from regrade").fetch_one(&mut *su).await.unwrap();
        if examined > 0 {
            assert!(examined < size);
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_regrade_survives_the_death_of_its_process() {
    let world = World::start().await;
    let crowd = Crowd::at(&world, 416).await;
    let (mut su, a, database) = (world.superuser().await, world.a.clone(), world.database.clone());
    // The world's own server would go on with it; here nobody is left but the process that dies.
    world.stop().await;
    let url = cluster::url(&database).await;
    let first = Process::serve(&url).await;
    let operation = a.at(first.addr).grading().regrade_exam(ask()).await.unwrap().into_inner();
    under_way(&mut su, crowd.size).await;
    first.kill();
    let holder = "select holder, state from operation";
    let dead: (uuid::Uuid, String) = sqlx::query_as(holder).fetch_one(&mut su).await.unwrap();
    assert_eq!(dead.1, "running");
    let started = Instant::now();
    let second = Process::serve(&url).await;
    by_itself(&mut su, Duration::from_secs(30)).await;
    println!("a regrade that lost its process was finished {:.1?} later", started.elapsed());
    let other: (uuid::Uuid, String) = sqlx::query_as(holder).fetch_one(&mut su).await.unwrap();
    assert_ne!(other.0, dead.0);
    crowd.check(&mut su, &progress(&operation).regrade).await;
    let request = GetOperationRequest { name: operation.name };
    let told = a.at(second.addr).operations().get_operation(request).await.unwrap().into_inner();
    assert_eq!(response(&told).counts.unwrap().examined_count, crowd.size);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_hands_its_regrade_over() {
    let database = cluster::database().await;
    let connect = cluster::options(&database).await;
    // With a lease this long only a process that lets go explains that another goes on.
    let options = Options { lease: Duration::from_secs(600), ..Options::default() };
    let world = World::on(database, connect, 8, options).await;
    let crowd = Crowd::at(&world, 416).await;
    let mut su = world.superuser().await;
    let twin = world.twin().await;
    let operation = world.a.grading().regrade_exam(ask()).await.unwrap().into_inner();
    under_way(&mut su, crowd.size).await;
    world.stop().await;
    by_itself(&mut su, Duration::from_secs(30)).await;
    crowd.check(&mut su, &progress(&operation).regrade).await;
    drop(twin);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_regrades_at_once_one_runs() {
    let world = choices().await;
    let twin = world.twin().await;
    let mut su = world.superuser().await;
    let held = Held::one(&mut su).await;
    let calls = (0..16).map(|i| {
        let a = if i % 2 == 0 { world.a.clone() } else { twin.a.clone() };
        tokio::spawn(async move { a.grading().regrade_exam(ask()).await })
    });
    let mut begun = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        match call.await.unwrap() {
            Ok(operation) => begun.push(operation.into_inner()),
            Err(status) => {
                Err::<(), Status>(status).because(Code::FailedPrecondition, "REGRADE_RUNNING");
            }
        }
    }
    assert_eq!(begun.len(), 1);
    held.release().await;
    let done = response(&world.a.finished(&begun[0].name).await);
    assert_eq!(done.counts.unwrap().changed_count, 2);
    let kept: BTreeMap<String, i64> = sqlx::query_as(
        "select 'regrades', count(*) from regrade union all select 'revisions', count(*) from mark_revision",
    )
    .fetch_all(&mut su)
    .await
    .unwrap()
    .into_iter()
    .collect();
    assert_eq!(kept, BTreeMap::from([("regrades".to_owned(), 1), ("revisions".to_owned(), 2)]));
}

#[tokio::test]
async fn a_regrade_that_meets_an_attempt_it_cannot_read_fails_and_says_so() {
    let world = choices().await;
    let a = &world.a;
    let mut su = world.superuser().await;
    let spoil = "update attempt set responses = '\\x63' where candidate = 'blank'";
    sqlx::raw_sql(spoil).execute(&mut su).await.unwrap();
    let begun = a.grading().regrade_exam(ask()).await.unwrap().into_inner();
    let failed = a.finished(&begun.name).await;
    let Some(pb::longrunning::operation::Result::Error(error)) = failed.result else { panic!("{failed:?}") };
    assert_eq!((error.code, error.message.as_str()), (Code::Internal as i32, "internal error"));
    let name = progress(&begun).regrade;
    let told = get(a, &name).await;
    assert_eq!((told.state(), told.error.as_str()), (RegradeState::Failed, "internal error"));
    assert_eq!(told.counts.unwrap().examined_count, 0, "the step that failed has not happened");
    assert_eq!(scores(a).await, ["8", "0", "0"]);
    // Once it can be read, it goes on.
    let mend = "update attempt set responses = '\\x01' where candidate = 'blank'";
    sqlx::raw_sql(mend).execute(&mut su).await.unwrap();
    let request = pb::ResumeRegradeRequest { name, ..Default::default() };
    let resumed = a.grading().resume_regrade(request).await.unwrap().into_inner();
    assert_eq!(response(&a.finished(&resumed.name).await).state(), RegradeState::Done);
    assert_eq!(scores(a).await, ["6", "2", "0"]);
    let told: Vec<String> =
        sqlx::query_scalar("select kind from event where kind like 'regrade.%' order by event_id")
            .fetch_all(&mut su)
            .await
            .unwrap();
    assert_eq!(told, ["regrade.started", "regrade.failed", "regrade.resumed"]);
}
