//! What every bench needs: the service on a cluster of its own, with a bank, a form of [`POSITIONS`] questions and an exam.

#![allow(dead_code, reason = "no bench uses all of it")]

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use assessd::{
    attempt::plans::{CompiledForm, Plans},
    db::Db,
    embedded::{Cluster, Settings},
    ids::ExamId,
    pb::{
        self, assembly_service_client::AssemblyServiceClient, exam_service_client::ExamServiceClient,
        question_bank_service_client::QuestionBankServiceClient,
    },
    server,
};
use sqlx::PgPool;
use tokio::{sync::oneshot, task::JoinHandle};
use tonic::{Request, metadata::MetadataValue, transport::Channel};
use uuid::Uuid;

/// Questions of the form.
pub const POSITIONS: i32 = 50;

/// What may fail, anyhow.
pub type Anything<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// See the module.
pub struct Service {
    /// Where the cluster lies, and what else the bench writes.
    pub dir: PathBuf,
    pub cluster: Cluster,
    pub db: Db,
    pub tenant: Uuid,
    /// The tenant's API key.
    pub key: String,
    pub addr: SocketAddr,
    /// The form of the exam, compiled.
    pub form: Arc<CompiledForm>,
    /// The database, past row-level security.
    pub admin: PgPool,
    stop: oneshot::Sender<()>,
    served: JoinHandle<anyhow::Result<()>>,
}

impl Service {
    /// Starts all of it.
    pub async fn start() -> Anything<Self> {
        let dir = std::env::temp_dir().join(format!("assessd-bench-{}", std::process::id()));
        let cluster = Cluster::start(&Settings::new(dir.clone())).await?;
        let db = Db::open(cluster.options(), 16);
        db.migrate().await?;
        let (tenant, key) = db.create_tenant("bench").await?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(server::serve(db.clone(), listener, server::Options::default(), async {
            let _ = stopped.await;
        }));
        prepare(addr, &key).await?;
        let (plans, exam): (_, ExamId) = (Plans::new(), "bench".parse()?);
        let mut tx = db.submit(tenant, tokio::time::Instant::now() + Duration::from_secs(10)).await?;
        let facts = plans.exam(&mut tx, tenant, &exam).await.map_err(|e| format!("{e:?}"))?;
        let form = plans.form(&mut tx, tenant, &facts, 0).await.map_err(|e| format!("{e:?}"))?;
        drop(tx);
        let admin = sqlx::postgres::PgPoolOptions::new()
            .max_connections(1)
            .connect_with(cluster.superuser_options("assessd"))
            .await?;
        Ok(Self { dir, cluster, db, tenant, key, addr, form, admin, stop, served })
    }

    /// Stops all of it and leaves nothing behind.
    pub async fn stop(self) -> Anything<()> {
        let _ = self.stop.send(());
        self.served.await??;
        self.admin.close().await;
        self.cluster.stop().await;
        Ok(std::fs::remove_dir_all(&self.dir)?)
    }
}

/// The end of the log, in bytes.
pub async fn wal(admin: &PgPool) -> Anything<f64> {
    Ok(sqlx::query_scalar::<_, f64>("select (pg_current_wal_insert_lsn() - '0/0')::float8")
        .fetch_one(admin)
        .await?)
}

/// A request with the key.
pub fn authorized<T>(message: T, key: &str) -> Request<T> {
    let mut request = Request::new(message);
    if let Ok(value) = MetadataValue::try_from(format!("Bearer {key}")) {
        request.metadata_mut().insert("authorization", value);
    }
    request
}

/// A connection.
pub async fn channel(addr: SocketAddr) -> Anything<Channel> {
    Ok(Channel::from_shared(format!("http://{addr}"))?.tcp_nodelay(true).connect().await?)
}

/// A bank of 50 single-choice questions, one form of all of them, one exam.
pub async fn prepare(addr: SocketAddr, key: &str) -> Anything<()> {
    let channel = channel(addr).await?;
    let mut banks = QuestionBankServiceClient::new(channel.clone());
    let bank = pb::Bank { display_name: "bench".into(), ..Default::default() };
    let create = pb::CreateBankRequest { bank_id: "bench".into(), bank: Some(bank), ..Default::default() };
    banks.create_bank(authorized(create, key)).await?;
    for i in 0..POSITIONS {
        let question = pb::Question {
            kind: pb::QuestionKind::SingleChoice as i32,
            stem: format!("第{i}题: 客户关系管理的核心是什么?"),
            options: ["A", "B", "C", "D"]
                .map(|label| pb::QuestionOption { label: label.into(), text: format!("选项{label}") })
                .to_vec(),
            key: Some(pb::AnswerKey { choices: vec!["B".into()], ..Default::default() }),
            ..Default::default()
        };
        let create = pb::CreateQuestionRequest {
            parent: "banks/bench".into(),
            question: Some(question),
            publish: true,
            ..Default::default()
        };
        banks.create_question(authorized(create, key)).await?;
    }
    let mut assembly = AssemblyServiceClient::new(channel.clone());
    let blueprint = pb::Blueprint {
        display_name: "bench".into(),
        bank: "banks/bench".into(),
        sections: vec![pb::BlueprintSection {
            title: "单项选择题".into(),
            kinds: vec![pb::QuestionKind::SingleChoice as i32],
            count: POSITIONS,
            points_each: "2".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let create = pb::CreateBlueprintRequest {
        blueprint_id: "bench".into(),
        blueprint: Some(blueprint),
        ..Default::default()
    };
    assembly.create_blueprint(authorized(create, key)).await?;
    let assemble = pb::AssembleFormsRequest {
        parent: "blueprints/bench".into(),
        form_count: 1,
        seed: Some(1),
        form_ids: vec!["a".into()],
        ..Default::default()
    };
    assembly.assemble_forms(authorized(assemble, key)).await?;
    let exam = pb::Exam {
        display_name: "bench".into(),
        forms: vec!["blueprints/bench/forms/a".into()],
        max_attempts: 100,
        ..Default::default()
    };
    let create = pb::CreateExamRequest { exam_id: "bench".into(), exam: Some(exam), ..Default::default() };
    ExamServiceClient::new(channel).create_exam(authorized(create, key)).await?;
    Ok(())
}
