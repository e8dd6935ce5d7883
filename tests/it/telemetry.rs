//! Traces leave over OTLP, joined to the caller's own: the span of a call hangs below the caller's span, and each of
//! its statements below that.

use std::sync::{Arc, Mutex};

use assessd::pb;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    trace::v1::Span,
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::support::{cluster, process::Process, world::World};

#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let spans = request.into_inner().resource_spans.into_iter();
        let spans = spans.flat_map(|r| r.scope_spans).flat_map(|s| s.spans);
        self.0.lock().unwrap().extend(spans);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    fn named(&self, name: &str) -> Option<Span> {
        self.0.lock().unwrap().iter().find(|s| s.name == name).cloned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_joins_the_callers_trace_and_its_statements_hang_below_it() {
    let collector = Collector::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(
        tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(collector.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener)),
    );
    let world = World::start().await;
    let a = world.tenant("甲").await;
    let process = Process::serve_with(
        &cluster::url(&world.database).await,
        &["--otlp-endpoint", &endpoint],
        &[("OTEL_BSP_SCHEDULE_DELAY", "100")],
    )
    .await;

    let mut request = Request::new(pb::ListBanksRequest::default());
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    request.metadata_mut().insert("traceparent", parent.parse().unwrap());
    a.at(process.addr).bank().list_banks(request).await.unwrap();

    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let (call, statement) = loop {
        let found =
            collector.named("assessment.v1.QuestionBankService/ListBanks").zip(collector.named("bank_list"));
        match found {
            Some(found) => break found,
            None if std::time::Instant::now() > deadline => {
                panic!("no spans arrived: {:?}", collector.0.lock().unwrap())
            }
            None => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    };
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    assert_eq!(hex(&call.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(hex(&call.parent_span_id), "00f067aa0ba902b7");
    assert_eq!(statement.trace_id, call.trace_id);
    assert_eq!(statement.parent_span_id, call.span_id);
    let keys: Vec<&str> = statement.attributes.iter().map(|a| a.key.as_str()).collect();
    assert!(keys.contains(&"db.response.returned_rows"), "{keys:?}");
}
