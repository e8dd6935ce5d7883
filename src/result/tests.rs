//! Results through a real server and a real database: attempts are put there as rows, questions are asked by gRPC.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, types::Json};
use tokio::{net::TcpListener, sync::oneshot};
use tonic::{Code, Request, service::interceptor::InterceptedService, transport::Channel};
use uuid::Uuid;

use crate::{
    attempt::{
        packed::{pack_marks, pack_responses},
        response::{Mark, Response},
    },
    bank::content::{Choice, ChoiceKind, ChoiceOption, Content, Kind, Notes, OptionSet, Task},
    db::Db,
    embedded::{Cluster, Settings},
    pb::{self, result_service_client::ResultServiceClient},
    points::{Points, Rounding},
    server,
};

type Auth = Box<dyn FnMut(Request<()>) -> Result<Request<()>, tonic::Status> + Send>;
type Client = ResultServiceClient<InterceptedService<Channel, Auth>>;

struct World {
    sql: PgConnection,
    tenant: Uuid,
    client: Client,
    stop: oneshot::Sender<()>,
    cluster: Cluster,
    dir: std::path::PathBuf,
}

/// One attempt to be stored.
struct Sitting {
    candidate: String,
    number: i32,
    state: i16,
    score: u32,
    awaiting: u32,
    responses: Vec<Response>,
    marks: Vec<Mark>,
}

