//! The story: one client of the service, from two papers to an item analysis. Nothing here knows more than the protocol
//! says; every step prints the `grpcurl` line that would do the same.

use std::time::Instant;

use anyhow::{Context as _, bail};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::ProgressBar;
use serde_json::{Value, json};
use tonic::{
    Response, Status, Streaming,
    service::interceptor::InterceptedService,
    transport::{Channel, Endpoint},
};

use crate::{
    cli::{Connection, WithKey, explain, finding_line, pieces},
    pb::{
        self, QuestionKind, ScoringRule, assembly_service_client::AssemblyServiceClient,
        batch_score_submissions_response::Outcome, delivery_service_client::DeliveryServiceClient,
        exam_service_client::ExamServiceClient, question_bank_service_client::QuestionBankServiceClient,
        result_service_client::ResultServiceClient,
    },
    table::{Table, cut},
};

use super::{
    figures::{Analysis, Candidates, Figures, Form, Import, Ranked, Summary, Waiting, flag},
    people::{Person, people},
    show::{self, Voice, figure},
};

/// The papers, written for this demonstration: file, topic, text.
const PAPERS: [(&str, &str, &str); 2] = [
    ("service-basics.txt", "客户服务", include_str!("papers/service-basics.txt")),
    ("crm-practice.txt", "客户关系管理", include_str!("papers/crm-practice.txt")),
];

const BANK: &str = "banks/customer-care";
const BLUEPRINT: &str = "blueprints/customer-care-2026";
const EXAM: &str = "exams/customer-care-2026";
const PASS_MARK: &str = "60";

/// How the people come: so many sit here, so many are sent one by one, the rest in one stream.
const PEOPLE: u64 = 200;
const SITTINGS: usize = 40;
const SUBMISSIONS: usize = 60;
/// Calls under way at once.
const AT_ONCE: usize = 16;

/// One section of a blueprint of ours: title, kind, questions, points each, rule.
type Section = (&'static str, QuestionKind, i32, &'static str, ScoringRule);

const SECTIONS: [Section; 5] = [
    ("一、单项选择题", QuestionKind::SingleChoice, 14, "2", ScoringRule::AllOrNothing),
    ("二、多项选择题", QuestionKind::MultipleChoice, 6, "4", ScoringRule::SubsetHalf),
    ("三、不定项选择题", QuestionKind::IndeterminateChoice, 2, "6", ScoringRule::SubsetProportional),
    ("四、判断题", QuestionKind::TrueFalse, 8, "2", ScoringRule::AllOrNothing),
    ("五、填空题", QuestionKind::FillBlank, 4, "5", ScoringRule::Unspecified),
];

/// The services, each on the one connection.
struct Services {
    banks: QuestionBankServiceClient<Connection>,
    assembly: AssemblyServiceClient<Connection>,
    exams: ExamServiceClient<Connection>,
    delivery: DeliveryServiceClient<Connection>,
    results: ResultServiceClient<Connection>,
}

/// Tells it to the end; the figures of all that happened.
pub(super) async fn tell(voice: &mut Voice, address: &str, key: &str) -> anyhow::Result<Figures> {
    let channel: Channel = Endpoint::from_shared(format!("http://{address}"))?.connect().await?;
    let connection = InterceptedService::new(channel, WithKey::new(key)?);
    let mut services = Services {
        banks: QuestionBankServiceClient::new(connection.clone()),
        assembly: AssemblyServiceClient::new(connection.clone()),
        exams: ExamServiceClient::new(connection.clone()),
        delivery: DeliveryServiceClient::new(connection.clone()),
        results: ResultServiceClient::new(connection),
    };
    let mut figures =
        Figures { version: env!("CARGO_PKG_VERSION"), address: address.to_owned(), ..Figures::default() };
    import(voice, &mut services, &mut figures).await?;
    let forms = assemble(voice, &mut services, &mut figures).await?;
    sit(voice, &mut services, &mut figures, &forms).await?;
    results(voice, &mut services, &mut figures, &forms).await?;
    wait_for_a_person(voice, &mut services, &mut figures).await?;
    Ok(figures)
}

fn ok<T>(answer: Result<Response<T>, Status>) -> anyhow::Result<T> {
    answer.map(Response::into_inner).map_err(|status| explain(&status))
}

