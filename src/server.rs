//! The server: every service behind the edge, with reflection and health. Used by `assessd serve`, by the demo and by
//! the tests alike.

pub mod connections;
pub mod gathered;
mod listener;

use std::{future::Future, time::Duration};

use connections::{Connections, Wish};
use listener::Bounds;
use rustix::process::{Resource, getrlimit};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::Routes;
use tonic_health::{ServingStatus, server::HealthReporter};
use tower::Layer as _;

use crate::{
    admin, assembly,
    attempt::{expiry, plans::Plans, rpc::Delivery, service::DeliveryServer},
    bank,
    db::Db,
    edge::{EdgeLayer, method},
    exam, grading, lifecycle,
    operation::{carry::Carrier, rpc::Operations},
    pb::{
        self, admin_service_server::AdminServiceServer, assembly_service_server::AssemblyServiceServer,
        exam_service_server::ExamServiceServer, grading_service_server::GradingServiceServer,
        longrunning::operations_server::OperationsServer,
        question_bank_service_server::QuestionBankServiceServer, result_service_server::ResultServiceServer,
    },
    result::rpc::Results,
};

/// The largest message of any method; each has its own limit at the edge.
const MAX_MESSAGE: usize = method::LARGEST;
/// Calls under way on one connection: what is beyond waits at the caller.
const CALLS: u32 = 256;
/// Files that are left for other things than the connections of callers and of the database.
const SPARE_FILES: u64 = 64;

/// How the server behaves.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The deadline of a call that names none, and the longest that a call may name.
    pub deadline: Duration,
    /// How long calls under way may go on after a stop was asked for.
    pub drain: Duration,
    /// How long a process may be silent before others take over the long work that it was at. A step that is under way
    /// holds its operation's row, so nobody takes that over however long it lasts: the lease has to outlast only the
    /// pauses between steps, and a short one lets work go on soon after a death.
    pub lease: Duration,
    /// Connections of callers at a time, as far as the files of the process allow.
    pub client_connections: usize,
    /// Those of one address.
    pub client_connections_per_address: usize,
    /// How long a connection may have no call under way.
    pub idle: Duration,
    /// Bytes of requests that are under way at a time; half of them of one tenant.
    pub bytes_under_way: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(60),
            drain: Duration::from_secs(20),
            lease: Duration::from_secs(5),
            client_connections: 4096,
            client_connections_per_address: 1024,
            idle: Duration::from_secs(600),
            bytes_under_way: 256 * 1024 * 1024,
        }
    }
}