impl World {
    async fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("assessd-{name}-{}", Uuid::now_v7()));
        let cluster = Cluster::start(&Settings::throw_away(&dir)).await.unwrap();
        let db = Db::open(cluster.options(), 4);
        db.migrate().await.unwrap();
        let (tenant, key) = db.create_tenant("test").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async {
            let _ = stopped.await;
        };
        tokio::spawn(server::serve(db, listener, server::Options::default(), stopped));
        let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        let auth: Auth = Box::new(move |mut request: Request<()>| {
            request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
            request.set_timeout(Duration::from_secs(30));
            Ok(request)
        });
        let client = ResultServiceClient::with_interceptor(channel, auth);
        let sql = PgConnection::connect_with(&cluster.superuser_options("assessd")).await.unwrap();
        Self { sql, tenant, client, stop, cluster, dir }
    }

    async fn end(self) {
        let _ = self.stop.send(());
        self.cluster.stop().await;
        let _ = std::fs::remove_dir_all(self.dir);
    }

    /// An exam `e` over one form of these questions, of one point each.
    async fn exam(&mut self, questions: &[Content], pass_mark: Option<i32>) {
        let tenant = self.tenant;
        let head = "insert into bank (tenant_id, bank_id, display_name) values ($1, 'b', 'b')";
        sqlx::query(head).bind(tenant).execute(&mut self.sql).await.unwrap();
        let numbers: Vec<i32> = (1..).take(questions.len()).collect();
        let contents: Vec<Json<&Content>> = questions.iter().map(Json).collect();
        for statement in [
            "insert into question (tenant_id, bank_id, question_id, kind, state, content, body_hash, item_hash, version)
             select $1, 'b', 'q' || n, 'single_choice', 'published', c, '', '', 1 from unnest($2::int[], $3::jsonb[]) as q (n, c)",
            "insert into question_version (tenant_id, bank_id, question_id, version, kind, topic, tags, knowledge_point,
                content, content_hash)
             select $1, 'b', 'q' || n, 1, 'single_choice', 'topic/' || n % 2, '{}', '', c, ''
             from unnest($2::int[], $3::jsonb[]) as q (n, c)",
            "insert into blueprint (tenant_id, blueprint_id, display_name, bank_id, sections, total, total_declared,
                question_count)
             select $1, 'p', 'p', 'b', '[]', count(*), true, count(*) from unnest($2::int[], $3::jsonb[]) as q (n, c)",
            "insert into form (tenant_id, blueprint_id, form_id, label, title, bank_id, seed, algorithm, sections, total,
                question_count, position_count)
             select $1, 'p', 'a', 'A', 'p', 'b', 1, 'x', '[{\"title\": \"一\"}]', count(*), count(*), count(*)
             from unnest($2::int[], $3::jsonb[]) as q (n, c)",
            "insert into form_item (tenant_id, blueprint_id, form_id, number, section, position, bank_id, question_id, version,
                points)
             select $1, 'p', 'a', n, 0, n, 'b', 'q' || n, 1, 1 from unnest($2::int[], $3::jsonb[]) as q (n, c)",
        ] {
            let query = sqlx::query(statement).bind(tenant).bind(&numbers).bind(&contents);
            query.execute(&mut self.sql).await.unwrap();
        }
        let exam =
            "insert into exam (tenant_id, exam_id, display_name, forms, max_attempts, pass_mark, rounding)
                    values ($1, 'e', 'e', '{blueprints/p/forms/a}', 9, $2, $3)";
        let query = sqlx::query(exam).bind(tenant).bind(pass_mark.map(rust_decimal::Decimal::from));
        query.bind(Json(Rounding::default())).execute(&mut self.sql).await.unwrap();
    }

    async fn attempts(&mut self, sittings: &[Sitting]) -> Vec<Uuid> {
        let ids: Vec<Uuid> = sittings.iter().map(|_| Uuid::now_v7()).collect();
        let statement = "insert into attempt (tenant_id, attempt_id, exam_id, candidate, number, form, state, start_time,
                submit_time, score, awaiting, actor, responses, marks)
             select $1, id, 'e', candidate, number, 0, state, '2026-01-01Z',
                case when state > 0 then '2026-01-01Z'::timestamptz + ordinal * interval '1 second' end,
                case when state > 0 then score end, case when state > 0 then awaiting end, $1, responses,
                case when state > 0 then marks end
             from unnest($2::uuid[], $3::text[], $4::int[], $5::int2[], $6::int[], $7::int[], $8::bytea[], $9::bytea[])
                with ordinality as a (id, candidate, number, state, score, awaiting, responses, marks, ordinal)";
        let column = |f: fn(&Sitting) -> i32| sittings.iter().map(f).collect::<Vec<_>>();
        let query = sqlx::query(statement)
            .bind(self.tenant)
            .bind(&ids)
            .bind(sittings.iter().map(|s| s.candidate.clone()).collect::<Vec<_>>())
            .bind(column(|s| s.number))
            .bind(sittings.iter().map(|s| s.state).collect::<Vec<_>>())
            .bind(column(|s| s.score as i32))
            .bind(column(|s| s.awaiting as i32))
            .bind(sittings.iter().map(|s| pack_responses(&s.responses)).collect::<Vec<_>>())
            .bind(sittings.iter().map(|s| pack_marks(&s.marks)).collect::<Vec<_>>());
        query.execute(&mut self.sql).await.unwrap();
        ids
    }
}

/// A question with the options A and B, keyed A.
fn two_options() -> Content {
    let options = ['A', 'B'].map(|label| ChoiceOption { label, text: label.to_string() }).to_vec();
    let choice = Choice { kind: ChoiceKind::Single, options, key: OptionSet::EMPTY.with(0), policy: None };
    Content { stem: "?".to_owned(), task: Task::Choice(choice), notes: Notes::default() }
}

fn truth(key: bool) -> Content {
    let task = Task::TrueFalse { key: Some(key), policy: None };
    Content { stem: "!".to_owned(), task, notes: Notes::default() }
}

fn essay() -> Content {
    let task = Task::ShortAnswer { reference: String::new() };
    Content { stem: "…".to_owned(), task, notes: Notes::default() }
}

fn scored(points: u32) -> Mark {
    Mark::Scored(Points::from(points))
}

fn value(figure: &Option<pb::Statistic>) -> f64 {
    figure.as_ref().unwrap().value.unwrap()
}

#[track_caller]
fn close(figure: &Option<pb::Statistic>, want: &Value) {
    let (got, want) = (value(figure), want.as_f64().unwrap());
    assert!((got - want).abs() <= 1e-9 * want.abs().max(1.0), "{got} for {want}");
}

