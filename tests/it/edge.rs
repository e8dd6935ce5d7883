//! The edge of every call: who may call, what is refused and how, deadlines, readiness, reflection.

use std::time::{Duration, Instant};

use assessd::{
    auth::{self, Role},
    bank::rpc::Banks,
    edge::EdgeLayer,
    embedded::{Cluster, Settings},
    pb::{
        self, question_bank_service_client::QuestionBankServiceClient,
        question_bank_service_server::QuestionBankServiceServer,
    },
    server::Options,
};
use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_types::StatusExt;
use tower::Layer;

use crate::support::{
    Refused, World, bad_fields,
    build::single,
    cluster::{self, Folder},
    process::Process,
    protocol, raw, reason, refused,
};

fn bank_request() -> pb::GetBankRequest {
    pb::GetBankRequest { name: "banks/crm".to_owned(), ..Default::default() }
}

async fn refusals(world: &World) -> Vec<(String, String)> {
    let mut su = world.superuser().await;
    sqlx::query_as(
        "select actor, method from audit where outcome = 'refused' order by actor, method collate \"C\"",
    )
    .fetch_all(&mut su)
    .await
    .unwrap()
}

#[tokio::test]
async fn who_has_no_valid_key_is_not_let_in() {
    let world = World::start().await;
    let a = &world.a;
    let b = world.tenant("second").await;
    // One character within the secret is another one.
    let mut altered = a.key.clone().into_bytes();
    let at = altered.len() - 10;
    altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(altered).unwrap();
    // The first tenant's id before the second one's key.
    let mixed = format!("{}{}", &a.key[..20], &b.key[20..]);
    for key in [altered.as_str(), &mixed, "assessd_AAAA", "x", "assessd_", &a.key[..40]] {
        a.with_key(key)
            .bank()
            .get_bank(bank_request())
            .await
            .because(Code::Unauthenticated, "UNAUTHENTICATED");
    }
    a.with_key("").bank().get_bank(bank_request()).await.because(Code::Unauthenticated, "UNAUTHENTICATED");
    for value in [a.key.clone(), format!("Basic {}", a.key), "Bearer".to_owned(), String::new()] {
        let mut request = Request::new(bank_request());
        request.metadata_mut().insert("authorization", value.parse().unwrap());
        let mut bare = QuestionBankServiceClient::new(a.channel.clone());
        bare.get_bank(request).await.because(Code::Unauthenticated, "UNAUTHENTICATED");
    }
    // Every method, streams included, is behind the door.
    for method in protocol::methods() {
        let status = refused(raw::call(&a.with_key(""), &method.name, &[]).await, Code::Unauthenticated);
        assert_eq!(reason(&status), "UNAUTHENTICATED", "{}", method.name);
    }
    a.bank().get_bank(bank_request()).await.because(Code::NotFound, "NOT_FOUND");
    let mut lower = Request::new(bank_request());
    lower.metadata_mut().insert("authorization", format!("bearer {}", a.key).parse().unwrap());
    let mut bare = QuestionBankServiceClient::new(a.channel.clone());
    bare.get_bank(lower).await.because(Code::NotFound, "NOT_FOUND");
}