async fn import(voice: &mut Voice, services: &mut Services, figures: &mut Figures) -> anyhow::Result<()> {
    voice.step("Import: two papers as people print them become a question bank (题库)")?;
    let bank = pb::Bank { display_name: "客户服务题库".into(), ..pb::Bank::default() };
    voice.call(
        "QuestionBankService/CreateBank",
        &json!({"bank_id": "customer-care", "bank": {"display_name": bank.display_name}}),
    )?;
    let request = pb::CreateBankRequest {
        bank_id: "customer-care".into(),
        bank: Some(bank),
        request_id: String::new(),
    };
    ok(services.banks.create_bank(request).await)?;

    voice.command(&format!(
        "$ assessd import --bank {BANK} --publish --topic 客户服务 src/demo/papers/service-basics.txt\n\n\
         $ {{ echo '{{\"header\":{{\"parent\":\"{BANK}\",\"format\":\"IMPORT_FORMAT_PAPER_TEXT\",\"publish\":true}}}}'\n    \
         printf '{{\"chunk\":\"%s\"}}' \"$(base64 -w0 src/demo/papers/service-basics.txt)\"; }} |\n    \
         grpcurl -plaintext -H \"$AUTH\" -d @ {} assessment.v1.QuestionBankService/ImportQuestions",
        figures.address
    ))?;
    let mut table =
        Table::new(&["file", ">found", ">new", ">published", ">already there", ">held", ">findings"]);
    let mut told = Vec::new();
    let again = (PAPERS[0].0, PAPERS[0].1, PAPERS[0].2);
    for (n, (file, topic, text)) in PAPERS.into_iter().chain([again]).enumerate() {
        let header = pb::ImportHeader {
            parent: BANK.into(),
            format: pb::ImportFormat::PaperText as i32,
            file_name: file.into(),
            publish: true,
            topic: topic.into(),
            ..pb::ImportHeader::default()
        };
        let messages = pieces(header, text.as_bytes().to_vec(), ProgressBar::hidden());
        let report = ok(services.banks.import_questions(messages).await)?;
        let import = Import::of(file, &report);
        table.row([
            if n < PAPERS.len() { file.to_owned() } else { format!("{file}, once more") },
            import.found.to_string(),
            import.created.to_string(),
            import.published.to_string(),
            import.unchanged.to_string(),
            import.held.to_string(),
            import.findings.to_string(),
        ]);
        if n == PAPERS.len() {
            figures.reimport = import;
            continue;
        }
        told.extend(report.findings.into_iter().map(|finding| (file, finding)));
        figures.imports.push(import);
    }
    voice.block(&table.show("  "))?;
    voice.block("\n")?;
    voice.tell(
        "What the bank already has is not added again. The reader never guesses a key and never mends in silence: \
         what it noticed stands in the report, and a finding of severity error keeps its question a draft. The gravest:",
    )?;
    told.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.severity));
    for (file, finding) in told.iter().take(3) {
        voice.block(&format!("    {file}: {}\n", cut(&finding_line(finding), 110)))?;
    }
    let bank =
        ok(services.banks.get_bank(pb::GetBankRequest { name: BANK.into(), ..Default::default() }).await)?;
    (figures.questions, figures.published) = (bank.question_count, bank.published_count);
    voice.block(&format!(
        "\n  {BANK} holds {} questions, {} of them published.\n\n",
        bank.question_count, bank.published_count
    ))?;
    voice.call(
        "QuestionBankService/ListQuestions",
        &json!({"parent": BANK, "filter": "kind = \"fill_blank\" AND topic:\"客户服务\"", "page_size": 2}),
    )
}

fn section((title, kind, count, points, rule): Section) -> pb::BlueprintSection {
    pb::BlueprintSection {
        title: title.into(),
        kinds: vec![kind as i32],
        count,
        points_each: points.into(),
        policy: Some(pb::ScoringPolicy { rule: rule as i32, ..pb::ScoringPolicy::default() })
            .filter(|_| rule != ScoringRule::Unspecified),
        ..pb::BlueprintSection::default()
    }
}