fn items_of(population: pb::Population) -> pb::GetItemAnalysisRequest {
    let population = population as i32;
    pb::GetItemAnalysisRequest { name: "exams/e".to_owned(), population, ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn results_from_proto_to_postgres() {
    let mut world = World::new("results").await;
    world.exam(&[two_options(), truth(false), essay()], Some(2)).await;
    let (a, b) = (OptionSet::EMPTY.with(0), OptionSet::EMPTY.with(1));
    let sitting = |candidate: &str, number, state, score, awaiting, responses, marks| {
        let candidate = candidate.to_owned();
        Sitting { candidate, number, state, score, awaiting, responses, marks }
    };
    let written = || Response::Text("x".to_owned());
    let ids = world
        .attempts(&[
            // Passed whatever the essay brings.
            sitting(
                "one",
                1,
                2,
                2,
                1,
                vec![Response::Choice(a), Response::Truth(false), written()],
                vec![scored(1), scored(1), Mark::Awaiting],
            ),
            // Could go either way.
            sitting(
                "two",
                1,
                2,
                1,
                1,
                vec![Response::Choice(a), Response::Truth(true), written()],
                vec![scored(1), scored(0), Mark::Awaiting],
            ),
            sitting("three", 1, 1, 0, 0, vec![Response::Choice(b)], vec![scored(0)]),
            sitting(
                "three",
                2,
                1,
                2,
                0,
                vec![Response::Choice(a), Response::Truth(false)],
                vec![scored(1), scored(1)],
            ),
            sitting("four", 1, 0, 0, 0, vec![Response::Choice(a)], vec![]),
        ])
        .await;

    let name = |at: usize| format!("exams/e/attempts/{}/result", ids[at]);
    let get = |name: String| pb::GetResultRequest { name };
    let one = world.client.get_result(get(name(0))).await.unwrap().into_inner();
    assert_eq!((one.score.as_str(), one.max_score.as_str(), one.awaiting_points.as_str()), ("2", "3", "1"));
    assert_eq!((one.passed, one.form.as_str()), (Some(true), "blueprints/p/forms/a"));
    assert_eq!((one.sections.len(), one.topics.len(), one.marks.len()), (1, 2, 3));
    assert_eq!(one.marks[2].state, pb::MarkState::AwaitingGrading as i32);
    assert_eq!(one.marks[0].question_version, "banks/b/questions/q1/versions/1");
    let open = world.client.get_result(get(name(4))).await.unwrap_err();
    let elsewhere = format!("exams/f/attempts/{}/result", ids[0]);
    let elsewhere = world.client.get_result(get(elsewhere)).await.unwrap_err();
    assert_eq!((open.code(), elsewhere.code()), (Code::NotFound, Code::NotFound));

    let list = |parent: &str, filter: &str, order_by: &str, page_token: &str| pb::ListResultsRequest {
        parent: parent.to_owned(),
        page_size: 2,
        page_token: page_token.to_owned(),
        filter: filter.to_owned(),
        order_by: order_by.to_owned(),
        ..Default::default()
    };
    let mut found = Vec::new();
    let mut token = String::new();
    loop {
        let page = world.client.list_results(list("exams/e", "", "score desc", &token)).await.unwrap();
        let page = page.into_inner();
        found.extend(page.results);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(found.iter().map(|r| r.score.as_str()).collect::<Vec<_>>(), ["2", "2", "1", "0"]);
    assert_eq!(found[2].passed, None);
    assert!(found.iter().all(|r| r.marks.is_empty() && r.max_score == "3"));
    for (parent, filter, want) in [
        ("exams/-", "candidate = three", vec![2, 3]),
        ("exams/-", "candidate = three AND score >= 1.5", vec![3]),
        ("exams/e", "state = AWAITING_GRADING", vec![0, 1]),
        ("exams/e", "passed = true", vec![0, 3]),
        ("exams/e", "passed = false", vec![2]),
        ("exams/e", "attempt_number > 1 AND form = \"blueprints/p/forms/a\"", vec![3]),
        ("exams/e", "submit_time > 2026-01-01T00:00:03Z", vec![3]),
    ] {
        let page = world.client.list_results(list(parent, filter, "", "")).await.unwrap().into_inner();
        let names: Vec<String> = page.results.into_iter().map(|r| r.name).collect();
        assert_eq!(names, want.into_iter().map(name).collect::<Vec<_>>(), "{filter}");
    }
    let nowhere = world.client.list_results(list("exams/f", "", "", "")).await.unwrap_err();
    assert_eq!(nowhere.code(), Code::NotFound);

    let ask = |population: pb::Population, form: &str, bin_count| pb::GetExamSummaryRequest {
        name: "exams/e".to_owned(),
        form: form.to_owned(),
        population: population as i32,
        bin_count,
    };
    let first = world.client.get_exam_summary(ask(pb::Population::Unspecified, "", 3)).await.unwrap();
    let first = first.into_inner();
    assert_eq!((first.count, first.awaiting_count, first.points.as_str()), (1, 2, "3"));
    let figure = first.standard_deviation.unwrap();
    assert_eq!((figure.value, figure.undefined_reason.as_str()), (None, "TOO_FEW_PERSONS"));
    let form = "blueprints/p/forms/a";
    let all = world.client.get_exam_summary(ask(pb::Population::AllAttempts, form, 3)).await.unwrap();
    let all = all.into_inner();
    assert_eq!((all.count, all.min_score.as_str(), all.max_score.as_str()), (2, "0", "2"));
    assert_eq!((value(&all.mean), value(&all.pass_rate)), (1.0, 0.5));
    assert_eq!(all.histogram.iter().map(|bin| bin.count).collect::<Vec<_>>(), [1, 0, 1]);
    let bad = ask(pb::Population::AllAttempts, "blueprints/p/forms/z", 3);
    assert_eq!(world.client.get_exam_summary(bad).await.unwrap_err().code(), Code::InvalidArgument);
    let bad = ask(pb::Population::AllAttempts, "", 101);
    assert_eq!(world.client.get_exam_summary(bad).await.unwrap_err().code(), Code::InvalidArgument);

    let first = world.client.get_item_analysis(items_of(pb::Population::Unspecified)).await.unwrap();
    let first = first.into_inner();
    assert_eq!((first.count, first.items.len()), (3, 2));
    assert_eq!(first.ungraded_positions, [3]);
    assert_eq!(first.items[1].kind, pb::QuestionKind::from(Kind::TrueFalse) as i32);
    let options: Vec<_> =
        first.items[1].options.iter().map(|o| (o.label.as_str(), o.is_key, o.count)).collect();
    assert_eq!(options, [("T", false, 1), ("F", true, 1), ("", false, 1)]);
    assert!((value(&first.items[1].omitted_share) - 1.0 / 3.0).abs() < 1e-12);
    assert_eq!(value(&first.mean), 1.0);
    let all = world.client.get_item_analysis(items_of(pb::Population::AllAttempts)).await.unwrap();
    assert_eq!(all.into_inner().count, 4);
    let absent = pb::GetItemAnalysisRequest { name: "exams/f".to_owned(), ..Default::default() };
    assert_eq!(world.client.get_item_analysis(absent).await.unwrap_err().code(), Code::NotFound);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lsat6_as_r_has_it() {
    let read = |file: &str| {
        std::fs::read_to_string(format!("{}/../shared/data/psychometrics/{file}", env!("CARGO_MANIFEST_DIR")))
    };
    let (Ok(cells), Ok(want)) = (read("lsat6_scored.csv"), read("lsat6.ctt.json")) else {
        return eprintln!("SKIPPED: no reference data for lsat6");
    };
    let want: Value = serde_json::from_str(&want).unwrap();
    let mut world = World::new("lsat6").await;
    world.exam(&vec![two_options(); 5], Some(3)).await;
    let sitting = |(at, line): (usize, &str)| {
        let marks: Vec<u32> = line.split(',').map(|cell| cell.trim().parse().unwrap()).collect();
        Sitting {
            candidate: format!("c{at}"),
            number: 1,
            state: 1,
            score: marks.iter().sum(),
            awaiting: 0,
            responses: marks
                .iter()
                .map(|m| Response::Choice(OptionSet::EMPTY.with(1 - *m as usize)))
                .collect(),
            marks: marks.into_iter().map(scored).collect(),
        }
    };
    let sittings: Vec<Sitting> = cells.lines().skip(1).enumerate().map(sitting).collect();
    world.attempts(&sittings).await;

    let got = world.client.get_item_analysis(items_of(pb::Population::FirstAttempts)).await.unwrap();
    let got = got.into_inner();
    assert_eq!((got.count, got.items.len(), got.ungraded_positions.len()), (1000, 5, 0));
    close(&got.alpha, &want["alpha_raw"]);
    close(&got.mean, &want["mean"]);
    close(&got.standard_deviation, &want["sd_n1"]);
    close(&got.standard_error, &want["sem"]);
    close(&got.kr20, &want["kr20_popvar"]);
    close(&got.skewness, &want["skew_k"]);
    close(&got.kurtosis, &want["kurt_k"]);
    assert_eq!(got.smallest_pair_count, 1000);
    let interval = got.alpha_interval.clone().unwrap();
    assert_eq!(interval.level, 0.95);
    // 1 − (1 − alpha) · F with 999 and 3996 degrees of freedom, F by SciPy.
    assert!((value(&interval.low) - 0.22347378786720018).abs() < 1e-9);
    assert!((value(&interval.high) - 0.3618025317299012).abs() < 1e-9);
    let groups = &want["D27_inclusive_ties"];
    for (i, item) in got.items.iter().enumerate() {
        let one = &want["items"][i];
        close(&item.facility, &one["p"]);
        close(&item.standard_deviation, &one["sd"]);
        close(&item.item_rest, &one["item_rest"]);
        close(&item.item_total, &one["item_total"]);
        close(&item.alpha_if_deleted, &one["alpha_if_deleted"]);
        close(&item.discrimination_27, &groups["D"][i]);
        assert_eq!(json!(item.upper_count), groups["n_high"]);
        assert_eq!(json!(item.lower_count), groups["n_low"]);
        let [a, b, omitted] = item.options.as_slice() else { panic!("{:?}", item.options) };
        assert_eq!(
            (a.label.as_str(), a.is_key, b.label.as_str(), omitted.label.as_str()),
            ("A", true, "B", "")
        );
        assert_eq!((a.count + b.count, omitted.count), (1000, 0));
        close(&a.option_rest, &one["item_rest"]);
        assert!((value(&a.option_rest) + value(&b.option_rest)).abs() < 1e-9);
        assert_eq!(omitted.option_rest.as_ref().unwrap().undefined_reason, "NO_VARIANCE");
        // Every one of these is below 0.2, and the one distractor goes against the rest.
        assert_eq!(item.flags, [pb::ItemFlag::WeakKey as i32]);
    }
    let again = world.client.get_item_analysis(items_of(pb::Population::FirstAttempts)).await.unwrap();
    assert_eq!(again.into_inner(), got);

    let summary = pb::GetExamSummaryRequest { name: "exams/e".to_owned(), ..Default::default() };
    let summary = world.client.get_exam_summary(summary).await.unwrap().into_inner();
    close(&summary.mean, &want["mean"]);
    close(&summary.standard_deviation, &want["sd_n1"]);
    close(&summary.percentiles[3].score, &want["median"]);
    close(&summary.skewness, &want["skew_k"]);
    close(&summary.kurtosis, &want["kurt_k"]);
    assert_eq!((summary.basis(), summary.forms.len()), (pb::ScoreBasis::Points, 1));
    assert!((value(&summary.pass_rate) - 0.892).abs() < 1e-12);
    world.end().await;
}