#[tokio::test]
async fn a_revoked_or_expired_key_ends() {
    let world = World::start().await;
    let author = world.a.role(&[pb::Role::Author]).await;
    let caller = author.admin().get_caller(pb::GetCallerRequest {}).await.unwrap().into_inner();
    assert_eq!(caller.roles, [pb::Role::Author as i32]);
    assert_eq!((caller.tenant, caller.tenant_display_name.as_str()), (world.a.tenant.to_string(), "first"));
    let revoke = pb::RevokeApiKeyRequest { name: caller.api_key };
    let ended = world.a.admin().revoke_api_key(revoke.clone()).await.unwrap().into_inner();
    assert!(ended.revoke_time.is_some());
    author
        .admin()
        .get_caller(pb::GetCallerRequest {})
        .await
        .because(Code::Unauthenticated, "UNAUTHENTICATED");
    let again = world.a.admin().revoke_api_key(revoke).await.unwrap().into_inner();
    assert_eq!(again.revoke_time, ended.revoke_time, "the first end stays");

    let short_lived = |seconds: i64| pb::CreateApiKeyRequest {
        api_key: Some(pb::ApiKey {
            display_name: "short".to_owned(),
            roles: vec![pb::Role::Author as i32],
            expire_time: Some(pb::timestamp(chrono::Utc::now() + Duration::from_millis(seconds as u64))),
            ..Default::default()
        }),
    };
    let made = world.a.admin().create_api_key(short_lived(400)).await.unwrap().into_inner();
    let short = world.a.with_key(&made.secret);
    short.admin().get_caller(pb::GetCallerRequest {}).await.unwrap();
    let started = Instant::now();
    while short.admin().get_caller(pb::GetCallerRequest {}).await.is_ok() {
        assert!(started.elapsed() < Duration::from_secs(5), "the key does not end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    short.admin().get_caller(pb::GetCallerRequest {}).await.because(Code::Unauthenticated, "UNAUTHENTICATED");

    world.a.admin().create_api_key(pb::CreateApiKeyRequest::default()).await.bad(&[
        "api_key",
        "api_key.display_name",
        "api_key.roles",
    ]);
    let bad = pb::ApiKey {
        roles: vec![1, 1, 0, 99],
        expire_time: Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }),
        ..Default::default()
    };
    let bad = pb::CreateApiKeyRequest { api_key: Some(bad) };
    world.a.admin().create_api_key(bad).await.bad(&[
        "api_key.display_name",
        "api_key.roles[1]",
        "api_key.roles[2]",
        "api_key.roles[3]",
        "api_key.expire_time",
    ]);
    let mut su = world.superuser().await;
    let secret = made.secret;
    let hidden: i64 =
        sqlx::query_scalar("select count(*) from api_key k where k::text like '%' || $1 || '%'")
            .bind(&secret[50..])
            .fetch_one(&mut su)
            .await
            .unwrap();
    assert_eq!(hidden, 0, "the secret itself is not kept");
}

#[tokio::test]
async fn every_method_asks_for_its_roles_and_notes_refusals() {
    let world = World::start().await;
    let mut wanted = Vec::new();
    for role in Role::ALL {
        let caller = world.a.role(&[pb::Role::from(role)]).await;
        let name = caller.admin().get_caller(pb::GetCallerRequest {}).await.unwrap().into_inner().api_key;
        for method in protocol::methods() {
            let allowed = role == Role::Admin || auth::allowed(&method.name).contains(&role);
            let answer = raw::call(&caller, &method.name, &[]).await;
            let denied = matches!(&answer, Err(status) if status.code() == Code::PermissionDenied);
            assert_eq!(denied, !allowed, "{} as {role:?}: {answer:?}", method.name);
            if let Err(status) = answer
                && denied
            {
                assert_eq!(reason(&status), "ROLE_MISSING");
                assert!(status.message().contains("needs one of the roles"), "{status:?}");
                wanted.push((name.clone(), method.name));
            }
        }
    }
    wanted.sort();
    let mut noted = refusals(&world).await;
    // A new minute has a new row.
    noted.dedup();
    assert_eq!(noted, wanted, "every refusal is in the audit log");
}