fn section_json((title, kind, count, points, rule): Section) -> Value {
    let mut json =
        json!({"title": title, "kinds": [kind.as_str_name()], "count": count, "points_each": points});
    if rule != ScoringRule::Unspecified {
        json["policy"] = json!({"rule": rule.as_str_name()});
    }
    json
}

async fn assemble(
    voice: &mut Voice,
    services: &mut Services,
    figures: &mut Figures,
) -> anyhow::Result<Vec<pb::Form>> {
    voice.step("Assemble: a blueprint (组卷蓝图) and two parallel forms (A卷, B卷)")?;
    voice.tell("First a blueprint that asks for more than there is. The answer says what is missing:")?;
    voice.block("\n")?;
    let greedy: Section = ("单项选择题", QuestionKind::SingleChoice, 30, "2", ScoringRule::Unspecified);
    let mut greedy_section = section(greedy);
    greedy_section.filter =
        Some(pb::QuestionFilter { topics: vec!["客户服务".into()], ..pb::QuestionFilter::default() });
    let mut greedy_json = section_json(greedy);
    greedy_json["filter"] = json!({"topics": ["客户服务"]});
    voice.call(
        "AssemblyService/CheckBlueprint",
        &json!({"blueprint": {"display_name": "太多", "bank": BANK, "sections": [greedy_json]}, "form_count": 2}),
    )?;
    let blueprint = pb::Blueprint {
        display_name: "太多".into(),
        bank: BANK.into(),
        sections: vec![greedy_section],
        ..pb::Blueprint::default()
    };
    let request = pb::CheckBlueprintRequest {
        subject: Some(pb::check_blueprint_request::Subject::Blueprint(blueprint)),
        form_count: 2,
        allow_shared_questions: false,
    };
    let checked = ok(services.assembly.check_blueprint(request).await)?;
    for shortage in &checked.shortages {
        voice.tell(&format!("✗ {}", shortage.message))?;
        for step in &shortage.steps {
            voice.block(&format!("      {:>3} left after {}\n", step.left, step.filter))?;
        }
        figures.impossible.push(shortage.message.clone());
    }

    voice.block("\n")?;
    voice.tell("One that can be filled, with a scoring rule for each section:")?;
    voice.block("\n")?;
    let duration = "5400s";
    voice.call(
        "AssemblyService/CreateBlueprint",
        &json!({"blueprint_id": "customer-care-2026", "blueprint": {"display_name": "客户服务岗位考试", "bank": BANK,
            "sections": SECTIONS.map(section_json), "total_points": "100", "duration": duration}}),
    )?;
    let blueprint = pb::Blueprint {
        display_name: "客户服务岗位考试".into(),
        bank: BANK.into(),
        sections: SECTIONS.map(section).into(),
        total_points: "100".into(),
        duration: Some(pb::duration(5400)),
        ..pb::Blueprint::default()
    };
    let forms = draw(voice, services, BLUEPRINT, blueprint, &["a", "b"], 2026).await?;
    let mut table = Table::new(&["form", "", ">questions", ">points", ">seed"]);
    for form in &forms {
        table.row([
            form.label.clone(),
            form.name.clone(),
            form.question_count.to_string(),
            form.total_points.clone(),
            form.seed.to_string(),
        ]);
        figures.forms.push(Form {
            name: form.name.clone(),
            label: form.label.clone(),
            questions: form.question_count,
            points: form.total_points.clone(),
        });
    }
    voice.block(&table.show("  "))?;
    voice.block("\n")?;
    voice.tell("The forms share no question, and the same seed draws the same forms again. Form A with its keys, for its author:")?;
    voice.block("\n")?;
    voice.call("AssemblyService/GetForm", &json!({"name": forms[0].name, "view": "FORM_VIEW_FULL"}))?;
    Ok(forms)
}

