//! A world: a database of its own, a real server on it, tenants, and clients that carry their keys.

use std::{net::SocketAddr, time::Duration};

use assessd::{
    db::Db,
    pb::{
        self, admin_service_client::AdminServiceClient, assembly_service_client::AssemblyServiceClient,
        delivery_service_client::DeliveryServiceClient, exam_service_client::ExamServiceClient,
        grading_service_client::GradingServiceClient, longrunning::operations_client::OperationsClient,
        question_bank_service_client::QuestionBankServiceClient, result_service_client::ResultServiceClient,
    },
    server::{self, Options},
};
use sqlx::{PgConnection, postgres::PgConnectOptions};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use uuid::Uuid;

use super::cluster;

/// See the module.
pub struct World {
    pub database: String,
    pub addr: SocketAddr,
    pub db: Db,
    /// The first tenant, as its administrator.
    pub a: As,
    pub options: Options,
    stop: CancellationToken,
    server: Option<JoinHandle<anyhow::Result<()>>>,
}

impl World {
    /// A database, a server and one tenant.
    pub async fn start() -> Self {
        let database = cluster::database().await;
        let options = cluster::options(&database).await;
        Self::on(database, options, 8, Options::default()).await
    }

    /// A server with these settings on the way `connect` to that database.
    pub async fn on(database: String, connect: PgConnectOptions, connections: u32, options: Options) -> Self {
        let db = Db::open(connect, connections);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let server =
            tokio::spawn(server::serve(db.clone(), listener, options, stop.clone().cancelled_owned()));
        let (tenant, key) = db.create_tenant("first").await.unwrap();
        let a = As::new(addr, tenant, key);
        Self { database, addr, db, a, options, stop, server: Some(server) }
    }

    /// One more tenant, as its administrator.
    pub async fn tenant(&self, display_name: &str) -> As {
        let (tenant, key) = self.db.create_tenant(display_name).await.unwrap();
        As::new(self.addr, tenant, key)
    }

    /// A second server on the same database, as on a second machine.
    pub async fn twin(&self) -> Self {
        let connect = cluster::options(&self.database).await;
        let db = Db::open(connect, 8);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let server =
            tokio::spawn(server::serve(db.clone(), listener, self.options, stop.clone().cancelled_owned()));
        let a = As::new(addr, self.a.tenant, self.a.key.clone());
        Self {
            database: self.database.clone(),
            addr,
            db,
            a,
            options: self.options,
            stop,
            server: Some(server),
        }
    }

    /// A connection to the world's database that row-level security does not bind.
    pub async fn superuser(&self) -> PgConnection {
        cluster::superuser(&self.database).await
    }

    /// Asks the server to stop, and waits until it has.
    pub async fn stop(mut self) {
        self.stop.cancel();
        self.server.take().unwrap().await.unwrap().unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(server) = self.server.take() {
            server.abort();
        }
    }
}

/// Adds the key to every call.
#[derive(Clone)]
pub struct Auth(Option<MetadataValue<Ascii>>);

impl Interceptor for Auth {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

/// A channel that proves itself.
pub type Wire = InterceptedService<Channel, Auth>;

/// A caller: the server as one tenant's key sees it.
#[derive(Clone)]
pub struct As {
    pub tenant: Uuid,
    pub key: String,
    pub channel: Channel,
}

impl As {
    /// The caller with this key at that server; connects when it first calls.
    pub fn new(addr: SocketAddr, tenant: Uuid, key: String) -> Self {
        let channel = Endpoint::from_shared(format!("http://{addr}"))
            .unwrap()
            .timeout(Duration::from_secs(60))
            .connect_lazy();
        Self { tenant, key, channel }
    }

    /// The same server with another key.
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// The same tenant at another server.
    pub fn at(&self, addr: SocketAddr) -> Self {
        Self::new(addr, self.tenant, self.key.clone())
    }

    /// A caller of the same tenant with these roles.
    pub async fn role(&self, roles: &[pb::Role]) -> Self {
        let api_key = pb::ApiKey {
            display_name: "role".to_owned(),
            roles: roles.iter().map(|r| *r as i32).collect(),
            ..Default::default()
        };
        let made =
            self.admin().create_api_key(pb::CreateApiKeyRequest { api_key: Some(api_key) }).await.unwrap();
        self.with_key(&made.into_inner().secret)
    }

    /// The channel with the key.
    pub fn wire(&self) -> Wire {
        let value = (!self.key.is_empty()).then(|| format!("Bearer {}", self.key).parse().unwrap());
        InterceptedService::new(self.channel.clone(), Auth(value))
    }

    pub fn admin(&self) -> AdminServiceClient<Wire> {
        AdminServiceClient::new(self.wire())
    }

    pub fn bank(&self) -> QuestionBankServiceClient<Wire> {
        QuestionBankServiceClient::new(self.wire()).max_decoding_message_size(64 << 20)
    }

    pub fn assembly(&self) -> AssemblyServiceClient<Wire> {
        AssemblyServiceClient::new(self.wire()).max_decoding_message_size(64 << 20)
    }

    pub fn exam(&self) -> ExamServiceClient<Wire> {
        ExamServiceClient::new(self.wire())
    }

    pub fn delivery(&self) -> DeliveryServiceClient<Wire> {
        DeliveryServiceClient::new(self.wire()).max_decoding_message_size(64 << 20)
    }

    pub fn grading(&self) -> GradingServiceClient<Wire> {
        GradingServiceClient::new(self.wire())
    }

    pub fn operations(&self) -> OperationsClient<Wire> {
        OperationsClient::new(self.wire())
    }

    pub fn result(&self) -> ResultServiceClient<Wire> {
        ResultServiceClient::new(self.wire()).max_decoding_message_size(64 << 20)
    }
}