/// Serves until `stop` resolves; then says that it is not ready, lets calls under way finish (bounded), and returns.
pub async fn serve(
    db: Db,
    listener: TcpListener,
    options: Options,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let (health, health_service) = tonic_health::server::health_reporter();
    let (reflection_v1, reflection_v1alpha) = (reflection().build_v1()?, reflection().build_v1alpha()?);

    let stopping = CancellationToken::new();
    // Whoever drops this future instead of stopping it must not leave its tasks behind.
    let _stopped = stopping.clone().drop_guard();
    let tasks = TaskTracker::new();
    // Every service is known from the start, and none is ready before the database was asked.
    report(&health, ServingStatus::NotServing).await;
    tasks.spawn(watch_database(db.clone(), health.clone(), stopping.clone()));

    let plans = Plans::new();
    tasks.spawn(expiry::watch(db.clone(), plans.clone(), stopping.clone()));
    tasks.spawn(lifecycle::purge::watch(db.clone(), stopping.clone()));
    let works = vec![grading::steps::work(plans.clone())];
    let carrier = Carrier::new(db.clone(), works, options.lease, tasks.clone(), stopping.clone());
    tasks.spawn(carrier.clone().watch());
    let edge = EdgeLayer::new(db.clone(), options.deadline, options.bytes_under_way, stopping.clone());
    tasks.spawn(edge.clone().keep_record());
    let routes = Routes::new(health_service.max_decoding_message_size(method::OPEN))
        .add_service(reflection_v1.max_decoding_message_size(method::OPEN))
        .add_service(reflection_v1alpha.max_decoding_message_size(method::OPEN))
        .add_service(AdminServiceServer::new(admin::rpc::Admin::new(db.clone())))
        .add_service(
            QuestionBankServiceServer::new(bank::rpc::Banks::new(db.clone()))
                .max_decoding_message_size(MAX_MESSAGE),
        )
        .add_service(AssemblyServiceServer::new(assembly::rpc::Assembly::new(db.clone())))
        .add_service(ExamServiceServer::new(exam::rpc::Exams::new(db.clone())))
        .add_service(DeliveryServer::new(Delivery::new(db.clone(), plans.clone()), MAX_MESSAGE))
        .add_service(GradingServiceServer::new(grading::rpc::Grading::new(
            db.clone(),
            plans.clone(),
            carrier.clone(),
        )))
        .add_service(OperationsServer::new(Operations::new(db.clone(), stopping.clone())))
        .add_service(ResultServiceServer::new(Results::new(db.clone(), plans)))
        .prepare();

    let most = options.client_connections.min(files_for_connections(&db));
    let connections = Connections::new(most, options.client_connections_per_address);
    // Whoever drops this future instead of stopping it must not leave its connections behind.
    let _closed = Closed(connections.clone());
    let bounds =
        Bounds { calls: CALLS, idle: options.idle, silence: options.deadline + Duration::from_secs(30) };
    let served = TaskTracker::new();
    let taking = listener::take(
        listener,
        edge.layer(routes),
        connections.clone(),
        bounds,
        served.clone(),
        stopping.clone(),
    );
    tokio::select! {
        () = taking => {}
        () = stop => {}
    }
    tracing::info!("stopping: no new calls, those under way may finish");
    report(&health, ServingStatus::NotServing).await;
    stopping.cancel();
    connections.ask_all(Wish::Leave);
    served.close();
    if tokio::time::timeout(options.drain, served.wait()).await.is_err() {
        tracing::warn!("calls were still under way when the time to drain was over");
        connections.ask_all(Wish::Close);
    }
    tasks.close();
    tasks.wait().await;
    edge.record(true).await;
    db.pool().close().await;
    Ok(())
}

/// Ends all connections when it is dropped.
struct Closed(std::sync::Arc<Connections>);

impl Drop for Closed {
    fn drop(&mut self) {
        self.0.ask_all(Wish::Close);
    }
}

/// How many connections of callers the files of this process allow.
fn files_for_connections(db: &Db) -> usize {
    let others = SPARE_FILES + u64::from(db.pool().options().get_max_connections());
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files.saturating_sub(others).max(16)).unwrap_or(usize::MAX)
}

/// The services that are served, as health names them. The whole server, named "", comes last: where it is ready, all of
/// them are.
pub const SERVICES: [&str; 9] = [
    "assessment.v1.AdminService",
    "assessment.v1.QuestionBankService",
    "assessment.v1.AssemblyService",
    "assessment.v1.ExamService",
    "assessment.v1.DeliveryService",
    "assessment.v1.GradingService",
    "assessment.v1.ResultService",
    "google.longrunning.Operations",
    "",
];

/// Tells of every message that a call may carry, those inside of an `Any` included.
fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        // Ours come last: of a message that two sets describe, such as google.rpc.Status, the last one is told.
        .register_encoded_file_descriptor_set(pb::DESCRIPTORS)
}

async fn report(health: &HealthReporter, status: ServingStatus) {
    for service in SERVICES {
        health.set_service_status(service, status).await;
    }
}

/// Readiness follows the database: asked twice a second, so that its loss shows within two seconds.
async fn watch_database(db: Db, health: HealthReporter, stopping: CancellationToken) {
    let (mut pulse, mut was) = (db.pulse(), None);
    loop {
        let now = if pulse.ask().await { ServingStatus::Serving } else { ServingStatus::NotServing };
        if stopping.is_cancelled() {
            return;
        }
        if was != Some(now) {
            tracing::info!(status = ?now, "readiness changed");
            report(&health, now).await;
            was = Some(now);
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
        }
    }
}