/// Stores a blueprint, draws forms from it and returns them in full, keys included.
async fn draw(
    voice: &Voice,
    services: &mut Services,
    name: &str,
    blueprint: pb::Blueprint,
    form_ids: &[&str],
    seed: i64,
) -> anyhow::Result<Vec<pb::Form>> {
    let blueprint_id = name.trim_start_matches("blueprints/").to_owned();
    let request =
        pb::CreateBlueprintRequest { blueprint_id, blueprint: Some(blueprint), request_id: String::new() };
    ok(services.assembly.create_blueprint(request).await)?;
    voice.call(
        "AssemblyService/AssembleForms",
        &json!({"parent": name, "form_count": form_ids.len(), "seed": seed, "form_ids": form_ids}),
    )?;
    let request = pb::AssembleFormsRequest {
        parent: name.into(),
        form_count: form_ids.len() as i32,
        seed: Some(seed),
        form_ids: form_ids.iter().map(|id| (*id).to_owned()).collect(),
        ..pb::AssembleFormsRequest::default()
    };
    let drawn = ok(services.assembly.assemble_forms(request).await)?;
    let mut forms = Vec::new();
    for form in drawn.forms {
        let request =
            pb::GetFormRequest { name: form.name, view: pb::FormView::Full as i32, ..Default::default() };
        forms.push(ok(services.assembly.get_form(request).await)?);
    }
    Ok(forms)
}