#[tokio::test]
async fn a_message_that_is_none_is_the_callers_mistake() {
    let world = World::start().await;
    for method in protocol::methods() {
        let status =
            refused(raw::call(&world.a, &method.name, &[0xff, 0xff, 0xff]).await, Code::InvalidArgument);
        assert!(status.message().contains("cannot be decoded"), "{}: {status:?}", method.name);
        assert_eq!(reason(&status), "INVALID_FIELDS");
    }
    // A text that is not UTF-8, and a length that lies.
    for message in [&[0x0a, 0x02, 0xff, 0xfe][..], &[0x0a, 0x7f, b'x'][..]] {
        refused(raw::call(&world.a, "QuestionBankService/GetBank", message).await, Code::InvalidArgument);
    }
    let status =
        refused(raw::call(&world.a, "QuestionBankService/NoSuchMethod", &[]).await, Code::Unimplemented);
    assert!(!status.message().contains("panic"));
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused() {
    let world = World::start().await;
    world.a.new_bank("crm").await;
    for (method, size) in [
        ("QuestionBankService/CreateQuestion", 5 << 20),
        ("AdminService/ListApiKeys", 65 << 10),
        ("DeliveryService/SubmitAttempt", 21 << 20),
    ] {
        let status = refused(raw::call(&world.a, method, &vec![b'a'; size]).await, Code::InvalidArgument);
        assert!(status.message().contains("larger than"), "{status:?}");
    }
    // What is within the limit of messages is measured field by field.
    let long = pb::CreateQuestionRequest {
        parent: "banks/crm".to_owned(),
        question: Some(single(&"长".repeat(1 << 20), "A")),
        ..Default::default()
    };
    world.a.bank().create_question(long).await.bad(&["question.stem"]);
}

/// Ten million empty entries are 20 MB on the wire, and gigabytes once they are read.
#[tokio::test]
async fn a_message_of_nothing_but_entries_is_refused_unread() {
    let world = World::start().await;
    let server = Process::serve(&cluster::url(&world.database).await).await;
    let a = world.a.at(server.addr);
    let before = server.peak_memory();
    let entries = |tag: u8, count| [tag << 3 | 2, 0].repeat(count);
    let (many, most) = (2_000_000, 10_000_000);
    // The entries lie in field `within` of the request, or are its own.
    for (method, within, tag, count) in [
        ("DeliveryService/SaveResponses", None, 2, most),
        ("DeliveryService/SubmitAttempt", None, 2, most),
        ("DeliveryService/ScoreSubmission", None, 4, most),
        ("ExamService/BatchSetAccommodations", None, 2, many),
        ("AssemblyService/AssembleForms", None, 5, many),
        ("QuestionBankService/CreateQuestion", Some(3), 7, many),
    ] {
        let mut message = entries(tag, count);
        if let Some(field) = within {
            let mut outer = Vec::new();
            prost::encoding::bytes::encode(field, &message, &mut outer);
            message = outer;
        }
        let status = refused(raw::call(&a, method, &message).await, Code::InvalidArgument);
        assert!(format!("{status:?}").contains("entries"), "{method}: {status:?}");
    }
    if let (Some(before), Some(after)) = (before, server.peak_memory()) {
        assert!(after - before < 300 << 20, "from {before} to {after} bytes");
    }
}

/// Statements under way in a database, but those of the one who asks and of the one who holds the lock.
async fn running(su: &mut PgConnection, database: &str) -> Vec<String> {
    sqlx::query_scalar(
        "select query from pg_stat_activity where datname = $1 and usename = 'assessd' and state <> 'idle'",
    )
    .bind(database)
    .fetch_all(su)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_deadline_ends_the_call_and_its_statement() {
    let world = World::start().await;
    let q = world.a.publish(&world.a.new_bank("crm").await, "q", single("?", "A")).await;
    let mut holder = world.superuser().await;
    let mut watcher = world.superuser().await;
    sqlx::raw_sql("begin; lock table question in access exclusive mode").execute(&mut holder).await.unwrap();

    // The time that the caller names; past the transport's own timer, by calling the service behind the edge itself.
    let edge = EdgeLayer::new(world.db.clone(), Duration::from_secs(60), 1 << 20, CancellationToken::new());
    let service = edge.layer(QuestionBankServiceServer::new(Banks::new(world.db.clone())));
    let mut client = QuestionBankServiceClient::new(service);
    for millis in [50, 400] {
        let mut request = Request::new(pb::GetQuestionRequest { name: q.name.clone(), ..Default::default() });
        request.metadata_mut().insert("authorization", format!("Bearer {}", world.a.key).parse().unwrap());
        request.set_timeout(Duration::from_millis(millis));
        let started = Instant::now();
        client.get_question(request).await.because(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
        let took = started.elapsed();
        assert!(
            took >= Duration::from_millis(millis - 10) && took < Duration::from_millis(millis + 2000),
            "{took:?}"
        );
        let started = Instant::now();
        while !running(&mut watcher, &world.database).await.is_empty() {
            let left = running(&mut watcher, &world.database).await;
            assert!(started.elapsed() < Duration::from_secs(2), "left running: {left:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    // The limit of the server, through the whole of it, reads and writes alike.
    let options = Options { deadline: Duration::from_millis(300), ..Options::default() };
    let hurried =
        World::on(world.database.clone(), cluster::options(&world.database).await, 4, options).await;
    let a = world.a.at(hurried.addr);
    a.bank()
        .get_question(pb::GetQuestionRequest { name: q.name.clone(), ..Default::default() })
        .await
        .because(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    let publish = pb::PublishQuestionRequest { name: q.name.clone(), ..Default::default() };
    a.bank().publish_question(publish.clone()).await.because(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    let started = Instant::now();
    while !running(&mut watcher, &world.database).await.is_empty() {
        assert!(started.elapsed() < Duration::from_secs(2), "left running");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    sqlx::raw_sql("rollback").execute(&mut holder).await.unwrap();
    assert_eq!(
        a.bank().publish_question(publish).await.unwrap().into_inner().version,
        1,
        "connections came back whole"
    );
}

#[tokio::test]
async fn readiness_follows_the_database() {
    let folder = Folder::new("health");
    let settings = Settings::throw_away(&folder.path);
    let cluster = Cluster::start(&settings).await.unwrap();
    let connect = cluster.options();
    let migrating = assessd::db::Db::open(connect.clone(), 1);
    migrating.migrate().await.unwrap();
    migrating.pool().close().await;
    let world = World::on("assessd".to_owned(), connect, 4, Options::default()).await;
    let mut health = HealthClient::new(world.a.channel.clone());
    until(&mut health, ServingStatus::Serving, Duration::from_secs(5)).await;
    for service in protocol::services() {
        let request = HealthCheckRequest { service: service.clone() };
        let status =
            health.check(request).await.unwrap_or_else(|e| panic!("{service}: {e:?}")).into_inner().status();
        assert_eq!(status, ServingStatus::Serving, "{service}");
    }
    world.a.new_bank("crm").await;

    cluster.stop().await;
    until(&mut health, ServingStatus::NotServing, Duration::from_secs(3)).await;
    let status = refused(world.a.bank().get_bank(bank_request()).await, Code::Unavailable);
    assert_eq!(reason(&status), "DATABASE_UNAVAILABLE");
    assert!(status.get_error_details().retry_info().is_some(), "says when to retry: {status:?}");

    let _cluster = Cluster::start(&settings).await.unwrap();
    until(&mut health, ServingStatus::Serving, Duration::from_secs(5)).await;
    assert_eq!(world.a.bank().get_bank(bank_request()).await.unwrap().into_inner().name, "banks/crm");
}

async fn until(health: &mut HealthClient<Channel>, wanted: ServingStatus, patience: Duration) {
    let started = Instant::now();
    loop {
        let answer = health.check(HealthCheckRequest::default()).await.unwrap().into_inner().status();
        if answer == wanted {
            return;
        }
        assert!(started.elapsed() < patience, "{answer:?} instead of {wanted:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_server_that_stops_finishes_what_it_has_begun() {
    let world = World::start().await;
    let a = world.a.clone();
    let q = a.publish(&a.new_bank("crm").await, "q", single("?", "A")).await;
    let mut holder = world.superuser().await;
    let mut watcher = world.superuser().await;
    let database = world.database.clone();
    sqlx::raw_sql("begin; lock table question in access exclusive mode").execute(&mut holder).await.unwrap();
    let mut bank = a.bank();
    let slow = tokio::spawn(async move {
        bank.get_question(pb::GetQuestionRequest { name: q.name, ..Default::default() }).await
    });
    while running(&mut watcher, &database).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let stopping = tokio::spawn(world.stop());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!stopping.is_finished(), "it waits for the call");
    sqlx::raw_sql("rollback").execute(&mut holder).await.unwrap();
    assert_eq!(slow.await.unwrap().unwrap().into_inner().stem, "?");
    tokio::time::timeout(Duration::from_secs(5), stopping).await.expect("it ends").unwrap();
    assert!(a.bank().get_bank(bank_request()).await.is_err(), "nobody listens any more");
    holder.close().await.unwrap();
}

macro_rules! reflection {
    ($test:ident, $version:ident) => {
        #[tokio::test]
        async fn $test() {
            use prost::Message;
            use tonic_reflection::pb::$version::{
                ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
                server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
            };
            let world = World::start().await;
            // Open to everybody: no key.
            let mut client = ServerReflectionClient::new(world.a.channel.clone());
            let mut ask = async |message: MessageRequest| {
                let request = ServerReflectionRequest { host: String::new(), message_request: Some(message) };
                let mut answers =
                    client.server_reflection_info(tokio_stream::iter([request])).await.unwrap().into_inner();
                answers.message().await.unwrap().unwrap().message_response.unwrap()
            };
            let MessageResponse::ListServicesResponse(list) =
                ask(MessageRequest::ListServices(String::new())).await
            else {
                panic!("no list")
            };
            let names: Vec<String> = list.service.into_iter().map(|s| s.name).collect();
            for service in protocol::services().into_iter().chain(["grpc.health.v1.Health".to_owned()]) {
                assert!(names.contains(&service), "{service} is not in {names:?}");
                let answer = ask(MessageRequest::FileContainingSymbol(service.clone())).await;
                assert!(matches!(answer, MessageResponse::FileDescriptorResponse(_)), "{service}");
            }
            for symbol in [
                "google.rpc.BadRequest",
                "google.rpc.ErrorInfo",
                "google.rpc.RetryInfo",
                "google.rpc.Status",
                "google.longrunning.Operation",
                "assessment.v1.Regrade",
                "assessment.v1.RegradeProgress",
                "assessment.v1.Question",
            ] {
                let answer = ask(MessageRequest::FileContainingSymbol(symbol.to_owned())).await;
                let MessageResponse::FileDescriptorResponse(files) = answer else {
                    panic!("{symbol} is not found")
                };
                let file =
                    prost_types::FileDescriptorProto::decode(files.file_descriptor_proto[0].as_slice())
                        .unwrap();
                let wanted = symbol.rsplit('.').next().unwrap();
                assert!(file.message_type.iter().any(|m| m.name() == wanted), "{symbol}");
            }
            let message = Some(MessageRequest::FileContainingSymbol("no.such.Symbol".to_owned()));
            let request = ServerReflectionRequest { host: String::new(), message_request: message };
            let mut answers =
                client.server_reflection_info(tokio_stream::iter([request])).await.unwrap().into_inner();
            assert_eq!(answers.message().await.unwrap_err().code(), Code::NotFound);
        }
    };
}

reflection!(reflection_v1_tells_everything, v1);
reflection!(reflection_v1alpha_tells_the_same, v1alpha);

#[tokio::test]
async fn whatever_breaks_in_the_database_stays_there() {
    let world = World::start().await;
    world.a.new_bank("crm").await;
    let mut su = world.superuser().await;
    // A schema that is not ours: every statement about questions fails.
    sqlx::raw_sql("alter table question rename column content to contents").execute(&mut su).await.unwrap();
    let create = pb::CreateQuestionRequest {
        parent: "banks/crm".to_owned(),
        question: Some(single("?", "A")),
        ..Default::default()
    };
    for status in [
        refused(world.a.bank().create_question(create).await, Code::Internal),
        refused(
            world
                .a
                .bank()
                .list_questions(pb::ListQuestionsRequest {
                    parent: "banks/crm".to_owned(),
                    ..Default::default()
                })
                .await,
            Code::Internal,
        ),
    ] {
        assert_eq!((status.message(), reason(&status)), ("internal error", "INTERNAL".to_owned()));
        assert!(bad_fields(&status).is_empty());
    }
}