async fn sit(
    voice: &mut Voice,
    services: &mut Services,
    figures: &mut Figures,
    forms: &[pb::Form],
) -> anyhow::Result<()> {
    voice.step("Sit: an exam (考试), its paper, and 200 people who do not exist")?;
    let names: Vec<&str> = forms.iter().map(|f| f.name.as_str()).collect();
    voice.call(
        "ExamService/CreateExam",
        &json!({"exam_id": "customer-care-2026",
            "exam": {"display_name": "2026年客户服务岗位考试", "forms": names, "pass_mark": PASS_MARK}}),
    )?;
    let exam = pb::Exam {
        display_name: "2026年客户服务岗位考试".into(),
        forms: forms.iter().map(|f| f.name.clone()).collect(),
        pass_mark: PASS_MARK.into(),
        ..pb::Exam::default()
    };
    let request = pb::CreateExamRequest {
        exam_id: "customer-care-2026".into(),
        exam: Some(exam),
        request_id: String::new(),
    };
    ok(services.exams.create_exam(request).await)?;

    let [form_a, form_b] = forms else { bail!("two forms were asked for, {} came", forms.len()) };
    // The third question of form A works the wrong way round, so that the analysis has something to find.
    let odd = form_a.sections.first().and_then(|s| s.items.get(2)).map(|item| item.position);
    let mut everyone: Vec<(String, &pb::Form, Vec<pb::Response>)> = Vec::new();
    for (n, person) in people(PEOPLE).iter_mut().enumerate() {
        let (form, odd) = if n % 2 == 0 { (form_a, odd) } else { (form_b, None) };
        everyone.push((person.id.clone(), form, person.answer(form, odd)));
    }
    let streamed = everyone.split_off(SITTINGS + SUBMISSIONS);
    let sent = everyone.split_off(SITTINGS);

    voice.call(
        "DeliveryService/StartAttempt",
        &json!({"parent": EXAM, "candidate": "e-2001", "form": form_a.name}),
    )?;
    voice.tell("The paper comes without keys and explanations, as its candidate reads it:")?;
    voice.block("\n")?;
    let started = Instant::now();
    let delivery = &services.delivery;
    let papers: Vec<Option<pb::Paper>> = stream::iter(everyone.iter())
        .map(|(candidate, form, responses)| attend(delivery.clone(), candidate, form, responses))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    stream::iter(sent.iter())
        .map(|person| {
            let mut delivery = delivery.clone();
            async move { ok(delivery.score_submission(submission(person)).await).map(drop) }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    let batch: Vec<pb::BatchScoreSubmissionsRequest> = streamed
        .iter()
        .map(|person| pb::BatchScoreSubmissionsRequest { submission: Some(submission(person)) })
        .collect();
    let answers = ok(services.delivery.batch_score_submissions(stream::iter(batch)).await)?;
    drain(answers, streamed.len()).await?;
    let seconds = (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;

    let paper = papers.into_iter().next().flatten().context("an attempt came without its paper")?;
    voice.block(&show::paper(&paper))?;
    voice.block("\n")?;
    voice.tell(
        "Answers are saved as they come, then the attempt is submitted; … is what StartAttempt has returned:",
    )?;
    voice.block("\n")?;
    let attempt = json!({"name": format!("{EXAM}/attempts/…"), "sequence": 1,
        "responses": [{"position": 1, "choices": ["B"]}]});
    voice.call("DeliveryService/SaveResponses", &attempt)?;
    voice.call("DeliveryService/SubmitAttempt", &json!({"name": format!("{EXAM}/attempts/…")}))?;
    voice.tell("Answers of people who sat elsewhere are scored in one call:")?;
    voice.block("\n")?;
    voice.call(
        "DeliveryService/ScoreSubmission",
        &json!({"parent": EXAM, "candidate": "e-2002", "form": form_b.name, "request_id": "portal-7731",
            "responses": [{"position": 1, "choices": ["A"]}]}),
    )?;
    figures.candidates = Candidates {
        total: everyone.len() + sent.len() + streamed.len(),
        sittings: everyone.len(),
        submissions: sent.len(),
        streamed: streamed.len(),
        seconds,
    };
    voice.tell(&format!(
        "{} people of differing ability: {} sat here (StartAttempt, two SaveResponses, SubmitAttempt), {} were sent \
         one by one (ScoreSubmission), {} in one stream (BatchScoreSubmissions): all scored within {seconds} s. Who \
         knows an answer is drawn after a logistic model; question {} of form A is made to work the wrong way round.",
        figures.candidates.total,
        everyone.len(),
        sent.len(),
        streamed.len(),
        odd.unwrap_or_default(),
    ))
}

type Sitter<'a> = (String, &'a pb::Form, Vec<pb::Response>);

fn submission((candidate, form, responses): &Sitter) -> pb::ScoreSubmissionRequest {
    pb::ScoreSubmissionRequest {
        parent: EXAM.into(),
        candidate: candidate.clone(),
        form: form.name.clone(),
        responses: responses.clone(),
        request_id: format!("demo-{candidate}"),
        ..Default::default()
    }
}

/// One sitting: the first half saved, the second half saved, submitted. Returns the paper.
async fn attend(
    mut delivery: DeliveryServiceClient<Connection>,
    candidate: &str,
    form: &pb::Form,
    responses: &[pb::Response],
) -> anyhow::Result<Option<pb::Paper>> {
    let request = pb::StartAttemptRequest {
        parent: EXAM.into(),
        candidate: candidate.into(),
        form: form.name.clone(),
        ..pb::StartAttemptRequest::default()
    };
    let attempt = ok(delivery.start_attempt(request).await)?;
    for (half, sequence) in responses.chunks(responses.len().div_ceil(2).max(1)).zip(1..) {
        let request =
            pb::SaveResponsesRequest { name: attempt.name.clone(), responses: half.to_vec(), sequence };
        ok(delivery.save_responses(request).await)?;
    }
    let request = pb::SubmitAttemptRequest { name: attempt.name, ..pb::SubmitAttemptRequest::default() };
    ok(delivery.submit_attempt(request).await)?;
    Ok(attempt.paper)
}

/// Takes the answers of a stream; all of them must be results.
async fn drain(
    mut answers: Streaming<pb::BatchScoreSubmissionsResponse>,
    expected: usize,
) -> anyhow::Result<()> {
    let mut scored = 0;
    while let Some(answer) = answers.message().await.map_err(|status| explain(&status))? {
        match answer.outcome {
            Some(Outcome::Result(_)) => scored += 1,
            Some(Outcome::Error(error)) => bail!("{}: {}", answer.request_id, error.message),
            None => bail!("{}: neither result nor error", answer.request_id),
        }
    }
    if scored != expected {
        bail!("{expected} submissions were sent, {scored} results came back");
    }
    Ok(())
}

async fn results(
    voice: &mut Voice,
    services: &mut Services,
    figures: &mut Figures,
    forms: &[pb::Form],
) -> anyhow::Result<()> {
    voice.step("Results: the distribution of the scores")?;
    voice.call("ResultService/GetExamSummary", &json!({"name": EXAM}))?;
    let request = pb::GetExamSummaryRequest { name: EXAM.into(), ..pb::GetExamSummaryRequest::default() };
    let summary = ok(services.results.get_exam_summary(request).await)?;
    figures.summary = Summary::of(&summary);
    voice.block(&format!(
        "  {} results   mean {} of {}   standard deviation {}   from {} to {}   passed {} %\n\n",
        summary.count,
        figure(summary.mean.as_ref(), 2),
        summary.points,
        figure(summary.standard_deviation.as_ref(), 2),
        summary.min_score,
        summary.max_score,
        figures.summary.pass_rate.map_or_else(|| "–".into(), |rate| format!("{:.1}", rate * 100.0)),
    ))?;
    voice.block(&show::histogram(&summary.histogram))?;
    let percentiles: Vec<String> = summary
        .percentiles
        .iter()
        .map(|p| format!("P{} {}", p.percent, figure(p.score.as_ref(), 1)))
        .collect();
    voice.block(&format!("\n  {}\n", percentiles.join("   ")))?;

    voice.step("Ranking: the best ten")?;
    voice.call(
        "ResultService/ListResults",
        &json!({"parent": EXAM, "order_by": "score desc", "page_size": 10}),
    )?;
    let request = pb::ListResultsRequest {
        parent: EXAM.into(),
        order_by: "score desc".into(),
        page_size: 10,
        ..pb::ListResultsRequest::default()
    };
    let listed = ok(services.results.list_results(request).await)?.results;
    let mut table = Table::new(&[">rank", "candidate", "form", ">score", ">of", "passed"]);
    // Equal scores share a rank.
    let mut rank = 0;
    for (n, result) in listed.iter().enumerate() {
        if n == 0 || listed[n - 1].score != result.score {
            rank = n + 1;
        }
        table.row([
            rank.to_string(),
            result.candidate.clone(),
            label(forms, &result.form),
            result.score.clone(),
            result.max_score.clone(),
            match result.passed {
                Some(true) => "yes".into(),
                Some(false) => "no".into(),
                None => "–".into(),
            },
        ]);
        figures.ranking.push(Ranked {
            candidate: result.candidate.clone(),
            form: label(forms, &result.form),
            score: result.score.clone(),
            passed: result.passed,
        });
    }
    voice.block(&table.show("  "))?;
    if let Some(first) = listed.first() {
        voice.block("\n")?;
        voice.call("ResultService/GetResult", &json!({"name": first.name}))?;
        let result =
            ok(services.results.get_result(pb::GetResultRequest { name: first.name.clone() }).await)?;
        voice.block(&format!("  {}, by section and by topic\n\n", result.candidate))?;
        voice.block(&subscores(&result))?;
    }
    for form in forms {
        analyse(voice, services, figures, form).await?;
    }
    Ok(())
}

/// The label of a form by its name.
fn label(forms: &[pb::Form], name: &str) -> String {
    forms.iter().find(|f| f.name == name).map(|f| f.label.clone()).unwrap_or_default()
}

/// Sections and topics of a result.
fn subscores(result: &pb::Result) -> String {
    let mut table = Table::new(&["", ">score", ">of", ">waiting"]);
    for part in result.sections.iter().chain(&result.topics) {
        let title = if part.title.is_empty() { "(no topic)" } else { &part.title };
        table.row([
            title.to_owned(),
            part.score.clone(),
            part.max_score.clone(),
            part.awaiting_points.clone(),
        ]);
    }
    table.show("  ")
}

async fn analyse(
    voice: &mut Voice,
    services: &mut Services,
    figures: &mut Figures,
    form: &pb::Form,
) -> anyhow::Result<()> {
    voice.step(&format!("Item analysis (试题分析) of form {}", form.label))?;
    voice.call("ResultService/GetItemAnalysis", &json!({"name": EXAM, "form": form.name}))?;
    let request = pb::GetItemAnalysisRequest {
        name: EXAM.into(),
        form: form.name.clone(),
        ..pb::GetItemAnalysisRequest::default()
    };
    let analysis = ok(services.results.get_item_analysis(request).await)?;
    voice.block(&format!(
        "  {} attempts   Cronbach's alpha {}   Guttman's lambda-2 {}   standard error {} points\n\n",
        analysis.count,
        figure(analysis.alpha.as_ref(), 3),
        figure(analysis.lambda2.as_ref(), 3),
        figure(analysis.standard_error.as_ref(), 2),
    ))?;
    let stems: Vec<&str> = form
        .sections
        .iter()
        .flat_map(|section| &section.items)
        .map(|item| item.question.as_ref().map_or("", |q| q.stem.as_str()))
        .collect();
    let head =
        [">no.", "kind", "question", ">facility p", ">item-rest r", ">D 27 %", ">alpha without", "flags"];
    let mut table = Table::new(&head);
    for (item, stem) in analysis.items.iter().zip(stems) {
        let flags: Vec<String> = item.flags().map(flag).collect();
        table.row([
            item.position.to_string(),
            show::kind(item.kind()).to_owned(),
            cut(stem, 32),
            figure(item.facility.as_ref(), 2),
            figure(item.item_rest.as_ref(), 2),
            figure(item.discrimination_27.as_ref(), 2),
            figure(item.alpha_if_deleted.as_ref(), 3),
            flags.join(", "),
        ]);
    }
    voice.block(&table.show("  "))?;
    let wrong = analysis.items.iter().find(|item| item.flags().any(|f| f == pb::ItemFlag::LikelyWrongKey));
    if let Some(item) = wrong {
        voice.block("\n")?;
        voice.tell(&format!(
            "Question {} deserves a look: those who do well elsewhere pick another option than the key.",
            item.position
        ))?;
        voice.block("\n")?;
        let mut table = Table::new(&["option", ">share", ">upper 27 %", ">lower 27 %", ">option-rest r", ""]);
        for option in &item.options {
            let name = if option.label.is_empty() { "(blank)" } else { &option.label };
            table.row([
                name.to_owned(),
                figure(option.share.as_ref(), 2),
                figure(option.upper_share.as_ref(), 2),
                figure(option.lower_share.as_ref(), 2),
                figure(option.option_rest.as_ref(), 2),
                if option.is_key { "key".to_owned() } else { String::new() },
            ]);
        }
        voice.block(&table.show("  "))?;
    }
    figures.item_analyses.push(Analysis::of(&analysis));
    Ok(())
}

async fn wait_for_a_person(
    voice: &mut Voice,
    services: &mut Services,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    voice.step("What waits for a person: short answers (简答) and cases (案例)")?;
    let sections: [Section; 2] = [
        ("一、简答题", QuestionKind::ShortAnswer, 2, "6", ScoringRule::Unspecified),
        ("二、案例分析题", QuestionKind::Case, 1, "18", ScoringRule::SubsetHalf),
    ];
    let blueprint = pb::Blueprint {
        display_name: "客户服务情景考试".into(),
        bank: BANK.into(),
        sections: sections.map(section).into(),
        ..pb::Blueprint::default()
    };
    let forms = draw(voice, services, "blueprints/service-cases", blueprint, &["only"], 7).await?;
    let form = forms.first().context("a form was asked for and none came")?;
    let exam = pb::Exam {
        display_name: "客户服务情景考试".into(),
        forms: vec![form.name.clone()],
        pass_mark: "18".into(),
        ..pb::Exam::default()
    };
    let request = pb::CreateExamRequest {
        exam_id: "service-cases".into(),
        exam: Some(exam),
        request_id: String::new(),
    };
    let exam = ok(services.exams.create_exam(request).await)?;
    let mut everyone = people(1);
    let person: &mut Person = everyone.first_mut().context("nobody came")?;
    let request = pb::ScoreSubmissionRequest {
        parent: exam.name,
        candidate: person.id.clone(),
        responses: person.answer(form, None),
        request_id: "demo-case".into(),
        ..pb::ScoreSubmissionRequest::default()
    };
    let result = ok(services.delivery.score_submission(request).await)?;
    voice.call("ResultService/GetResult", &json!({"name": result.name}))?;
    figures.waiting = Waiting {
        state: result.state().as_str_name().to_owned(),
        score: result.score.clone(),
        awaiting_points: result.awaiting_points.clone(),
        max_score: result.max_score.clone(),
    };
    voice.tell(&format!(
        "What a rule can score is scored, the rest waits and is no zero: {} of {} points so far, {} still to be given \
         by a person, state {}{}.",
        result.score,
        result.max_score,
        result.awaiting_points,
        figures.waiting.state,
        if result.passed.is_none() { ", neither passed nor failed yet" } else { "" },
    ))?;
    voice.block("\n")?;
    voice.block(&subscores(&result))
}
